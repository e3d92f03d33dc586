"""When a market is open: which missing bars are weekends and holidays, and which are missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import ConfigError
from quantlaxmi.importers.bars.spool import Int64Array

_DAY_NS: Final = 86_400 * 10**9


class GapRule:
    """Orders before a missing bar are cancelled: no span without bars is waited over.

    Parameters
    ----------
    interval_ns : int
        Length of a bar.
    """

    def __init__(self, interval_ns: int) -> None:
        self.interval_ns = interval_ns

    def waits(self, ended: Int64Array, begun: Int64Array) -> NDArray[np.bool_]:
        """Over which spans between bars a decision waits for the next one.

        Parameters
        ----------
        ended, begun : ndarray of int64, shape (n_spans,)
            When the bar before ended and the one after began; -1 where there is none after.

        Returns
        -------
        ndarray of bool, shape (n_spans,)
        """
        return np.zeros(len(ended), np.bool_)

    def n_missing(self, start_ns: int, end_ns: int) -> int:
        """Bars that a span of time should have; the first begins with it."""
        return (end_ns - start_ns) // self.interval_ns


class NextBar(GapRule):
    """Every decision waits for the next bar there is."""

    def waits(self, ended: Int64Array, begun: Int64Array) -> NDArray[np.bool_]:
        """As `GapRule.waits`."""
        return begun > ended


class Sessions(GapRule):
    """Sessions of a calendar of the package exchange-calendars.

    Parameters
    ----------
    source : Path
        The mapping, for errors.
    name : str
        Of the calendar, such as ``XNYS``.
    interval_ns : int
        Length of a bar.
    first_ns, last_ns : int
        Of the bars.

    Raises
    ------
    ConfigError
        The package is not installed, has no such calendar, or does not know its sessions.
    """

    def __init__(
        self, source: Path, name: str, interval_ns: int, first_ns: int, last_ns: int
    ) -> None:
        super().__init__(interval_ns)
        calendar = _calendar(source, name, first_ns, last_ns)
        opens, closes = (_nanoseconds(part) for part in (calendar.opens, calendar.closes))
        pauses, resumes = (
            _nanoseconds(part) for part in (calendar.break_starts, calendar.break_ends)
        )
        spans = []
        for opened, closed, pause, resume in zip(opens, closes, pauses, resumes, strict=True):
            if pause < 0:
                spans.append((opened, closed))
            else:
                spans += [(opened, pause), (resume, closed)]
        self._spans = np.array(spans, np.int64).reshape(-1, 2)
        self._days = np.array(_nanoseconds(calendar.sessions), np.int64)

    def waits(self, ended: Int64Array, begun: Int64Array) -> NDArray[np.bool_]:
        """As `GapRule.waits`: over spans in which the market is closed."""
        found = begun > ended
        for k in np.flatnonzero(found).tolist():
            found[k] = self.n_missing(int(ended[k]), int(begun[k])) == 0
        return found

    def n_missing(self, start_ns: int, end_ns: int) -> int:
        """As `GapRule.n_missing`: bars that the market is open in."""
        interval_ns = self.interval_ns
        if interval_ns % _DAY_NS == 0:
            # A bar of a day is the session of its date, wherever midnight is.
            days = self._days + _DAY_NS // 2
            within = days[(days >= start_ns) & (days < end_ns)]
            return len(np.unique((within - start_ns) // interval_ns))
        low, high = np.searchsorted(self._spans[:, 1], start_ns, "right"), len(self._spans)
        n, last = 0, -1
        for opened, closed in self._spans[low:high].tolist():
            if opened >= end_ns:
                break
            first = max(max(opened - start_ns, 0) // interval_ns, last + 1)
            last = max(last, -(-(min(closed, end_ns) - start_ns) // interval_ns) - 1)
            n += max(last - first + 1, 0)
        return n


def check_calendar(source: Path, name: str) -> None:
    """Refuse a calendar that cannot be had, before anything is read.

    Raises
    ------
    ConfigError
    """
    try:
        import exchange_calendars
    except ImportError:
        raise ConfigError(
            source,
            f"was {name!r}, which needs the package exchange-calendars; install "
            "quantlaxmi[calendars]",
            "calendar",
        ) from None
    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        problem = f"was {name[:40]!r}, expected a calendar of exchange-calendars such as XNYS"
        raise ConfigError(source, problem, "calendar")


def _calendar(source: Path, name: str, first_ns: int, last_ns: int) -> Any:
    check_calendar(source, name)
    import exchange_calendars

    start = datetime.fromtimestamp(first_ns // 10**9, UTC).date() - timedelta(days=7)
    end = datetime.fromtimestamp(last_ns // 10**9, UTC).date() + timedelta(days=7)
    try:
        return exchange_calendars.get_calendar(name, start=start.isoformat(), end=end.isoformat())
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        words = " ".join(str(error).split())[:200]
        problem = f"was {name!r}, whose sessions from {start} to {end} are not known: {words}"
        raise ConfigError(source, problem, "calendar") from None


def _nanoseconds(times: Any) -> list[int]:
    """Times of pandas; -1 where there is none."""
    return [-1 if time != time else int(time.timestamp()) * 10**9 for time in times]
