"""Components of a cost model: what a kernel books of them, their description, dearer ones.

A tax is a share of other components, so a fill's fee is one share of its value by side, and one
flat amount an order: ``folded`` works both out as exact fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.fee_components import FeeComponent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Place

__all__ = [
    "Components",
    "FoldedFees",
    "check_components",
    "components_of",
    "described_components",
    "exact_exponent",
    "folded",
    "scaled_components",
]

Components = tuple[FeeComponent, ...]
#: Finest exponent of a fee.
FINEST: Final = -18
#: Most components of an instrument: a contract note has some seven.
MOST_COMPONENTS: Final = 64


@dataclass(frozen=True, slots=True)
class FoldedFees:
    """What components come to, taxes included.

    Attributes
    ----------
    buy, sell : Fraction
        Share of a fill's value.
    flat_buy, flat_sell : Fraction
        Amount of an order, at its first fill.
    exercise : Fraction
        Share of what a long option is paid where it settles.
    """

    buy: Fraction
    sell: Fraction
    flat_buy: Fraction
    flat_sell: Fraction
    exercise: Fraction


def folded(components: Sequence[FeeComponent]) -> FoldedFees:
    """Return the shares and the flat amounts that components come to.

    Parameters
    ----------
    components : sequence of FeeComponent

    Returns
    -------
    FoldedFees
        All 0 without components.

    Examples
    --------
    >>> flat = FeeComponent(
    ...     name="brokerage", base="order", side="both", amount=FixedPoint(20, 0), taxed=True
    ... )
    >>> gst = FeeComponent(name="gst", base="taxed", side="both", percent=FixedPoint(18, 0))
    >>> folded([flat, gst]).flat_buy
    Fraction(118, 5)
    """
    tax = sum((c.rate for c in components if c.base == "taxed"), Fraction(0))

    def total(base: str, side: str) -> Fraction:
        return sum(
            (
                c.rate * (1 + tax if c.taxed else 1)
                for c in components
                if c.base == base and c.side in ("both", side)
            ),
            Fraction(0),
        )

    return FoldedFees(
        total("value", "buy"),
        total("value", "sell"),
        total("order", "buy"),
        total("order", "sell"),
        total("intrinsic", "exercise"),
    )


def exact_exponent(components: Sequence[FeeComponent], product_exponent: int) -> int:
    """Return the coarsest exponent at which every fee of the components is exact.

    Parameters
    ----------
    components : sequence of FeeComponent
    product_exponent : int
        Of the instrument's price times quantity.

    Raises
    ------
    ConfigError
        It is finer than 10**-18.
    """
    fees = folded(components)
    shares = (fees.buy, fees.sell, fees.exercise, *(c.rate for c in components if c.is_share))
    found = min(
        product_exponent - max((_places(share) for share in shares), default=0),
        -_places(fees.flat_buy),
        -_places(fees.flat_sell),
    )
    if found < FINEST:
        raise ConfigError(
            "costs", f"need 10**{found} to be exact, the finest is 10**{FINEST}", "components"
        )
    return found


def _places(value: Fraction) -> int:
    """Decimals of a value that has finitely many."""
    return next(k for k in range(64) if (value * 10**k).denominator == 1)


def check_components(table: Mapping[str, Components], at: Place) -> None:
    """Refuse what is no table of components by kind or symbol.

    Raises
    ------
    ConfigError
    """
    for key, components in table.items():
        if key.partition(".")[0] == InstrumentKind.SPOT:
            raise (at / "components").was(key, "a kind of derivative, or one and its symbol")
        if not isinstance(components, tuple) or len(components) > MOST_COMPONENTS:
            raise (at / key / "components").was(
                components, f"a tuple of at most {MOST_COMPONENTS} components"
            )
        for k, one in enumerate(components):
            if not isinstance(one, FeeComponent):
                raise (at / key / "components" / str(k)).was(one, "a FeeComponent")


def described_components(table: Mapping[str, Components]) -> dict[str, list[dict[str, Any]]]:
    """Return a table of components as plain values, decimals as text, by ascending key."""
    return {
        key: [{k: v for k, v in one.to_json().items() if v is not None} for one in components]
        for key, components in sorted(table.items())
    }


def components_of(described: Mapping[str, Any]) -> dict[str, Components]:
    """Return the table that `described_components` described.

    Raises
    ------
    ConfigError
        A component is none.
    """
    return {
        key: tuple(FeeComponent.from_mapping(one, "costs", key) for one in components)
        for key, components in described.items()
    }


def scaled_components(components: Components, factor: Fraction) -> Components:
    """Return components that come to ``factor`` times as much.

    A tax stays the share it is: what it is counted on is multiplied.

    Raises
    ------
    ConfigError
        A share needs more than eight decimals, or is out of its bounds.
    """

    def scaled(value: FixedPoint) -> FixedPoint:
        found = value.to_fraction() * factor * 10**8
        if found.denominator != 1:
            raise ConfigError("costs", f"rate times {factor} needs more than 8 decimals")
        return FixedPoint(found.numerator, -8)

    return tuple(
        one
        if one.base == "taxed"
        else one.replace(
            percent=None if one.percent is None else scaled(one.percent),
            amount=None if one.amount is None else scaled(one.amount),
        )
        for one in components
    )
