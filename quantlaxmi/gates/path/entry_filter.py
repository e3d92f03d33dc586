"""Snapshots at which a strategy's own filters let it enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["entry_filter"]


def entry_filter(run: Run) -> npt.NDArray[np.bool_] | None:
    """Ask a run's strategy where its filters that need no history hold.

    Returns
    -------
    ndarray of bool, shape (n_snapshots,), or None
        From ``can_enter(market)`` of the strategy's class (a bool for each snapshot), and from its
        ``can_trade``; None where it has neither.
    """
    found: npt.NDArray[np.bool_] | None = None
    own = getattr(run.strategy.strategy, "can_enter", None)
    if own is not None:
        found = np.asarray(own(run.segment), np.bool_)
    asked = run.strategy.can_trade or (
        run.strategy.form == "python" and hasattr(run.strategy.instance, "can_trade")
    )
    if not asked:
        return found
    from quantlaxmi.run.decision_points import trade_filter

    chain = run.segment.columns("chain")["seq"]
    seqs = chain[np.flatnonzero(np.diff(chain, prepend=-1))]
    seq, can_trade = trade_filter(run)
    allowed = np.isin(seqs, seq[can_trade])
    return allowed if found is None else allowed & found
