"""What a bundle of options costs at other snapshots: touches as its orders arrive, and fees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.execution.account_terms import AccountTerms
from quantlaxmi.execution.run_terms import run_terms
from quantlaxmi.fixed import div_round
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.path.snapshot_grid import SnapshotGrid
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["BundleTerms", "bundle_terms", "leg_costs"]

#: Where the terms of a taker stand in `AccountTerms`: of buys, of sells with components, flat.
_BUY, _SCALE, _SELL, _FLAT = 4, 6, 9, 11


@dataclass(frozen=True, slots=True)
class BundleTerms:
    """Money of the options of a run; all of them have the same.

    Attributes
    ----------
    unit : int
        Attribution units in one (quantity times mid2).
    scale, weight : int
        Ledger units in one (price times quantity), and what one of them is in results.
    fees : tuple of (int, int)
        Of buys and of sells: the share of a product of mantissas, as numerator and denominator.
    fee_scale : int
        Ledger units in one of the fees.
    flat : tuple of int
        Of an order that buys and of one that sells, ledger units.
    unknown : str
        Why costs on other rows are not known; empty where they are.
    """

    unit: int
    scale: int
    weight: int
    fees: tuple[tuple[int, int], tuple[int, int]]
    fee_scale: int
    flat: tuple[int, int]
    unknown: str

    def cost(self, price: int, mid2: int, signed: int) -> int:
        """Slippage from a mid and the fee of an order that fills at one price, attribution scale.

        Parameters
        ----------
        price : int
        mid2 : int
            Bid + ask as it was decided.
        signed : int
            Quantity, below 0 of a sale.
        """
        sells, qty = int(signed < 0), abs(signed)
        num, den = self.fees[sells]
        fee = div_round(price * qty * num, den) * self.fee_scale + self.flat[sells]
        return self.weight * (signed * (10 * price - 5 * mid2) * self.scale + 10 * fee)


def bundle_terms(run: Run, instruments: Sequence[int]) -> BundleTerms:
    """Return the money terms of the options that a run trades.

    Raises
    ------
    PathError
        They differ among them, so that a contract cannot stand in for another.
    """
    terms = run_terms(run.instruments, run.costs, run.config.limits)
    kinds = {(terms.accounts[i], run.weights[i]) for i in instruments}
    if len(kinds) != 1:
        raise PathError(f"Contracts with different fees or money: {len(kinds)} kinds, 1 expected.")
    [(account, weight)] = kinds
    has_components = len(account) > _FLAT
    return BundleTerms(
        5 * account[1] * weight,
        account[1],
        weight,
        (_share(account, _BUY), _share(account, _SELL if has_components else _BUY)),
        account[_SCALE],
        (account[_FLAT], account[_FLAT + 1]) if has_components else (0, 0),
        _unknown(run, any(rate for rate, _ in terms.impact)),
    )


def _share(account: AccountTerms, at: int) -> tuple[int, int]:
    return account[at], account[at + 1]


def _unknown(run: Run, impact: bool) -> str:
    if not run.latency.entry.is_constant:
        return (
            "The latency of order entry is drawn for each decision, so the cost of a decision at "
            "another row is not known."
        )
    if run.config.leg_latency_ns:
        return (
            "The legs of a bundle arrive one after another, so the cost of a bundle at another "
            "row is not known."
        )
    return "Impact moves prices with what is displayed, which is not looked up." if impact else ""


def leg_costs(
    terms: BundleTerms, grid: SnapshotGrid, side: int, at: tuple[I64, I64, I64], signed: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Cost of one leg at several rows, and where its whole size is shown as the order arrives.

    Parameters
    ----------
    terms : BundleTerms
    grid : SnapshotGrid
    side : int
        0 for a call, 1 for a put.
    at : tuple of ndarray of int64, shape (n,)
        Rows of the decision, rows of the arrival and strikes, all known.
    signed : int

    Returns
    -------
    costs : ndarray of int (object), shape (n,)
        Attribution scale.
    shown : ndarray of bool, shape (n,)
    """
    decided, arrives, strike = at
    tops = grid.history.tops
    price_at, size_at = 2 * side + (signed > 0), 4 + 2 * side + (signed > 0)
    price, size = tops[price_at, arrives, strike], tops[size_at, arrives, strike]
    mid2 = grid.mid2[side, decided, strike]
    costs = np.empty(len(price), object)
    costs[:] = [
        terms.cost(p, m, signed) for p, m in zip(price.tolist(), mid2.tolist(), strict=True)
    ]
    return costs, grid.quoted[side, arrives, strike] & (size >= abs(signed))
