"""Order rules, commissions and loan rates of venues, by date.

Tables are TOML files next to this one: rows with a market, ``valid_from`` and ``source``. A row is
found by the date of the trade, never by today's. What no table knows stays unknown: tick, lot and
least notional are then 0 and not enforced; a missing commission is an error, for money would be
wrong without a word; missing interest is assumed, and the assumption is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from quantlaxmi.errors import ConfigError, FixedPointError
from quantlaxmi.execution.costs import ASSUMED_BORROW_BPS, CostModel, FeeRate, cost_key
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse_costs import completes
from quantlaxmi.venues.tables import (
    TABLE_NAMES,
    BorrowRow,
    BuyFeeRow,
    FeeRow,
    MarketTable,
    RuleRow,
    day_text,
    load_table,
    package_table,
)

__all__ = [
    "BorrowRow",
    "BuyFeeRow",
    "FeeRow",
    "MarketTable",
    "RuleRow",
    "borrow_bps",
    "fees",
    "grid_steps",
    "load_table",
    "lookup",
    "rules_from",
    "run_costs",
]


def _tables() -> tuple[MarketTable, ...]:
    return tuple(package_table(name) for name in TABLE_NAMES)


def _at(rows: Sequence[Any], ts_ns: int) -> Any | None:
    """The row in force at a time: the last that begins at or before it."""
    found = None
    for row in rows:
        if row.valid_from_ns <= ts_ns:
            found = row
    return found


def lookup(
    venue: str,
    kind: InstrumentKind,
    symbol: str,
    ts_ns: int,
    *,
    tables: Sequence[MarketTable] | None = None,
) -> RuleRow | None:
    """Return a venue's rules for orders in a symbol at a time.

    Parameters
    ----------
    venue : str
        For example ``"binance-usdm"``.
    kind : InstrumentKind
    symbol : str
        As the venue writes it.
    ts_ns : int
        Nanoseconds since the Unix epoch: the date of the data, not today's.
    tables : sequence of MarketTable, optional
        Where to look; the package's own by default.

    Returns
    -------
    RuleRow or None
        None where no row covers the market at that time: nothing is known, and nothing enforced.
    """
    for table in _tables() if tables is None else tables:
        found: RuleRow | None = _at(table.rules.get((venue, kind, symbol), ()), ts_ns)
        if found is not None:
            return found
    return None


def rules_from(venue: str, kind: InstrumentKind, symbol: str, ts_ns: int) -> tuple[RuleRow, ...]:
    """Return the row in force at a time and all later ones; none where none was in force then.

    See `lookup` for the parameters.
    """
    begun = lookup(venue, kind, symbol, ts_ns)
    if begun is None:
        return ()
    rows = [row for table in _tables() for row in table.rules.get((venue, kind, symbol), ())]
    return (begun, *(row for row in rows if row.valid_from_ns > ts_ns))


def fees(
    venue: str,
    kind: InstrumentKind,
    first_ns: int,
    last_ns: int | None = None,
    *,
    symbol: str = "",
    tables: Sequence[MarketTable] | None = None,
) -> FeeRow:
    """Return a venue's commission at a time, or over a period without a change.

    Parameters
    ----------
    venue : str
    kind : InstrumentKind
    first_ns, last_ns : int
        Nanoseconds since the Unix epoch, both included; a moment without ``last_ns``.
    symbol : str
        As the venue writes it. Rows of the symbol stand before those of the kind from the day of
        the first of them on; without one, the kind's are meant.
    tables : sequence of MarketTable, optional

    Raises
    ------
    ConfigError
        No row covers ``first_ns``, or the rates change on the way; names the table and the date.
    """
    known = _tables() if tables is None else tuple(tables)
    general = next(((t.name, t.fees[venue, kind]) for t in known if (venue, kind) in t.fees), None)
    key = (venue, kind, symbol)
    own = next(((t.name, t.symbol_fees[key]) for t in known if key in t.symbol_fees), None)
    asked = f"{symbol}, {kind} at {venue}" if own else f"{kind} at {venue}"
    found = [rows for rows in (own, general) if rows is not None]
    if not found:
        names = ", ".join(t.name for t in known)
        named = sorted({at for t in known for at, what in t.fees if what == kind})
        told = f", or import with a venue that has one: {', '.join(named)}" if named else ""
        problem = f"has no row for {asked}; give the rates (costs=, --costs){told}"
        raise ConfigError(names, problem, "fees")
    first = _fee_at(found, first_ns)
    if first is None:
        name, rows = min(found, key=lambda pair: pair[1][0].valid_from_ns)
        raise ConfigError(
            name,
            f"has no row for {asked} on {day_text(first_ns)}, the first begins "
            f"{day_text(rows[0].valid_from_ns)}; give the rates (costs=, --costs)",
            "fees",
        )
    if last_ns is not None:
        _check_no_change(found, first[1], first_ns, last_ns, asked)
    return first[1]


def borrow_bps(
    venue: str,
    asset: str,
    first_ns: int,
    last_ns: int,
    *,
    tables: Sequence[MarketTable] | None = None,
) -> FixedPoint | None:
    """Return a venue's yearly rate for lending an asset, over a period of time.

    Parameters
    ----------
    venue, asset : str
    first_ns, last_ns : int
        Nanoseconds since the Unix epoch, both included.
    tables : sequence of MarketTable, optional

    Returns
    -------
    FixedPoint or None
        Basis points: the highest rate in force within the period, which errs against the
        strategy; a time of which none is known counts as `ASSUMED_BORROW_BPS`. None where nothing
        above that assumption is known and some of the time is not.
    """
    rows: tuple[BorrowRow, ...] = ()
    for table in _tables() if tables is None else tables:
        rows = rows or table.borrow.get((venue, asset), ())
    start: BorrowRow | None = _at(rows, first_ns)
    within = [r for r in rows if r is start or first_ns < r.valid_from_ns <= last_ns]
    known = [row.borrow_bps for row in within if row.borrow_bps is not None]
    highest = max(known, default=None)
    if start is None or len(known) < len(within):
        return None if highest is None or highest <= ASSUMED_BORROW_BPS else highest
    return highest


#: A table's name and its rows for one market, ascending by date.
_FeeRows = tuple[str, tuple[FeeRow, ...]]


def _fee_at(found: Sequence[_FeeRows], ts_ns: int) -> tuple[str, FeeRow] | None:
    """The row in force at a time, with its table's name; the first rows go before the others."""
    for name, rows in found:
        row: FeeRow | None = _at(rows, ts_ns)
        if row is not None:
            return name, row
    return None


