"""Bundles whose legs did not end matched when their trims arrived."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import OrderReason, OrderStatus, RiskRule


def bundle_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield a line for each instrument of which trims could not take all that they should."""
    records = run.records
    of = int(((records.decisions["bundle"] == 1) & (records.decisions["n_legs"] > 1)).sum())
    short = records.risk[records.risk["rule"] == RiskRule.TRIM_SHORT]
    trims = records.orders[
        (records.orders["reason"] == OrderReason.TRIM)
        & (records.orders["status"] == OrderStatus.PENDING)
    ]
    for i in np.unique(short["instrument"]).tolist():
        one, rows = records.instruments[i], short[short["instrument"] == i]
        sent = trims[trims["instrument"] == i]
        bundles = np.unique(rows["decision"]).tolist()
        # As many attempts as short ones: the last was short too, and something is left.
        left = sum(
            int((sent["decision"] == d).sum()) == int((rows["decision"] == d).sum())
            for d in bundles
        )
        most = decimal_text(int(rows["value"].max()), one.qty_exponent)
        yield SummaryLine(
            "bundles",
            f"bundles had unmatched legs in {one.symbol} after their trim",
            f"no size for up to {most}; all but {left:,} were closed at later books",
            len(bundles),
            of,
            figures={"largest": most, "unclosed": str(left), "short_trims": str(len(rows))},
        )
