"""Notes of a manifest about bars: how they trade, and every assumption."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from quantlaxmi.counted import counted
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.mapping_leg import LegMapping
from quantlaxmi.importers.bars.series import Series, Settlements
from quantlaxmi.importers.source import MAX_LISTED_GAPS


def bars_notes(
    mapping: BarsMapping,
    lots: Sequence[int],
    widest: Sequence[tuple[Fraction, int]],
    n_settlements: int,
    n_own_marks: int,
    n_gaps: int,
) -> list[str]:
    """Notes of a segment of bars, one sentence or two each.

    Parameters
    ----------
    mapping : BarsMapping
    lots : sequence of int
        Least quantity of each instrument; 0 for any.
    widest : sequence of (Fraction, int)
        Largest half spread of each instrument's quotes in bps, and its price.
    n_settlements : int
        Funding settlements; unused where the mapping names no funding.
    n_own_marks : int
        Of them, those for which the file has a mark price.
    n_gaps : int
        All gaps, listed or not.
    """
    cancelled = "where the next bar is missing orders are cancelled"
    if mapping.calendar:
        closed = f"over closed times of {mapping.calendar} they wait for it"
        cancelled = f"{closed}, elsewhere {cancelled}"
    elif mapping.next_bar:
        cancelled = "they wait for it however long bars are missing"
    notes = [
        f"Bars of {mapping.interval_ns // 10**9} s: decisions are made at a bar's close and trade "
        f"at the next bar's open; {cancelled}."
    ]
    notes += [_leg_note(*leg) for leg in zip(mapping.legs, lots, widest, strict=True)]
    if mapping.funding is not None:
        notes.append(
            f"{mapping.legs[-1].instrument.symbol}: "
            f"{counted(n_settlements, 'funding settlement[s]')}, each once "
            f"at its time, at {_plain(mapping.funding.times)} times the rate of column "
            f"{mapping.funding.rate!r}; {n_own_marks:,} at the file's mark price, "
            f"{n_settlements - n_own_marks:,} at the perpetual's price: the close of the bar that "
            "ends then, or else the open of the bar it falls in."
        )
    if (premium := mapping.premium) is not None:
        notes.append(
            f"{premium.leg.instrument.symbol}: indicative rates from premiumIndexKlines by "
            f"formula, {premium.every_ns // 10**9} s from settlement to settlement, interest "
            f"{_plain(premium.interest)} for eight hours, one sample a bar. They announce no "
            "settlement, none is made by them, and their mark is 0."
        )
    if mapping.max_jump_bps is not None:
        notes.append(
            f"Bars whose close is more than {_plain(mapping.max_jump_bps)} bps from the next open "
            "were taken for partial and set aside."
        )
    if n_gaps > MAX_LISTED_GAPS:
        notes.append(f"{counted(n_gaps, 'gap[s]')}, the first {MAX_LISTED_GAPS} are listed.")
    return notes


def _leg_note(leg: LegMapping, lot: int, widest: tuple[Fraction, int]) -> str:
    shown = (
        f"{_plain(leg.share)} of the bar's volume"
        if leg.size == 0
        else f"{_plain(leg.size)}, whatever was traded"
    )
    shown += ", in whole lots" * bool(lot)
    exponent = leg.instrument.price_exponent
    price = f"{Decimal(widest[1]).scaleb(exponent):f}"
    return (
        f"{leg.instrument.symbol}: half spread assumed {_plain(leg.half_spread_bps)} bps on "
        f"either side of open and close, rounded outward to 1e{exponent}, which makes it up to "
        f"{float(widest[0]):.4g} bps, at a price of {price}; displayed size assumed {shown}."
    )


def rounding_notes(all_series: Sequence[Series], settlements: Settlements | None) -> list[str]:
    """Note the values that were read with fewer digits than the files have."""
    notes = []
    for series in all_series:
        symbol = series.leg.instrument.symbol
        if series.n_rounded:
            digits = series.leg.price_digits
            notes.append(
                f"{symbol}: prices of {counted(series.n_rounded, 'bar[s]')} have "
                f"digits beyond 1e{digits} and were rounded, half to even, as the mapping asks."
            )
        if series.n_cut:
            exponent = series.leg.instrument.qty_exponent
            notes.append(
                f"{symbol}: volumes of {counted(series.n_cut, 'bar[s]')} have digits "
                f"beyond 1e{exponent} and were rounded down."
            )
    if settlements is not None and settlements.n_rounded:
        notes.append(
            f"{counted(settlements.n_rounded, 'settlement[s] [has|have]')} a rate or mark "
            "with digits beyond its "
            "exponent, which were rounded, half to even, as the mapping asks."
        )
    return notes


def _plain(value: Fraction) -> str:
    """A fraction that a mapping wrote as a decimal, as one."""
    digits = f"{float(value):.15g}"
    return digits if Fraction(digits) == value else str(value)
