"""Spot that was sold and not held: how often, how much, how long, and what the loan cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import literal
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import int128_sum
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine

_UNITS = ((86_400 * 10**9, "days"), (3600 * 10**9, "h"), (60 * 10**9, "min"), (10**9, "s"))


def short_spot_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield a line for each instrument that was borrowed to be sold."""
    records = run.records
    for i in np.unique(records.borrow["instrument"]).tolist():
        one, rows = records.instruments[i], records.borrow[records.borrow["instrument"] == i]
        held_ns = int((rows["ts_ns"] - rows["since_ns"]).sum())
        most = decimal_text(-int(rows["position"].min()), one.qty_exponent)
        interest = decimal_text(
            int128_sum(rows["amount_hi"], rows["amount_lo"]), records.ledger_exponent
        )
        yield SummaryLine(
            "borrow",
            f"time[s] {literal(one.symbol)} was sold and not held",
            f"up to {most}, for {_duration(held_ns)} in all; the loan cost {interest} "
            f"{one.currency} at {_rate(run.config.costs, one)}",
            _spells(rows),
            figures={"interest": interest, "largest": most, "held_ns": str(held_ns)},
        )


def _spells(rows: NDArray[Any]) -> int:
    """Times without a break: a row that begins where the one before ended goes on with it."""
    return 1 + int((rows["since_ns"][1:] != rows["ts_ns"][:-1]).sum())


def _duration(ns: int) -> str:
    for size, name in _UNITS:
        if ns >= size:
            return f"{ns / size:.3g} {name}"
    return f"{ns} ns"


def _rate(costs: CostModel, one: Instrument) -> str:
    bps = costs.borrow_bps(one)
    assert bps is not None  # it was borrowed
    text = f"{bps.to_text()} bps a year"
    return text if costs.known_borrow(one) is not None else f"an assumed {text}: no rate is known"
