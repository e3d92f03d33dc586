"""Signals that a plain-Python class computes by itself, and what ablation puts in their place."""

from __future__ import annotations

from numbers import Number
from typing import Any, Final, TypeVar

import numpy as np

from quantlaxmi.errors import StrategyError, shown
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.strategies.kernel import BoundStrategy

__all__ = ["OwnSignals", "check_names", "zero_of"]

V = TypeVar("V")


class OwnSignals:
    """The named signals of one run.

    Parameters
    ----------
    bound : BoundStrategy
        With the names, and with the slots of those that are neutral.

    Attributes
    ----------
    asked : set of str
        Names that were passed through so far.
    """

    __slots__ = ("_neutral", "asked")

    def __init__(self, bound: BoundStrategy) -> None:
        first = len(bound.features)
        named = enumerate(bound.named_signals, first)
        self._neutral: Final = {name: slot in bound.neutral for slot, name in named}
        self.asked: Final[set[str]] = set()

    def passed(self, name: str, value: V) -> V:
        """Return the value, or its 0 where the signal is neutral.

        Raises
        ------
        StrategyError
            The class does not name this signal, or the value is no number.
        """
        neutral = self._neutral.get(name) if isinstance(name, str) else None
        if neutral is None:
            names = ", ".join(self._neutral) or "none"
            raise StrategyError(
                f"signal {shown(name)} is not among the strategy's signals ({names}); name it in "
                "the class, signals = (...)"
            )
        self.asked.add(name)
        zero = zero_of(name, value)
        return zero if neutral else value

    def is_neutral(self, name: str) -> bool:
        """Whether a signal, which is now asked for, is to be 0."""
        self.passed(name, 0)
        return self._neutral[name]


def check_names(names: Any, strategy_id: str) -> tuple[str, ...]:
    """Return the names of a class's ``signals``.

    Raises
    ------
    StrategyError
        They are no texts, or one is there twice.

    Examples
    --------
    >>> check_names(("trend",), "mine")
    ('trend',)
    """
    good = isinstance(names, tuple | list) and all(isinstance(n, str) and n for n in names)
    if not good or len(set(names)) != len(names):
        raise StrategyError(
            f"strategy {strategy_id!r}: signals was {shown(names)}, expected a tuple of distinct "
            "names"
        )
    return tuple(names)


def zero_of(name: str, value: V) -> V:
    """0 of the kind of a signal's value; what is not known stays so.

    Parameters
    ----------
    name : str
        Of the signal, for the error.
    value : number or None

    Raises
    ------
    StrategyError
        The value is no number.

    Examples
    --------
    >>> zero_of("trend", 2.5), zero_of("trend", -7), zero_of("trend", True), zero_of("trend", None)
    (0.0, 0, False, None)
    """
    found: Any = value
    if found is None:
        return value
    if isinstance(found, FixedPoint):
        return FixedPoint(0, found.exponent)  # type: ignore[return-value]
    kind: Any = type(found)
    if not issubclass(kind, Number | np.generic):
        raise StrategyError(f"signal {name!r} was {shown(found)}, expected a number or None")
    # NaN is the only number that differs from itself: a signal that is not there yet.
    return value if found != found else kind(0)