def _check_no_change(
    found: Sequence[_FeeRows], begun: FeeRow, first_ns: int, last_ns: int, asked: str
) -> None:
    """Refuse data within which the rates change."""
    for moment in sorted({row.valid_from_ns for _, rows in found for row in rows}):
        if not first_ns < moment <= last_ns or (now := _fee_at(found, moment)) is None:
            continue
        name, row = now
        if (row.maker_bps, row.taker_bps) != (begun.maker_bps, begun.taker_bps):
            raise ConfigError(
                name,
                f"changes for {asked} on {day_text(moment)}, within the data of "
                f"{day_text(first_ns)} to {day_text(last_ns)}; split the segment by day there, "
                "or give the rates (costs=, --costs)",
                "fees",
            )


def grid_steps(
    venue: str,
    kind: InstrumentKind,
    symbol: str,
    ts_ns: int,
    price_exponent: int,
    qty_exponent: int,
) -> tuple[int, int]:
    """Return tick and lot as an instrument carries them: mantissas, 0 where not known.

    Raises
    ------
    ConfigError
        A step is finer than the exponent can say.
    """
    rule = lookup(venue, kind, symbol, ts_ns)
    if rule is None:
        return 0, 0
    return (
        _mantissa(rule, "tick", rule.tick, price_exponent),
        _mantissa(rule, "lot", rule.lot, qty_exponent),
    )


def _mantissa(rule: RuleRow, field: str, value: FixedPoint, exponent: int) -> int:
    try:
        return value.rescale(exponent).mantissa
    except FixedPointError as error:
        raise ConfigError(
            "markets", f"{error}; expected a multiple of 1e{exponent}", field
        ) from None


