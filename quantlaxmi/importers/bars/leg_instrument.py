"""The instrument that a table of bars or klines describes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from quantlaxmi.importers.bars.mapping_file import BarsFile, KlinesFile, KlinesLeg
from quantlaxmi.importers.traded_pair import Terms, is_named_perp, pair_fields
from quantlaxmi.instruments import Instrument, inverse_problem
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Place


def leg_instrument(
    own: Place, file: BarsFile | KlinesFile, kind: InstrumentKind, leg: KlinesLeg
) -> Instrument:
    """The instrument of a table of bars or klines.

    Parameters
    ----------
    own : Place
        The table.
    file : BarsFile or KlinesFile
        The whole mapping, whose terms hold where the table has none.
    kind : InstrumentKind
    leg : KlinesLeg
        The table.

    Raises
    ------
    ConfigError
        Its currency or contract size is not known, or it is an inverse contract.
    """
    symbol, venue = leg.symbol, leg.venue or file.venue or "bars"
    perp = kind is InstrumentKind.PERP
    if is_named_perp(symbol) and not perp:
        raise (own / "symbol").was(symbol, "kind perp for the name of a perpetual")
    plain = Instrument(
        symbol=f"{symbol}-PERP" if perp and not is_named_perp(symbol) else symbol,
        venue=venue,
        venue_symbol=symbol,
        kind=kind,
        price_exponent=file.price_exponent,
        qty_exponent=file.qty_exponent,
        currency=leg.currency or file.currency or "?",
        base=leg.base or file.base or "",
        tick=_step(own / "tick", leg.tick, file.price_exponent),
        lot=_step(own / "lot", leg.lot, file.qty_exponent),
    )
    if problem := inverse_problem(plain):
        raise (own / "symbol").fail(f"is wrong: {problem}")
    told = Terms(
        leg.currency or file.currency or "",
        plain.base,
        leg.contract_size,
        leg.price_units,
    )
    made = pair_fields(own, symbol, kind, venue, told).on(plain)
    if problem := inverse_problem(made):
        raise (own / "symbol").fail(f"is wrong: {problem}")
    return made


def _step(at: Place, value: Decimal, exponent: int) -> int:
    """A tick or lot as a mantissa; 0 where the mapping names none."""
    units = Fraction(value) / Fraction(10) ** exponent
    if units.denominator != 1 or units >= 1 << 63:
        raise at.was(value, f"a multiple of 1e{exponent} that fits 64 bits")
    return int(units)
