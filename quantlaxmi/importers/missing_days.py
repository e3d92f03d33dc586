"""Days and months for which no file was given, told by the dates in the files' names."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportedFile
from quantlaxmi.segment.manifest import Gap

_DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = datetime.date(1970, 1, 1)
#: 2024-03-01, 2024_03_01, 20240301, 01-03-2024; then 2024-03.
_DAY: Final = re.compile(
    r"(?<!\d)(?:(20\d\d)([-_]?)([01]\d)\2([0-3]\d)|([0-3]\d)-([01]\d)-(20\d\d))(?!\d)"
)
_MONTH: Final = re.compile(r"(?<!\d)(20\d\d)-([01]\d)(?![-_]?\d)")
#: Longest reason of a gap to which further days are added.
_LONG: Final = 1000


class LastMessages:
    """Remembers the last message of every day while the rows of an import pass by."""

    def __init__(self) -> None:
        self._of_day: dict[int, int] = {}

    def add(self, tables: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> None:
        """Look at further rows."""
        for columns in tables.values():
            if not len(columns["ts_ns"]):
                continue
            ts_ns, at = columns["ts_ns"], 0
            while at < len(ts_ns):  # rows of a table ascend in time
                day = int(ts_ns[at]) // _DAY_NS
                at = int(np.searchsorted(ts_ns, (day + 1) * _DAY_NS))
                self._of_day[day] = max(int(columns["seq"][at - 1]), self._of_day.get(day, -1))

    def before(self, ts_ns: int) -> int:
        """Return the number of the last message before the UTC day of a time; -1 for none."""
        day = ts_ns // _DAY_NS
        return max((seq for d, seq in self._of_day.items() if d < day), default=-1)


@dataclass
class _Series:
    """Files whose names differ in their date alone, by the number of the day or month."""

    monthly: bool
    symbol: str
    files: dict[int, ImportedFile] = field(default_factory=dict)

    @property
    def tables(self) -> list[str]:
        """The tables that the files contain."""
        kinds = {k for file in self.files.values() for k, n in file.messages_by_kind.items() if n}
        return sorted(kinds)

    def runs(self) -> Iterator[tuple[int, int, bool]]:
        """First and last of consecutive numbers that have no file, or an empty one."""
        numbers = sorted(self.files)
        for before, after in itertools.pairwise(numbers):
            if after > before + 1:
                yield before + 1, after - 1, False
        yield from ((n, n, True) for n in numbers[1:-1] if self.files[n].is_empty)

    def start_ns(self, number: int) -> int:
        """Time at which a day or a month begins."""
        return (self.date(number) - _EPOCH).days * _DAY_NS

    def date(self, number: int) -> datetime.date:
        """First day of a number."""
        if self.monthly:
            return datetime.date(number // 12, number % 12 + 1, 1)
        return datetime.date.fromordinal(number)

    def text(self, first: int, last: int) -> str:
        """Days or months as people write them."""
        shown = [self.date(n).isoformat()[: 7 if self.monthly else 10] for n in (first, last)]
        return " to ".join(dict.fromkeys(shown))


def with_missing_days(
    gaps: Sequence[Gap],
    files: Sequence[ImportedFile],
    last: LastMessages | None,
) -> list[Gap]:
    """Return gaps that say for which days no file was given.

    Files whose names differ in one date are a series. A day (or month) between its first and its
    last that has no file is told by the gap that covers it, or is a gap of its own. An empty file
    is told by the gap that covers it; without one its day is no gap.

    Parameters
    ----------
    gaps : sequence of Gap
        Those that the rows told.
    files : sequence of ImportedFile
    last : LastMessages or None
        Of all rows. None where the rows tell every gap there is, as those of bars do, so that a day
        without a gap is one on which the market was closed.
    """
    found = list(gaps)
    for series in _series(files):
        for first, final, is_empty in series.runs():
            start_ns, end_ns = series.start_ns(first), series.start_ns(final + 1)
            text = f"no file of {series.text(first, final)}"
            if is_empty:
                text = f"the file of {series.text(first, final)} is empty"
            for table in series.tables:
                told = [
                    k
                    for k, gap in enumerate(found)
                    if gap.table == table
                    and gap.symbol in ("", series.symbol)
                    and gap.start_ns < end_ns
                    and gap.end_ns > start_ns
                ]
                for k in told:
                    if len(found[k].reason) < _LONG:
                        reason = f"{found[k].reason}; {text}"
                        found[k] = msgspec.structs.replace(found[k], reason=reason)
                if told or is_empty or last is None:
                    continue
                if len(found) < MAX_LISTED_GAPS:
                    found.append(
                        Gap(
                            table=table,
                            symbol=series.symbol,
                            start_ns=start_ns,
                            end_ns=end_ns,
                            after_seq=last.before(start_ns),
                            reason=text,
                        )
                    )
    return found


def _series(files: Sequence[ImportedFile]) -> list[_Series]:
    found: dict[tuple[str, ...], _Series] = {}
    for file in files:
        dated = _dated(file.log.name)
        if dated is None:
            continue
        monthly, number, pattern = dated
        key = (str(monthly), pattern, file.log.stream, file.symbol)
        found.setdefault(key, _Series(monthly, file.symbol)).files[number] = file
    return [series for series in found.values() if len(series.files) > 1]


def _dated(name: str) -> tuple[bool, int, str] | None:
    """Whether a name has a month, its number, and the name without it; None without one date."""
    days = list(_DAY.finditer(name))
    months = [] if days else list(_MONTH.finditer(name))
    if len(days) + len(months) != 1:
        return None
    match = (days or months)[0]
    pattern = f"{name[: match.start()]}*{name[match.end() :]}"
    if months:
        year, month = int(match[1]), int(match[2])
        return (True, 12 * year + month - 1, pattern) if 1 <= month <= 12 else None
    year, month, day = (int(match[k] or match[m]) for k, m in ((1, 7), (3, 6), (4, 5)))
    try:
        return False, datetime.date(year, month, day).toordinal(), pattern
    except ValueError:
        return None
