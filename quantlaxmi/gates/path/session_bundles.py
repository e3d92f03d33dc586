"""Bundles of a run over option chains: which cannot be rebuilt by a null, and their gamma."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.path.session_days import SessionDays
from quantlaxmi.options import ChainRows, FairVarianceNull, greeks
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["net_gamma", "nights_held", "not_rebuilt"]


def not_rebuilt(
    run: Run, rows: ChainRows, null: FairVarianceNull, days: SessionDays
) -> tuple[int, int]:
    """Return how many bundles were held overnight, and how many left the chain that is rebuilt.

    A bundle goes from flat to flat. It leaves the chain where it trades something that is no
    option, a strike that is not quoted on the day, or an expiry without a forward.

    Parameters
    ----------
    run : Run
    rows : ChainRows
    null : FairVarianceNull
    days : SessionDays
    """
    fills = run.exact.fills
    off = set()
    bundle, held = 0, dict[int, int]()
    flat_after, number = [], []
    place = np.searchsorted(rows.history.ts_ns, fills["ts_ns"], side="right") - 1
    for at, i, position in zip(
        place.tolist(), fills["instrument"].tolist(), fills["position"].tolist(), strict=True
    ):
        if not _is_rebuilt(rows, null, max(at, 0), i):
            off.add(bundle)
        held[i] = position
        number.append(bundle)
        flat_after.append(not any(held.values()))
        bundle += flat_after[-1]
    nights = np.searchsorted(fills["ts_ns"], days.ends[:-1], side="right") - 1
    overnight = {number[k] for k in nights.tolist() if k >= 0 and not flat_after[k]}
    return len(overnight), len(off - overnight)


def nights_held(fills: npt.NDArray[np.void], ends: I64) -> int:
    """Return after how many session days a run held a position.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    ends : ndarray of int64, shape (n_days,)
        Time of the last message of each day, ascending; the last day has no night.
    """
    order = np.argsort(fills["instrument"], kind="stable")
    held = fills["position"][order] != 0
    first = np.diff(fills["instrument"][order], prepend=-1) != 0
    change = np.empty(len(fills), np.int64)
    change[order] = held.astype(np.int64) - (np.roll(held, 1) & ~first)
    n_open = np.concatenate([[0], np.cumsum(change)])
    done = np.searchsorted(fills["ts_ns"], ends[:-1], side="right")
    return int((n_open[done] > 0).sum())


def _is_rebuilt(rows: ChainRows, null: FairVarianceNull, snapshot: int, instrument: int) -> bool:
    row = int(rows.row_of[instrument])
    if row < 0:
        return False
    expiry = int(np.searchsorted(rows.history.start, row, side="right")) - 1
    low, high = null.span[:, snapshot, expiry].tolist()
    return bool(low <= row < high and null.vol[snapshot, expiry] > 0)


def net_gamma(run: Run, rows: ChainRows, null: FairVarianceNull) -> float:
    """Return the gamma of what a run held, summed over the snapshots; below 0 it was short.

    Volatilities are those at the money, of the recorded chain; units are those of quantity over
    price units, since the sign alone is used.

    Parameters
    ----------
    run : Run
    rows : ChainRows
    null : FairVarianceNull
    """
    history = rows.history
    found = list(_held(run, history.ts_ns))
    if not found:
        return 0.0
    t, instrument, position = (np.array(one, np.int64) for one in zip(*found, strict=True))
    row = rows.row_of[instrument]
    expiry = np.searchsorted(history.start, row, side="right") - 1
    known = (row >= 0) & (null.vol[t, expiry] > 0)
    t, row, expiry, position = t[known], row[known], expiry[known], position[known]
    strike = history.strike[row].astype(np.float64)
    gamma = greeks(null.forward[t, expiry], strike, 1.0, null.vol[t, expiry], True).gamma
    return float((gamma * position).sum())


def _held(run: Run, ts_ns: I64) -> Iterator[tuple[int, int, int]]:
    """Snapshot, instrument and position of everything that was held at a snapshot."""
    fills = run.exact.fills
    held: dict[int, int] = {}
    done = np.searchsorted(fills["ts_ns"], ts_ns, side="right").tolist()
    instrument, position = fills["instrument"].tolist(), fills["position"].tolist()
    before = 0
    for t, after in enumerate(done):
        for k in range(before, after):
            held[instrument[k]] = position[k]
            if not position[k]:
                del held[instrument[k]]
        before = after
        for i, amount in held.items():
            yield t, i, amount
