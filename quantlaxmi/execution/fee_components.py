"""Fees that are made of components: flat an order, shares of a value by side, and a tax on some.

A component is a flat amount an executed order, or a share of what its base names. All amounts are
exact fractions; what is rounded is rounded once a session day, and the difference is an amount of
its own (`note_rounding`), so that components stay what their rates say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Final, Literal

from quantlaxmi.errors import InputError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import Side
from quantlaxmi.settings import Bounds, Chars, Settings

__all__ = ["FeeComponent", "exercise_fees", "fill_fees", "note_rounding"]

Base = Literal["order", "value", "intrinsic", "taxed"]
FeeSide = Literal["both", "buy", "sell", "exercise"]
Rounding = Literal["none", "rupee"]
#: A fee above its base is surely a slip.
Percent = Annotated[FixedPoint, Bounds(ge=0, le=100, places=8)]
Amount = Annotated[FixedPoint, Bounds(ge=0, le=10**9, places=8)]
_HUNDRED: Final = 100


class FeeComponent(Settings, frozen=True, kw_only=True):
    """One component of a fee.

    Attributes
    ----------
    name : str
    base : {"order", "value", "intrinsic", "taxed"}
        What it is counted on: an executed order; price times quantity of a fill; what an exercised
        option pays; the sum of the components that are taxed.
    side : {"both", "buy", "sell", "exercise"}
        Fills that pay it; ``"exercise"`` where long options settle in the money.
    percent : FixedPoint or None
        Of the base.
    amount : FixedPoint or None
        Of an order, at its first fill, in the currency.
    taxed : bool
        Whether a component on the base ``"taxed"`` counts it.
    rounding : {"none", "rupee"}
        Whether a session day's sum is rounded half up to a whole unit of the currency.

    Raises
    ------
    ConfigError
        Base, side, percent and amount do not fit each other.

    Examples
    --------
    >>> stamp = FeeComponent(
    ...     name="stamp", base="value", side="buy", percent=FixedPoint(3, -3), rounding="rupee"
    ... )
    >>> fill_fees([stamp], Side.BUY, Fraction(3000), first=True)
    {'stamp': Fraction(9, 100)}
    """

    name: Annotated[str, Chars(least=1, most=40)]
    base: Base
    side: FeeSide
    percent: Percent | None = None
    amount: Amount | None = None
    taxed: bool = False
    rounding: Rounding = "none"

    def check(self) -> None:
        """Refuse what does not fit together."""
        given, other = ("amount", "percent") if self.base == "order" else ("percent", "amount")
        if getattr(self, given) is None:
            raise self.lacks(given, f"the base is {self.base}")
        if getattr(self, other) is not None:
            raise self.refuse(other, f"expected none: the base is {self.base}")
        if (self.base == "intrinsic") != (self.side == "exercise"):
            raise self.refuse("side", f"does not go with the base {self.base}")
        if self.base in ("intrinsic", "taxed") and self.taxed:
            raise self.refuse("taxed", f"expected false with the base {self.base}")
        if self.base == "taxed" and self.side != "both":
            raise self.refuse("side", "expected both with the base taxed")

    @property
    def is_share(self) -> bool:
        """Whether it is a share of a fill's or a settlement's value."""
        return self.base in ("value", "intrinsic")

    @property
    def is_exercise(self) -> bool:
        """Whether long options that settle in the money pay it."""
        return self.side == "exercise"

    @property
    def rate(self) -> Fraction:
        """Share of the base, or the flat amount."""
        if self.amount is not None:
            return self.amount.to_fraction()
        assert self.percent is not None
        return self.percent.to_fraction() / _HUNDRED


def fill_fees(
    components: Sequence[FeeComponent], side: Side, value: Fraction, *, first: bool
) -> dict[str, Fraction]:
    """Return what a fill pays of each component, exactly.

    Parameters
    ----------
    components : sequence of FeeComponent
    side : Side
    value : Fraction
        Price times quantity: of an option its premium, of a future its turnover.
    first : bool
        Whether it is its order's first fill.

    Returns
    -------
    dict of str to Fraction
        In the order of the components; those that the fill does not pay are 0 or, of exercise,
        not there.

    Raises
    ------
    InputError
        The value is below 0.

    Examples
    --------
    >>> flat = FeeComponent(name="brokerage", base="order", side="both", amount=FixedPoint(20, 0))
    >>> fill_fees([flat], Side.SELL, Fraction(3000), first=True)
    {'brokerage': Fraction(20, 1)}
    """
    if value < 0:
        raise InputError("fees", f"was {value}, expected at least 0", "value of a fill")
    word = "buy" if side == Side.BUY else "sell"
    found: dict[str, Fraction] = {}
    for one in components:
        if one.side == "exercise":
            continue
        pays = one.side in ("both", word)
        base = {"order": Fraction(first), "value": value}.get(one.base, Fraction(0))
        found[one.name] = base * one.rate if pays else Fraction(0)
    tax_base = sum((found[c.name] for c in components if c.taxed), Fraction(0))
    for one in components:
        if one.base == "taxed":
            found[one.name] = tax_base * one.rate
    return found


def exercise_fees(components: Sequence[FeeComponent], intrinsic: Fraction) -> dict[str, Fraction]:
    """Return what a long option pays of each component where it settles.

    Parameters
    ----------
    components : sequence of FeeComponent
    intrinsic : Fraction
        What exercise pays for the whole position; 0 out of the money.

    Returns
    -------
    dict of str to Fraction

    Raises
    ------
    InputError
        The value is below 0.

    Examples
    --------
    >>> tax = FeeComponent(
    ...     name="stt", base="intrinsic", side="exercise", percent=FixedPoint(125, -3)
    ... )
    >>> exercise_fees([tax], Fraction(8000))
    {'stt': Fraction(10, 1)}
    """
    if intrinsic < 0:
        raise InputError("fees", f"was {intrinsic}, expected at least 0", "value of an exercise")
    return {c.name: intrinsic * c.rate for c in components if c.side == "exercise"}


def note_rounding(
    components: Sequence[FeeComponent], paid: Iterable[Mapping[str, Fraction]]
) -> Fraction:
    """Return what rounding adds to the fees of one session day; below 0 where it takes away.

    Parameters
    ----------
    components : sequence of FeeComponent
    paid : iterable of dict of str to Fraction
        Fees of the day's fills and exercises.

    Returns
    -------
    Fraction
        The sum over names of components with rounding: the day's total, rounded half up to the
        unit, less the total itself. Components of one name are one total.

    Examples
    --------
    >>> tax = FeeComponent(
    ...     name="stt", base="value", side="sell", percent=FixedPoint(1, -1), rounding="rupee"
    ... )
    >>> paid = [fill_fees([tax], Side.SELL, Fraction(n), first=True) for n in (700, 750)]
    >>> note_rounding([tax], paid)
    Fraction(-9, 20)
    """
    rounded = {c.name: Fraction(0) for c in components if c.rounding == "rupee"}
    for fees in paid:
        for name in rounded.keys() & fees.keys():
            rounded[name] += fees[name]
    return sum(
        ((2 * total + 1) // 2 - total for total in rounded.values()),
        Fraction(0),
    )
