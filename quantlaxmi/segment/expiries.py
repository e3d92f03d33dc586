"""Instruments of a segment by expiry: what there is to show of a thousand options."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind

__all__ = ["ExpiryGroup", "by_expiry"]


class ExpiryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Instruments that end at one time.

    Attributes
    ----------
    base : str
        What they are written on.
    expiry_ns : int or None
        None for those that do not end.
    calls, puts, others : int
        How many there are.
    strikes : int
        Different ones.
    lowest, highest : int or None
        Strikes, mantissas at ``price_exponent``; None where there is none.
    price_exponent : int
    lots : tuple of int
        Different ones, ascending.
    instruments : tuple of int
        Their numbers in the segment.
    """

    base: str
    expiry_ns: int | None
    calls: int
    puts: int
    others: int
    strikes: int
    lowest: int | None
    highest: int | None
    price_exponent: int
    lots: tuple[int, ...]
    instruments: tuple[int, ...]


def by_expiry(instruments: Sequence[Instrument]) -> tuple[ExpiryGroup, ...]:
    """Group instruments by base, price exponent and expiry; those without an expiry come first.

    Parameters
    ----------
    instruments : sequence of Instrument

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> [one.others for one in by_expiry(open_segment("data/planted").instruments)]
    [1, 1]
    """
    found: dict[tuple[str, int, int], list[int]] = {}
    for k, one in enumerate(instruments):
        ends = -1 if one.expiry_ns is None else one.expiry_ns
        found.setdefault((one.base, ends, one.price_exponent), []).append(k)
    return tuple(_group(instruments, *key, found[key]) for key in sorted(found))


def _group(
    instruments: Sequence[Instrument], base: str, ends: int, exponent: int, numbers: list[int]
) -> ExpiryGroup:
    mine = [instruments[k] for k in numbers]
    kinds = [one.kind for one in mine]
    strikes = {one.strike for one in mine if one.strike is not None}
    calls, puts = (kinds.count(kind) for kind in (InstrumentKind.CALL, InstrumentKind.PUT))
    return ExpiryGroup(
        base=base,
        expiry_ns=None if ends < 0 else ends,
        calls=calls,
        puts=puts,
        others=len(mine) - calls - puts,
        strikes=len(strikes),
        lowest=min(strikes, default=None),
        highest=max(strikes, default=None),
        price_exponent=exponent,
        lots=tuple(sorted({one.lot for one in mine})),
        instruments=tuple(numbers),
    )
