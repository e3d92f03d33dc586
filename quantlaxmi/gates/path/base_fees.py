"""Buys that paid their fee in base, as decisions ordered them.

A fill has what was received, its order what was bought. What was taken between the two is read off
the fee, which is its worth at the fill's price. A decision point prices such a buy as a net order
with nothing owed before; a decision whose own buy was another one is not priced by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from quantlaxmi.execution.base_fees import BaseTerms, net_order, taken
from quantlaxmi.schema import FillFlag

__all__ = ["BaseBuys", "base_buys"]

#: By decision and instrument: what each fill received, and what was taken of it.
_Found = dict[tuple[int, int], list[tuple[int, int]]]


class BaseBuys:
    """Buys of a run that paid in base.

    Attributes
    ----------
    taken : dict of int to dict of int to int
        By decision and instrument, quantity units that fees took.
    others : set of int
        Decisions that bought otherwise than a net order with nothing owed before.
    """

    def __init__(self) -> None:
        self.taken: dict[int, dict[int, int]] = {}
        self.others: set[int] = set()


def base_buys(
    fills: npt.NDArray[Any], fees: Sequence[int], scales: Sequence[int], terms: Sequence[BaseTerms]
) -> BaseBuys:
    """Read what was taken of every buy.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
    fees : sequence of int, one for each fill
        Ledger units, in the instrument's currency.
    scales : sequence of int
        By instrument, ledger units in one price times quantity.
    terms : sequence of BaseTerms
        By instrument; empty where none pays in base.

    Returns
    -------
    BaseBuys
    """
    found: _Found = {}
    made = BaseBuys()
    if not terms or not len(fills):
        return made
    names = ("decision", "instrument", "side", "price", "qty", "flags")
    for fee, *row in zip(fees, *(fills[name].tolist() for name in names), strict=True):
        decision, i, side, price, qty, flags = row
        if side < 0 or not terms[i][0]:
            continue
        paid = fee // (price * scales[i]) if flags & FillFlag.BASE_FEE else 0
        found.setdefault((decision, i), []).append((qty, paid))
        at = made.taken.setdefault(decision, {})
        at[i] = at.get(i, 0) + paid
        if flags & FillFlag.MAKER:
            made.others.add(decision)
    for (decision, i), buys in found.items():
        bought = [kept + paid for kept, paid in buys]
        net = net_order(sum(kept for kept, _ in buys), terms[i])
        if sum(bought) != net or taken(bought, terms[i]) != [paid for _, paid in buys]:
            made.others.add(decision)
    return made
