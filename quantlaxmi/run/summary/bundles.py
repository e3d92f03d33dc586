"""Bundles that keep fewer units than they wanted, or whose legs did not end as they should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted, literal
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import OrderReason, OrderStatus, RiskRule


def _unit_lines(rows: NDArray[Any]) -> Iterator[SummaryLine]:
    short = rows["units_filled"] < rows["units_wanted"]
    if short.any():
        wanted, kept = int(rows["units_wanted"].sum()), int(rows["units_filled"].sum())
        yield SummaryLine(
            "bundles",
            "bundle[s] [keeps|keep] fewer units than [it|they] wanted",
            "a leg was refused or did not fill whole; "
            f"{counted(kept, 'unit[s] [is|are] kept', wanted)}",
            int(short.sum()),
            len(rows),
            figures={"units_wanted": str(wanted), "units_kept": str(kept)},
        )


def bundle_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield a line where units are missing, and one an instrument in which trims fell short."""
    records = run.records
    yield from _unit_lines(records.bundles)
    of = int(((records.decisions["bundle"] > 0) & (records.decisions["n_legs"] > 1)).sum())
    short = records.risk[records.risk["rule"] == RiskRule.TRIM_SHORT]
    trims = records.orders[
        np.isin(records.orders["reason"], (OrderReason.TRIM, OrderReason.HEDGE_OUT))
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
            f"bundle[s] had unmatched legs in {literal(one.symbol)} after [its|their] trim",
            f"no size for up to {most}; all but {left:,} were closed at later books",
            len(bundles),
            of,
            figures={"largest": most, "unclosed": str(left), "short_trims": str(len(rows))},
        )
