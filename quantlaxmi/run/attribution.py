"""Attribution of every fill's money to gross, slippage, fees and funding.

For each fill, in exact integers at 10**(ledger exponent - 1): the cash of trading at the mid its
decision saw (``gross``), minus slippage, minus fee, plus the funding of its instrument since the
previous fill, minus the interest on it since then, is the fill's effect on cash. ``edge`` is what
a fill realised from mid to mid, so from flat to flat ``edge - slippage - fee + funding - borrow``
sums to the realised PnL net of all costs.
A fill's decision is the one that sent its order, or the last to give it a new price or a larger
total.
Basis points are derived from these integers on reading.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.attribution_kernel import attribute
from quantlaxmi.counted import counted
from quantlaxmi.errors import EngineError, FixedPointOverflow
from quantlaxmi.events.ids import Stage, derived_id
from quantlaxmi.events.outcomes import BPS_EXPONENT, TradeAttribution
from quantlaxmi.fixed import int128_array
from quantlaxmi.schema import IntColumn
from quantlaxmi.trace.header import Correlator, TraceHeader

#: Places of ``Attributions.parts``.
_NAMES = ("gross", "slippage", "fee", "funding", "borrow", "edge")
_GROSS, _SLIPPAGE, _FEE, _FUNDING, _BORROW, _EDGE = range(6)


@dataclass(frozen=True, eq=False)
class Attributions:
    """Attribution of all fills of a run, as columns; Python integers are made when read.

    Attributes
    ----------
    parts : ndarray of int64, shape (n_fills, 6, 2)
        ``gross, slippage, fee, funding, borrow, edge`` as 128-bit halves (hi, lo), at 10**exponent.
    reference_price : ndarray of int64, shape (n_fills,)
        The mid each fill is measured against, at its instrument's price exponent - 1.
    exponent : int
        Ledger exponent - 1.
    gross, slippage, fee, funding, borrow, edge : ndarray of int (object), shape (n_fills,)
        At 10**exponent.
    """

    parts: NDArray[np.int64]
    reference_price: NDArray[np.int64]
    exponent: int

    def __len__(self) -> int:
        return len(self.parts)

    def _column(self, k: int) -> IntColumn:
        return int128_array(self.parts[:, k, 0], self.parts[:, k, 1])

    def halves(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Upper and lower halves of a column, by its name."""
        column = self.parts[:, _NAMES.index(name)]
        return column[:, 0], column[:, 1]

    @functools.cached_property
    def gross(self) -> IntColumn:
        """The cash of trading at the mid the decision saw."""
        return self._column(_GROSS)

    @functools.cached_property
    def slippage(self) -> IntColumn:
        """Cost of the fill's price compared with that mid."""
        return self._column(_SLIPPAGE)

    @functools.cached_property
    def fee(self) -> IntColumn:
        """Fees paid; below 0 a rebate."""
        return self._column(_FEE)

    @functools.cached_property
    def funding(self) -> IntColumn:
        """Funding received of the instrument since its previous fill; below 0 paid."""
        return self._column(_FUNDING)

    @functools.cached_property
    def borrow(self) -> IntColumn:
        """Interest paid since its previous fill on the instrument, sold and not held."""
        return self._column(_BORROW)

    @functools.cached_property
    def edge(self) -> IntColumn:
        """PnL that the fill realised from mid to mid, 0 for one that opens."""
        return self._column(_EDGE)

    @functools.cached_property
    def cash_effect(self) -> IntColumn:
        """Change of cash by each fill, with the funding and interest before it."""
        effect: IntColumn = self.gross - self.slippage - self.fee + self.funding - self.borrow
        return effect

    @functools.cached_property
    def realized_edge(self) -> IntColumn:
        """``edge - slippage - fee + funding - borrow``."""
        edge: IntColumn = self.edge - self.slippage - self.fee + self.funding - self.borrow
        return edge


