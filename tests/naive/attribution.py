"""Naive twin of quantlaxmi.run.attribution: the formulas, fill by fill, in Python ints.

With mids m at price exponent - 1 and money at ledger exponent - 1: gross = -side qty m, slippage =
side qty (price - m), fee, funding and interest of the instrument since its previous fill, and edge
= what the fill closes at the mids, by average cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.naive.engine import Account

Row = dict[str, Any]


def attribute(
    decisions: Sequence[Row],
    legs: Sequence[Row],
    fills: Sequence[Row],
    funding: Sequence[Row],
    last_mids: Sequence[int],
    notional: Callable[[int, int, int], int],
    borrow: Sequence[Row] = (),
) -> list[Row]:
    """``notional(instrument, price, qty)`` is money at the ledger exponent."""
    at_mid = [Account() for _ in last_mids]
    found: list[Row] = []
    previous = [-1 for _ in last_mids]  # number of the instrument's previous fill
    for number, fill in enumerate(fills):
        i, side, qty = fill["instrument"], fill["side"], fill["qty"]
        mid = _mid(decisions, legs, fill, last_mids)
        # A mid is ten times as fine as a price, as this money is ten times as fine as the ledger.
        gross = -side * notional(i, mid, qty)
        received, interest = (
            sum(
                row["amount"]
                for row in rows
                if row["instrument"] == i and previous[i] < row["fills_before"] <= number
            )
            for rows in (funding, borrow)
        )
        before = at_mid[i].realized
        at_mid[i].fill(side, qty, lambda q, i=i, mid=mid: notional(i, mid, q))
        previous[i] = number
        found.append(
            {
                "gross": gross,
                "slippage": side * 10 * notional(i, fill["price"], qty) + gross,
                "fee": 10 * fill["fee"],
                "funding": 10 * received,
                "borrow": 10 * interest,
                "edge": at_mid[i].realized - before,
                "reference_price": mid,
            }
        )
    return found


def _mid(decisions: Sequence[Row], legs: Sequence[Row], fill: Row, last_mids: Sequence[int]) -> int:
    """The mid the fill's decision saw; at the end of the data nothing was decided.

    Of an order that lost its place by a change the decision is the one that changed it.
    """
    if fill["decision"] < 0:
        return last_mids[fill["instrument"]]
    decision = decisions[fill["decision"]]
    for leg in legs[decision["first_leg"] :][: decision["n_legs"]]:
        if leg["instrument"] == fill["instrument"]:
            mid: int = leg["reference_price"]
            return mid
    raise AssertionError("a fill in an instrument its decision does not name")
