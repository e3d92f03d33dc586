"""A run's results as Arrow tables, for pandas, Polars and DuckDB.

`RunRecords` holds the engine's own rows: integer mantissas, instrument indices. Here the same rows
carry symbols, UTC times and exact decimals (Arrow's decimal128), so that nobody has
to know an exponent to read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi.errors import InputError
from quantlaxmi.execution.risk import risk_exponent
from quantlaxmi.fixed import int128_halves
from quantlaxmi.fixed.point import format_decimal
from quantlaxmi.run.accrued import Loans
from quantlaxmi.run.arrow_columns import (
    amounts_column,
    decimals_column,
    decimals_of_halves,
    known_column,
    names_column,
    texts_column,
    times_column,
)
from quantlaxmi.run.ledger_lines import lines_at_fills
from quantlaxmi.run.ledger_table import ledger_table
from quantlaxmi.run.note_table import note_columns
from quantlaxmi.run.records import RunRecords
from quantlaxmi.segment import MarketData


def run_table(
    records: RunRecords, segment: MarketData, name: str, loans: Loans | None = None
) -> pa.Table:
    """Return one table of a run.

    Parameters
    ----------
    records : RunRecords
    segment : MarketData
        The market of the run; read for ``ledger`` alone.
    name : str
        ``decisions``, ``legs``, ``orders``, ``fills``, ``funding``, ``borrow`` (interest on spot
        that was sold and not held), ``settled`` (positions that ended with their contract, each
        with the number of the fill that books it), ``risk``, ``bundles`` (those with a policy),
        ``attributions`` (one row a fill), ``note_rounding`` (one row a session day whose fees are
        rounded) or ``ledger`` (after each fill, one row for each instrument that is or was held,
        and one for each currency).
    loans : sequence of (int, int), optional
        As of `lines_at_fills`.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        There is no such table.
    """
    if name not in RUN_TABLES:
        raise InputError("table", f"was {name!r}, expected one of {', '.join(RUN_TABLES)}")
    if name == "ledger":
        return ledger_table(records, lines_at_fills(records, segment, loans))
    return pa.table(_TABLES[name](records))


def _decisions(records: RunRecords) -> dict[str, Any]:
    rows = records.decisions
    return {
        "decision": rows["sequence"],
        "seq": rows["seq"],
        "ts": times_column(rows["ts_ns"]),
        "type": names_column(rows["decision_type"], schema.DecisionType),
        "direction": rows["direction"],
        "confidence": pa.array(rows["confidence"], mask=rows["confidence"] < 0),
        "rationale": texts_column(rows["rationale"], records.header.rationales),
        "bundle": rows["bundle"] > 0,
        "legs": rows["n_legs"],
    }


def _legs(records: RunRecords) -> dict[str, Any]:
    rows = records.legs
    prices = {
        "bid": _amounts(records, rows, "bid", "price_exponent"),
        "ask": _amounts(records, rows, "ask", "price_exponent"),
        "limit_price": _limits(records, rows),
    }
    quantities = {
        field: _amounts(records, rows, field, "qty_exponent") for field in ("bid_qty", "ask_qty")
    }
    return {
        "decision": rows["decision"],
        **_who(records, rows),
        "action": names_column(rows["action"], schema.OrderAction),
        "order_type": names_column(rows["order_type"], schema.OrderType),
        "time_in_force": names_column(rows["time_in_force"], schema.TimeInForce),
        "target": known_column(rows["target"]),
        "qty": _amounts(records, rows, "qty", "qty_exponent"),
        **prices,
        **quantities,
        "reference_price": _amounts(records, rows, "reference_price", "price_exponent", -1),
        "quote_ts": times_column(rows["quote_ts_ns"]),
    }


def _orders(records: RunRecords) -> dict[str, Any]:
    rows = records.orders
    return {
        "order": rows["order"],
        "decision": known_column(rows["decision"]),
        "leg": known_column(rows["leg"]),
        "ts": times_column(rows["ts_ns"]),
        "seq": rows["seq"],
        "event": names_column(rows["kind"], schema.OrderEventKind),
        "status": names_column(rows["status"], schema.OrderStatus),
        "reason": names_column(rows["reason"], schema.OrderReason),
        **_who(records, rows),
        "order_type": names_column(rows["order_type"], schema.OrderType),
        "time_in_force": names_column(rows["time_in_force"], schema.TimeInForce),
        "limit_price": _limits(records, rows),
        "qty": _amounts(records, rows, "qty", "qty_exponent"),
        "filled_qty": _amounts(records, rows, "filled_qty", "qty_exponent"),
    }


def _limits(records: RunRecords, rows: NDArray[Any]) -> pa.Array:
    """Limit prices; null for an order at the market."""
    found = _amounts(records, rows, "limit_price", "price_exponent")
    return pc.if_else(pa.array(rows["limit_price"] == 0), pa.scalar(None, found.type), found)


def _fills(records: RunRecords) -> dict[str, Any]:
    rows = records.fills
    return {
        "fill": np.arange(len(rows)),
        "order": rows["order"],
        "decision": known_column(rows["decision"]),
        "ts": times_column(rows["ts_ns"]),
        "seq": rows["seq"],
        **_who(records, rows),
        "currency": _currencies(records, rows),
        "price": _amounts(records, rows, "price", "price_exponent"),
        "qty": _amounts(records, rows, "qty", "qty_exponent"),
        "fee": decimals_of_halves(rows["fee_hi"], rows["fee_lo"], records.ledger_exponent),
        "cash": decimals_of_halves(rows["cash_hi"], rows["cash_lo"], records.ledger_exponent),
        "position": _amounts(records, rows, "position", "qty_exponent"),
        "realized": decimals_of_halves(
            rows["realized_hi"], rows["realized_lo"], records.ledger_exponent
        ),
        "maker": rows["flags"] & schema.FillFlag.MAKER != 0,
        "trim": rows["flags"] & schema.FillFlag.TRIM != 0,
        "hedge_out": rows["flags"] & schema.FillFlag.HEDGE_OUT != 0,
        "beyond_touch": rows["flags"] & schema.FillFlag.DEPTH != 0,
    }


def _funding(records: RunRecords) -> dict[str, Any]:
    rows = records.funding
    return {
        "ts": times_column(rows["ts_ns"]),
        "symbol": _symbols(records, rows),
        "currency": _currencies(records, rows),
        "position": _amounts(records, rows, "position", "qty_exponent"),
        "mark": _amounts(records, rows, "mark", "price_exponent"),
        "rate": decimals_column(rows["rate"], schema.RATE_EXPONENT),
        "amount": decimals_of_halves(rows["amount_hi"], rows["amount_lo"], records.ledger_exponent),
    }


def _borrow(records: RunRecords) -> dict[str, Any]:
    rows = records.borrow
    mids = {"instrument": rows["instrument"], "mid": 5 * rows["mid2"]}
    return {
        "since": times_column(rows["since_ns"]),
        "ts": times_column(rows["ts_ns"]),
        "symbol": _symbols(records, rows),
        "position": _amounts(records, rows, "position", "qty_exponent"),
        "mid": _amounts(records, mids, "mid", "price_exponent", -1),
        "amount": decimals_of_halves(rows["amount_hi"], rows["amount_lo"], records.ledger_exponent),
    }


def _settled(records: RunRecords) -> dict[str, Any]:
    rows = records.settled
    return {
        "fill": rows["fills_before"],
        "ts": times_column(rows["ts_ns"]),
        "seq": rows["seq"],
        "symbol": _symbols(records, rows),
        "currency": _currencies(records, rows),
        "position": _amounts(records, rows, "position", "qty_exponent"),
        "price": _amounts(records, rows, "price", "price_exponent"),
        "intrinsic": _amounts(records, rows, "intrinsic", "price_exponent"),
        "amount": decimals_of_halves(rows["amount_hi"], rows["amount_lo"], records.ledger_exponent),
        "fee": decimals_of_halves(rows["fee_hi"], rows["fee_lo"], records.ledger_exponent),
    }


def _risk(records: RunRecords) -> dict[str, Any]:
    """Values and limits as decimal text, each in the unit its rule has."""
    rows = records.risk
    exponents = [
        risk_exponent(
            schema.RiskRule(rule), records.instruments[instrument], records.ledger_exponent
        )
        for rule, instrument in zip(rows["rule"].tolist(), rows["instrument"].tolist(), strict=True)
    ]
    texts = {
        field: pa.array(
            [format_decimal(v, e) for v, e in zip(rows[field].tolist(), exponents, strict=True)],
            pa.string(),
        )
        for field in ("value", "limit")
    }
    return {
        "decision": rows["decision"],
        "ts": times_column(rows["ts_ns"]),
        "seq": rows["seq"],
        "symbol": _symbols(records, rows),
        "rule": names_column(rows["rule"], schema.RiskRule),
        **texts,
    }


def _bundles(records: RunRecords) -> dict[str, Any]:
    rows = records.bundles
    decided = records.decisions[rows["decision"]]
    legs = records.legs[decided["first_leg"]]  # all of a bundle have one currency
    return {
        "decision": rows["decision"],
        "decided": times_column(decided["ts_ns"]),
        "ended": times_column(rows["ts_ns"]),
        "policy": names_column(rows["policy"], schema.BundlePolicy),
        "legs": decided["n_legs"],
        "legs_short": rows["legs_short"],
        "units_wanted": rows["units_wanted"],
        "units_filled": rows["units_filled"],
        "currency": _currencies(records, legs),
        "cost": decimals_of_halves(rows["cost_hi"], rows["cost_lo"], records.ledger_exponent - 1),
    }


_PARTS: Final = (
    *("gross", "slippage", "fee", "funding", "borrow"),
    *("cash_effect", "edge", "realized_edge"),
)


def _attributions(records: RunRecords) -> dict[str, Any]:
    rows, found = records.fills, records.attributions
    money = {
        name: decimals_of_halves(*int128_halves(getattr(found, name)), found.exponent)
        for name in _PARTS
    }
    return {
        "fill": np.arange(len(rows)),
        "decision": known_column(rows["decision"]),
        "ts": times_column(rows["ts_ns"]),
        **_who(records, rows),
        "currency": _currencies(records, rows),
        "price": _amounts(records, rows, "price", "price_exponent"),
        "qty": _amounts(records, rows, "qty", "qty_exponent"),
        **money,
    }


_TABLES: Final[dict[str, Callable[[RunRecords], dict[str, Any]]]] = {
    "decisions": _decisions,
    "legs": _legs,
    "orders": _orders,
    "fills": _fills,
    "funding": _funding,
    "borrow": _borrow,
    "settled": _settled,
    "risk": _risk,
    "bundles": _bundles,
    "attributions": _attributions,
    "note_rounding": note_columns,
}
#: Names `run_table` takes.
RUN_TABLES: Final = (*_TABLES, "ledger")
#: Those of them that ``--run-dir`` writes only where they have rows.
RARE_RUN_TABLES: Final = frozenset({"bundles", "settled"})


def _who(records: RunRecords, rows: NDArray[Any]) -> dict[str, Any]:
    return {"symbol": _symbols(records, rows), "side": names_column(rows["side"], schema.Side)}


def _symbols(records: RunRecords, rows: NDArray[Any]) -> pa.Array:
    return texts_column(rows["instrument"], tuple(i.symbol for i in records.instruments))


def _currencies(records: RunRecords, rows: NDArray[Any]) -> pa.Array:
    """Currency of each row's money."""
    names = list(dict.fromkeys(i.currency for i in records.instruments))
    code = np.array([names.index(i.currency) for i in records.instruments], np.int64)
    return texts_column(code[rows["instrument"]], names)


def _amounts(records: RunRecords, *what: Any) -> pa.Array:
    return amounts_column(records.instruments, *what)