def attribute_fills(
    tables: dict[str, NDArray[Any]],
    scales: Sequence[int],
    last_mids: NDArray[np.int64],
    ledger_exponent: int,
    cash: Sequence[int],
    close_references: Mapping[int, int] | None = None,
    currencies: Sequence[int] | None = None,
) -> Attributions:
    """Attribute every fill, and compare the sum of each currency with the ledger.

    Parameters
    ----------
    tables : dict
        ``fills, decisions, legs, funding, borrow`` of the run.
    scales : sequence of int
        Ledger units of one price*quantity product, per instrument.
    last_mids : ndarray of int64, shape (n_instruments,)
        At price exponent - 1.
    ledger_exponent : int
    cash : sequence of int
        The ledger's cash by currency at the end of the run.
    close_references : mapping of int to int, optional
        By number of an order with which the engine closed, the mid when it was sent.
    currencies : sequence of int, optional
        Place in ``cash`` of each instrument's currency; by default there is one.

    Raises
    ------
    EngineError
        The attributions of a currency do not sum to the ledger's cash: an engine fault, the run is
        withheld.
    FixedPointOverflow
        A fill's money does not fit 128 bits.
    """
    fills = tables["fills"]
    own_mids = np.ascontiguousarray(last_mids[fills["instrument"]], dtype=np.int64)
    for order, mid in (close_references or {}).items():
        own_mids[fills["order"] == order] = mid
    parts = np.zeros((len(fills), 6, 2), dtype=np.int64)
    references = np.zeros(len(fills), dtype=np.int64)
    for k, held in enumerate(cash):
        own = tables if len(cash) == 1 else _of_currency(tables, np.array(currencies) == k)
        rows = np.arange(len(fills)) if own is tables else own["rows"]
        parts[rows], references[rows], status, total = attribute(
            own["fills"],
            tables["decisions"],
            tables["legs"],
            own["funding"],
            own["borrow"],
            np.array(scales, dtype=np.int64),
            own_mids[rows],
        )
        if status:
            row = int(rows[status - 1])
            raise FixedPointOverflow("attribute", tuple(fills[row].item()), row)
        if total != 10 * held:
            raise EngineError(
                f"attributions of {counted(len(rows), 'fill[s]')} sum to {total}, the "
                "ledger's cash to "
                f"{10 * held} at 10**{ledger_exponent - 1}, of currency {k}"
            )
    return Attributions(parts, references, ledger_exponent - 1)


def _of_currency(
    tables: dict[str, NDArray[Any]], is_own: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Rows of the instruments for which ``is_own`` is true, and the places of the fills."""
    rows = np.flatnonzero(is_own[tables["fills"]["instrument"]])
    own = {"rows": rows, "fills": tables["fills"][rows]}
    for name in ("funding", "borrow"):
        paid = tables[name][is_own[tables[name]["instrument"]]]
        # Counted among the fills of this currency, as they now are.
        paid["fills_before"] = np.searchsorted(rows, paid["fills_before"], side="left")
        own[name] = paid
    return own


def trade_attributions(
    header: TraceHeader,
    decisions: NDArray[Any],
    legs: NDArray[Any],
    fills: NDArray[Any],
    columns: Attributions,
) -> Iterator[TradeAttribution]:
    """Yield one `TradeAttribution` for every fill, in order.

    Parameters
    ----------
    header : TraceHeader
    decisions, legs, fills : ndarray of the schema's dtypes
    columns : Attributions
        Of the same fills.
    """
    correlator = Correlator(header)
    names = fills.dtype.names or ()
    for number, row in enumerate(fills.tolist()):
        fill = dict(zip(names, row, strict=True))
        instrument, decision, side = fill["instrument"], fill["decision"], fill["side"]
        correlation = correlator.context(
            instrument, decision=decision, order=fill["order"], fill=number
        )
        gross = columns.gross[number]
        slippage, fee = columns.slippage[number], columns.fee[number]
        notional = abs(gross)
        spread = age_ms = depth = mid2 = 0
        leg = _leg_seen(decisions, legs, decision, instrument)
        if leg is not None:
            if leg["bid"] > 0 and leg["ask"] > 0:  # else it lacked a side then
                spread, mid2 = int(leg["ask"] - leg["bid"]), int(leg["ask"] + leg["bid"])
            age_ms = int(decisions["ts_ns"][decision] - leg["quote_ts_ns"]) // 1_000_000
            depth = int(leg["ask_qty"] if side > 0 else leg["bid_qty"])
        yield TradeAttribution(
            decision_id=correlation.decision_id,
            fill_id=derived_id(header.header_hash, Stage.FILL, number),
            symbol=header.instruments[instrument].symbol,
            gross=gross,
            slippage=slippage,
            fee=fee,
            funding=columns.funding[number],
            borrow=columns.borrow[number],
            cash_effect=columns.cash_effect[number],
            edge=columns.edge[number],
            exponent=columns.exponent,
            gross_edge_bps=_bps(columns.edge[number], notional),
            fee_drag_bps=_bps(fee, notional),
            slippage_bps=_bps(slippage, notional),
            realized_edge_bps=_bps(columns.realized_edge[number], notional),
            spread_at_decision_bps=_bps(2 * spread, mid2),
            quote_age_at_decision_ms=age_ms,
            book_depth_at_decision=depth,
            correlation=correlation,
        )


def _leg_seen(
    decisions: NDArray[Any], legs: NDArray[Any], decision: int, instrument: int
) -> np.void | None:
    """The decision's leg on an instrument: a trim has none of its own, but saw the same book."""
    if decision < 0:
        return None
    first = int(decisions["first_leg"][decision])
    for leg in legs[first : first + int(decisions["n_legs"][decision])]:
        if leg["instrument"] == instrument:
            return leg  # type: ignore[no-any-return]
    return None


def _bps(amount: int, of: int) -> int:
    """``amount / of`` in basis points at 10**BPS_EXPONENT, rounded half to even; 0 of nothing."""
    if of == 0:
        return 0
    return round(Fraction(amount * 10 ** (4 - BPS_EXPONENT), of))
