"""Session days of a market of option chains: the units of what gates sum there.

Equal parts of the clock, which other markets are cut into, would mostly be nights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from quantlaxmi.run.bucket_sums import sums_at
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData

__all__ = ["DAYS_OF_EQUITY", "DAYS_OF_SUMS", "SessionDays", "net_by_day", "session_days"]

#: Least session days from which the market null sums a day, and below which it sums a bundle.
DAYS_OF_SUMS: Final = 10
#: Least session days that the mean of a day's net is judged by: fewer hide rare losses.
DAYS_OF_EQUITY: Final = 60
_DAY_NS: Final = 86_400 * 10**9
#: India's clock ahead of UTC.
_IST_NS: Final = 19_800 * 10**9


@dataclass(frozen=True, slots=True)
class SessionDays:
    """Days on which snapshots were taken.

    Attributes
    ----------
    ends : ndarray of int64, shape (n_days,)
        Time of the last message of each day; of the last day that of the segment.
    step_ns : int
        Median time between two snapshots of a day, the smaller one of two; 0 without any.
    """

    ends: I64
    step_ns: int

    @property
    def n_days(self) -> int:
        """Number of session days."""
        return len(self.ends)


def session_days(segment: MarketData) -> SessionDays | None:
    """Return the session days of a market of option chains; None of any other market."""
    chain = segment.columns("chain")
    if not len(chain["seq"]):
        return None
    ts_ns = chain["ts_ns"][np.flatnonzero(np.diff(chain["seq"], prepend=chain["seq"][0] - 1))]
    day = (ts_ns + _IST_NS) // _DAY_NS
    steps = np.sort(np.diff(ts_ns)[np.diff(day) == 0])
    step_ns = int(steps[(len(steps) - 1) // 2]) if len(steps) else 0
    ends = ts_ns[np.append(np.diff(day) != 0, True)].astype(np.int64)
    ends[-1] = max(int(ends[-1]), segment.last_ts_ns)
    return SessionDays(ends, step_ns)


def net_by_day(run: Run, days: SessionDays) -> tuple[int, ...]:
    """Return the increments of a run's equity over its session days.

    Parameters
    ----------
    run : Run
        Of one currency, or with a conversion to one.
    days : SessionDays

    Returns
    -------
    tuple of int
        At 10**(ledger exponent - 1); a day has what happened since the end of the one before.

    Raises
    ------
    EngineError
        When the sums are not the ledger's gross and net.
    """
    net = sums_at(run, days.ends).net
    return tuple(b - a for a, b in zip([0, *net], net, strict=False))
