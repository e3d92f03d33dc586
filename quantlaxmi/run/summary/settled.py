"""Positions in contracts that had ended, which took a mid for want of a settlement price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantlaxmi.run.summary.line import FinishedRun, SummaryLine


def settled_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield how many settled positions were settled at the mark."""
    settled = run.records.settled
    if not len(settled):
        return
    priced = np.isin(settled["instrument"], run.market.columns("settlement")["instrument"])
    if not priced.all():
        yield SummaryLine(
            "settled",
            "settled position[s] took the mid of [its|their] last valid book",
            "the data have no settlement price",
            int((~priced).sum()),
            len(settled),
        )
