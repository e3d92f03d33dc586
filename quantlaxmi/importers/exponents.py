"""Exponents of a capture, from tick and lot where they are known.

Captures are read at 10**-8, which every venue's texts fit. Whole lots at 10**-8 are numbers of up
to 17 digits for a coin that trades by the billion, and products of such numbers are wide. So the
rows of a capture whose lot is known are written at the lot's exponent, and prices at the tick's.
Marks share the exponent of a derivative's prices. A settlement without a mark is at the mid, so a
derivative's exponent holds half a tick; and where a mark has more digits than that, as those of
Binance have, all prices of the derivative stay at 10**-8.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.step_fit import divided
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues import rules_from

__all__ = ["READ_EXPONENT", "TooFine", "fitted", "refit"]

#: Of prices and quantities as captures are read.
READ_EXPONENT: Final = -8
_PRICES: Final = {"quotes": ("bid", "ask"), "trades": ("price",), "depth": ("price",)}
_MARKS: Final = {"funding": ("mark", "index")}
_QTYS: Final = {"quotes": ("bid_qty", "ask_qty"), "trades": ("qty",), "depth": ("qty",)}


class TooFine(Exception):
    """A row is finer than tick or lot: 10**-8 is kept for it, in an import that begins again.

    Attributes
    ----------
    kept : tuple of (str, str)
        Symbol, and "price", "mark" or "qty".
    """

    def __init__(self, symbol: str, what: str) -> None:
        super().__init__(symbol, what)
        self.kept = symbol, what


def fitted(one: Instrument, ts_ns: int, kept: Collection[tuple[str, str]]) -> Instrument:
    """The instrument of a capture with the exponents of its tick and lot, where they are known.

    Parameters
    ----------
    one : Instrument
        At `READ_EXPONENT`; one that was given others keeps them.
    ts_ns : int
        Of the first message. The finest step of this time or later counts, because a capture may
        go on over a change.
    kept : collection of (str, str)
        What rows were found to be too fine for.
    """
    if (one.price_exponent, one.qty_exponent) != (READ_EXPONENT, READ_EXPONENT):
        return one
    rules = rules_from(one.venue, one.kind, one.venue_symbol, ts_ns)
    ticks = _own(one.tick) or [rule.tick for rule in rules]
    lots = _own(one.lot) or [rule.lot for rule in rules]
    price = qty = READ_EXPONENT
    fine = {(one.symbol, "price"), (one.symbol, "mark")} & set(kept)
    if not fine and one.strike is None:
        price = _exponent(ticks, 1 if one.kind == InstrumentKind.SPOT else 2)
    if (one.symbol, "qty") not in kept:
        qty = _exponent(lots)
    return msgspec.structs.replace(
        one,
        price_exponent=price,
        qty_exponent=qty,
        tick=one.tick // 10 ** (price - READ_EXPONENT),
        lot=one.lot // 10 ** (qty - READ_EXPONENT),
    )


def _own(step: int) -> list[FixedPoint]:
    """A step that the user gave; it takes precedence over the tables."""
    return [FixedPoint(step, READ_EXPONENT)] if step else []


def _exponent(steps: Sequence[FixedPoint], parts: int = 1) -> int:
    """The exponent at which equal parts of all steps are whole, at most 0; `READ_EXPONENT` if one
    is unknown.
    """
    found = 0
    for step in steps:
        mantissa, exponent = step.mantissa, step.exponent
        if mantissa == 0:
            return READ_EXPONENT
        if mantissa % parts:
            mantissa, exponent = mantissa * 10, exponent - 1
        mantissa //= parts
        while mantissa % 10 == 0:
            mantissa, exponent = mantissa // 10, exponent + 1
        found = min(found, exponent)
    return max(found, READ_EXPONENT) if steps else READ_EXPONENT


def refit(
    tables: Mapping[str, Mapping[str, npt.NDArray[Any]]],
    read: Sequence[Instrument],
    written: Sequence[Instrument],
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Rows that were read at one instrument's exponents, at those of another.

    Raises
    ------
    TooFine
        A row does not fit.
    """
    made = {table: dict(columns) for table, columns in tables.items()}
    for what, names in (("price", (_PRICES, _MARKS)), ("qty", (_QTYS,))):
        exponent = f"{what}_exponent"
        by = np.array(
            [
                10 ** (getattr(w, exponent) - getattr(r, exponent))
                for r, w in zip(read, written, strict=True)
            ],
            np.int64,
        )
        if (by == 1).all():
            continue
        for table, columns in made.items():
            for name in itertools.chain.from_iterable(one.get(table, ()) for one in names):
                column, bad = divided(columns[name], columns["instrument"], by)
                if column is None:
                    fine = "mark" if table in _MARKS else what
                    raise TooFine(written[bad].symbol, fine)
                columns[name] = column
    return made
