"""The venue's clock by an instrument's stamps, from the definition.

Each message with a stamp above 0 and within a day of its receive time measures stamp minus receive
time. The offset is the largest of the last two hours (of receive time) that had such messages.
"""

from __future__ import annotations

HOUR = 3600 * 10**9
DAY = 24 * HOUR


def counts(ts_ns: int, stamp: int) -> bool:
    return stamp > 0 and abs(stamp - ts_ns) <= DAY


class VenueClock:
    def __init__(self) -> None:
        self.by_hour: dict[int, list[int]] = {}
        self.met = self.over = 0

    def see(self, ts_ns: int, stamp: int) -> None:
        if counts(ts_ns, stamp):
            self.by_hour.setdefault(ts_ns // HOUR, []).append(stamp - ts_ns)

    @property
    def offset(self) -> int | None:
        hours = sorted(self.by_hour)[-2:]
        return max((max(self.by_hour[hour]) for hour in hours), default=None)

    def venue_time(self, ts_ns: int) -> int | None:
        return None if self.offset is None else ts_ns + self.offset

    def receive_time(self, at: int) -> int:
        return at - (self.offset or 0)
