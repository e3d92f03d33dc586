"""Buys of spot that paid their fee in base: how many, and what they paid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantlaxmi.counted import literal
from quantlaxmi.fixed import int128_sum
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import FillFlag


def base_fee_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield a line for each instrument of which less was received than was bought."""
    records = run.records
    bought = records.fills[records.fills["side"] > 0]
    in_base = bought[(bought["flags"] & FillFlag.BASE_FEE) != 0]
    for i in np.unique(in_base["instrument"]).tolist():
        one, rows = records.instruments[i], in_base[in_base["instrument"] == i]
        paid = decimal_text(int128_sum(rows["fee_hi"], rows["fee_lo"]), records.ledger_exponent)
        yield SummaryLine(
            "fees",
            f"buy[s] of {literal(one.symbol)} paid [its|their] fee in {literal(one.base)}",
            f"worth {paid} {one.currency} in all, which is not received",
            len(rows),
            int((bought["instrument"] == i).sum()),
            figures={"paid": paid},
        )
