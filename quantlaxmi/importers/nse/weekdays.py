"""Days on which an Indian market was open and of which nothing was recorded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.schema import I64
from quantlaxmi.segment.manifest import Gap

__all__ = ["day_numbers", "weekday_gaps"]

_DAY_NS: Final = 86_400 * 10**9
_IST_NS: Final = 19_800 * 10**9
_EPOCH: Final = date(1970, 1, 1)


def day_numbers(ts_ns: I64) -> I64:
    """Return the days of times by the clock of India, counted from 1970-01-01."""
    found: I64 = (ts_ns + _IST_NS) // _DAY_NS
    return found


def weekday_gaps(ts_ns: I64, seq: I64, what: str, table: str = "") -> list[Gap]:
    """Return times with more than one weekday that nothing is of: a single one may be a holiday.

    Parameters
    ----------
    ts_ns : ndarray of int64, shape (n,)
        Of what was recorded, ascending.
    seq : ndarray of int64, shape (n,)
        Number of the message that was the last one then.
    what : str
        What there is none of: ``"file"``.
    table : str
        Of the gaps; empty for all data.

    Examples
    --------
    >>> monday = 1_756_695_600 * 10**9  # 2025-09-01
    >>> ts_ns = monday + np.array([-3, 0, 1, 4]) * 86_400 * 10**9
    >>> weekday_gaps(ts_ns, np.arange(4), "file")[0].reason
    'no file of 2 weekdays between 2025-09-02 and 2025-09-05'
    """
    days, gaps = day_numbers(ts_ns), []
    for k in np.flatnonzero(np.diff(days) > 2).tolist():
        a, b = (_EPOCH + timedelta(int(days[n])) for n in (k, k + 1))
        missing = sum((a + timedelta(n)).weekday() < 5 for n in range(1, (b - a).days))
        if missing > 1:
            why = f"no {what} of {counted(missing, 'weekday[s]')} between {a} and {b}"
            start, end = int(ts_ns[k]), int(ts_ns[k + 1])
            after = int(seq[k])
            gaps.append(Gap(table=table, start_ns=start, end_ns=end, after_seq=after, reason=why))
    return gaps
