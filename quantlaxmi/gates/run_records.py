"""What gates read of a finished run's records: its totals, its trades, its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.errors import EngineError
from quantlaxmi.execution.run_terms import run_terms
from quantlaxmi.fixed import int128_array
from quantlaxmi.gates.context import Amounts
from quantlaxmi.gates.path.base_fees import BaseBuys, base_buys
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import PathError, TradePath, TradeRecords, build_path
from quantlaxmi.run.exact_run import gross_in_all, net_in_all, rounding_until
from quantlaxmi.run.note_rounding import currency_weights
from quantlaxmi.schema import FillFlag, IntColumn

if TYPE_CHECKING:
    from quantlaxmi.run.decision_points import DecisionPoints
    from quantlaxmi.run.result import Run

__all__ = ["amounts_of", "check_trims", "path_of", "records_of"]


def _funding_of(run: Run) -> int:
    """What a run received in funding, attribution scale."""
    paid = zip(run.weights, run.exact.accounts, strict=True)
    return 10 * sum(weight * account.funding for weight, account in paid)


def _weighed(run: Run, amounts: IntColumn) -> list[int]:
    """Amounts of fills in the currency of results."""
    if run.conversion is not None and len(amounts):
        weights = run.weights
        amounts = amounts * np.array(
            [weights[i] for i in run.exact.fills["instrument"].tolist()], dtype=object
        )
    return list(amounts.tolist())


def _borrow_of(run: Run) -> int:
    """What a run paid in interest, attribution scale."""
    paid = zip(run.weights, run.exact.accounts, strict=True)
    return 10 * sum(weight * account.borrow for weight, account in paid)


def _notes_of(run: Run) -> tuple[tuple[int, int], ...]:
    """Sums of fees that are rounded, and their units, attribution scale."""
    rows = run.exact.notes
    if not len(rows):
        return ()
    totals = int128_array(rows["total_hi"], rows["total_lo"]).tolist()
    weights, unit = currency_weights(run.instruments, run.weights), 10**-run.exact.ledger_exponent
    return tuple(
        (10 * weights[k] * total, 10 * weights[k] * unit)
        for k, total in zip(rows["currency"].tolist(), totals, strict=True)
    )


def _base_buys(run: Run) -> BaseBuys:
    """What fees in base took of a run's buys."""
    terms = run_terms(run.instruments, run.costs, run.config.limits).base_fees
    if not terms:
        return BaseBuys()
    fills = run.exact.fills
    fees = int128_array(fills["fee_hi"], fills["fee_lo"]).tolist()
    return base_buys(fills, fees, run.exact.scales, terms)


def path_of(run: Run, points: DecisionPoints) -> TradePath:
    """Round trips and positions of a run at its decision points.

    Raises
    ------
    PathError
        When the run has no path there.
    """
    check_trims(run)
    return build_path(
        records_of(run),
        seq=points.seq,
        mid2=points.mid2,
        units=attribution_units(points),
    )


def records_of(run: Run) -> TradeRecords:
    """What a run traded, in the currency of results."""
    costs = run.exact.attributions
    borrow = _weighed(run, costs.borrow)
    return TradeRecords(
        decisions=run.exact.decisions,
        legs=run.exact.legs,
        fills=run.exact.fills,
        gross=_weighed(run, costs.gross),
        cost=_weighed(run, costs.slippage + costs.fee) if len(costs) else [],
        borrow=borrow,
        funding=_funding_of(run),
        open_borrow=_borrow_of(run) - sum(borrow),
        buys=_base_buys(run),
    )


def check_trims(run: Run) -> None:
    """Refuse a run in which funding was settled while the legs of a bundle were unmatched.

    Raises
    ------
    PathError
        The rows of the decisions do not tell what was held then.
    """
    fills, settled = run.exact.fills, run.exact.funding["fills_before"]
    late = np.flatnonzero((fills["flags"] & (FillFlag.TRIM | FillFlag.HEDGE_OUT)) != 0)
    if not len(late) or not len(settled):
        return
    decisions, first = np.unique(fills["decision"], return_index=True)
    begun = first[np.searchsorted(decisions, fills["decision"][late])]
    between = np.searchsorted(settled, late, "right") > np.searchsorted(settled, begun, "right")
    if between.any():
        trim = int(late[between][0])
        raise PathError(
            f"Funding was settled before fill {trim} had matched the legs of decision "
            f"{int(fills['decision'][trim])}: the rows of the decisions do not tell what was held."
        )


def amounts_of(run: Run) -> Amounts:
    """Totals of a run of one currency or with a conversion, compared with its ledger.

    Raises
    ------
    EngineError
        When attributed gross, slippage, fees, funding and interest are not the ledger's net.
    """
    fills, costs = run.exact.fills, run.exact.attributions
    traded = fills[(fills["flags"] & FillFlag.SETTLED) == 0]  # what is settled is not traded
    units = [
        10 * scale * weight for scale, weight in zip(run.exact.scales, run.weights, strict=True)
    ]
    notional = sum(
        price * qty * units[i]
        for price, qty, i in zip(
            traded["price"].tolist(),
            traded["qty"].tolist(),
            traded["instrument"].tolist(),
            strict=True,
        )
    )
    amounts = Amounts(
        gross=gross_in_all(run),
        slippage=sum(_weighed(run, costs.slippage)),
        fees=sum(_weighed(run, costs.fee)),
        funding=_funding_of(run),
        borrow=_borrow_of(run),
        notional=notional,
        fills=len(fills),
        rounding=int(rounding_until(run, np.array([run.segment.last_ts_ns]))[0]),
        notes=_notes_of(run),
    )
    if amounts.net != net_in_all(run):
        raise EngineError(
            f"the attributed net is {amounts.net}, the ledger's {net_in_all(run)}, at "
            f"10**{run.ledger_exponent - 1}"
        )
    return amounts