def run_costs(
    given: CostModel | None,
    instruments: Sequence[Instrument],
    first_ns: int,
    last_ns: int,
    *,
    tables: Sequence[MarketTable] | None = None,
) -> CostModel:
    """Return the complete costs of a run: those given, the rest from the dated tables.

    Parameters
    ----------
    given : CostModel or None
        Its rates and least notionals go first.
    instruments : sequence of Instrument
    first_ns, last_ns : int
        Times of the data's first and last message.
    tables : sequence of MarketTable, optional

    Returns
    -------
    CostModel
        With a least notional and a rate, or components, for every instrument; for spot with the
        interest, and what buys pay their fee in, where these are known. Giving it back gives the
        same model.

    Raises
    ------
    ConfigError
        The tables must be asked and do not cover the data, a change of rates falls within it, or
        none of the given symbols is traded here.

    Notes
    -----
    Where the least notional changes within the data, the highest that was known to be in force
    holds throughout: that errs against the strategy.
    """
    model = (CostModel(rates={}) if given is None else given).restricted(instruments)
    found: dict[InstrumentKind, dict[str, FeeRate]] = {}
    minimum, borrow, buy_fee = dict(model.min_notional), dict(model.borrow), dict(model.buy_fee)
    components = dict(model.components)
    for one in instruments:
        if completes(one, model, (first_ns, last_ns), components, minimum):
            continue
        interest = borrow_on(model, one, first_ns, last_ns, tables=tables)
        if interest is not None:
            borrow[cost_key(one)] = interest
        paid_in = buy_fee_on(model, one, first_ns, last_ns, tables=tables)
        if paid_in is not None:
            buy_fee[cost_key(one)] = paid_in
        if not model.covers(one):
            row = fees(
                one.venue, one.kind, first_ns, last_ns, symbol=one.venue_symbol, tables=tables
            )
            rate = FeeRate(maker_bps=row.maker_bps, taker_bps=row.taker_bps)
            found.setdefault(one.kind, {})[cost_key(one)] = rate
        if model.least_notional(one) is None:
            minimum[cost_key(one)] = _highest_minimum(one, first_ns, last_ns, tables)
    rates, symbols = dict(model.rates), dict(model.symbols)
    for kind, by_symbol in found.items():
        if len(set(by_symbol.values())) == 1:
            rates[kind] = next(iter(by_symbol.values()))
        else:  # venues or symbols that differ
            symbols.update(by_symbol)
    return msgspec.structs.replace(
        model,
        rates=rates,
        symbols=symbols,
        min_notional=minimum,
        borrow=borrow,
        buy_fee=buy_fee,
        components=components,
    ).with_exact_fees(instruments)


def borrow_on(
    model: CostModel,
    one: Instrument,
    first_ns: int,
    last_ns: int,
    *,
    tables: Sequence[MarketTable] | None = None,
) -> FixedPoint | None:
    """Interest that the tables know on spot of which a model has none; None where it lacks none."""
    if one.kind != InstrumentKind.SPOT or model.known_borrow(one) is not None:
        return None
    return borrow_bps(one.venue, one.base, first_ns, last_ns, tables=tables)


def buy_fee_on(
    model: CostModel,
    one: Instrument,
    first_ns: int,
    last_ns: int,
    *,
    tables: Sequence[MarketTable] | None = None,
) -> str | None:
    """What the tables know that buys pay their fee in; None where they know or a model lacks none.

    Where it changes within the data it is the base: what is received is then less.
    """
    kind = one.kind
    if kind != InstrumentKind.SPOT or {kind.value, cost_key(one)} & set(model.buy_fee):
        return None
    for table in _tables() if tables is None else tables:
        rows = table.buy_fees.get((one.venue, kind), ())
        start = _at(rows, first_ns)
        within = [r for r in rows if r is start or first_ns < r.valid_from_ns <= last_ns]
        if within:
            return "base" if any(r.buy_fee == "base" for r in within) else "quote"
    return None


def _highest_minimum(
    one: Instrument, first_ns: int, last_ns: int, tables: Sequence[MarketTable] | None
) -> FixedPoint:
    key = (one.venue, one.kind, one.venue_symbol)
    found = FixedPoint(0, 0)
    for table in _tables() if tables is None else tables:
        rows = table.rules.get(key, ())
        start = _at(rows, first_ns)
        for row in rows:
            if row is start or first_ns < row.valid_from_ns <= last_ns:
                found = max(found, row.min_notional)
    return found
