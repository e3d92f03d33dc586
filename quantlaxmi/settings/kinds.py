"""Kinds of settings: how each is read, checked and written as JSON."""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np

from quantlaxmi.errors import FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import FixedPoint, decimal_text
from quantlaxmi.settings.place import Place, TomlNumber

#: Digits of a decimal that always fit an int64 mantissa.
_FIXED_DIGITS: Final = 18
#: Most digits of a `Decimal` setting, and the largest power of ten it may begin or end at.
_DECIMAL_DIGITS, _DECIMAL_POWER = 38, 128
_DECIMAL_TEXT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a number, or the texts that a text field may take.

    Parameters
    ----------
    ge, le : int, str or None
        Smallest and largest value, both allowed; a str is an exact decimal.
    gt, lt : int, str or None
        Limits that a value may not reach.
    choices : tuple of str
        Allowed texts; empty for any.
    places : int or None
        Most digits after the decimal point.

    Examples
    --------
    >>> from typing import Annotated
    >>> Annotated[int, Bounds(ge=0, le=100)].__metadata__[0].le
    100
    """

    ge: int | str | None = None
    le: int | str | None = None
    choices: tuple[str, ...] = ()
    places: int | None = None
    gt: int | str | None = None
    lt: int | str | None = None

    def holds(self, value: Fraction) -> bool:
        """Whether a number is within the limits."""
        return (
            (self.ge is None or value >= Fraction(self.ge))
            and (self.le is None or value <= Fraction(self.le))
            and (self.gt is None or value > Fraction(self.gt))
            and (self.lt is None or value < Fraction(self.lt))
            and (self.places is None or (value * 10**self.places).denominator == 1)
        )

    def expected(self, number: str) -> str:
        """Say what is allowed: ``a whole number from 0 to 10``."""
        words = ("at least", "above", "at most", "below")
        limits = (self.ge, self.gt, self.le, self.lt)
        if self.ge is not None and self.ge == self.le:
            return str(self.ge)
        if self.ge is not None and self.le is not None:
            number += f" from {self.ge} to {self.le}"
        else:
            pairs = zip(words, limits, strict=True)
            said = " and ".join(f"{word} {limit}" for word, limit in pairs if limit is not None)
            number = f"{number} {said}".rstrip()
        return number if self.places is None else f"{number} with at most {self.places} decimals"


@dataclass(frozen=True, slots=True)
class Chars:
    """Limits of a text.

    Parameters
    ----------
    least, most : int
        Characters.
    pattern : str
        Regular expression of the whole text; empty for any.
    says : str
        What the pattern asks for, in words.
    """

    least: int = 0
    most: int = 4096
    pattern: str = ""
    says: str = "a text"


_ANY: Final = Chars()


@dataclass(frozen=True, slots=True)
class Items:
    """Limits of a list: how many items, whether they must ascend or differ."""

    least: int = 0
    most: int = 1000
    ascending: bool = False
    distinct: bool = False


class Kind(Protocol):
    """Kind of a field."""

    @property
    def expected(self) -> str:
        """Text of errors for the expected value."""

    def read(self, value: Any, at: Place) -> Any:
        """Make the field's value from what a file or a caller gave, or raise what `at` says."""

    def plain(self, value: Any) -> Any:
        """Value as JSON holds it, equal for equal values."""


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    expected: str = "true or false"

    def read(self, value: Any, at: Place) -> bool:
        if type(value) is not bool:
            raise at.was(value, self.expected)
        return value

    def plain(self, value: bool) -> bool:
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """An int."""

    bounds: Bounds

    @property
    def expected(self) -> str:
        return self.bounds.expected("a whole number")

    def read(self, value: Any, at: Place) -> int:
        number = int(value) if isinstance(value, np.integer) else value
        if type(number) is not int or not self.bounds.holds(Fraction(number)):
            raise at.was(value, self.expected)
        return number

    def plain(self, value: int) -> int:
        return value


@dataclass(frozen=True, slots=True)
class Fixed:
    """A `FixedPoint`; int, Decimal and text are read exactly, floats refused."""

    bounds: Bounds

    @property
    def expected(self) -> str:
        return self.bounds.expected("a decimal number")

    def read(self, value: Any, at: Place) -> FixedPoint:
        found = value if isinstance(value, FixedPoint) else self._parse(value, at)
        if not self.bounds.holds(found.to_fraction()):
            raise at.was(value, self.expected)
        return found

    def _parse(self, value: Any, at: Place) -> FixedPoint:
        try:
            return FixedPoint.from_text(_number_text(value, at, self.expected))
        except FixedPointOverflow:
            raise at.was(value, f"{self.expected}, of at most {_FIXED_DIGITS} digits") from None
        except FixedPointError:
            raise at.was(value, self.expected) from None

    def plain(self, value: FixedPoint) -> str:
        return decimal_text(value.mantissa, value.exponent)


@dataclass(frozen=True, slots=True)
class Exact:
    """A `Decimal`; int and text are read exactly, floats refused."""

    bounds: Bounds

    @property
    def expected(self) -> str:
        return self.bounds.expected("a decimal number")

    def read(self, value: Any, at: Place) -> Decimal:
        text = _number_text(value, at, self.expected)
        if not _DECIMAL_TEXT.fullmatch(text):
            raise at.was(value, self.expected)
        try:
            found = Decimal(text)
        except ArithmeticError:  # an exponent of twenty digits
            raise at.was(value, self.expected) from None
        digits, exponent = found.as_tuple()[1:]
        if len(digits) > _DECIMAL_DIGITS or not -_DECIMAL_POWER <= int(exponent) <= _DECIMAL_POWER:
            raise at.was(value, f"{self.expected}, of at most {_DECIMAL_DIGITS} digits")
        if not self.bounds.holds(Fraction(found)):
            raise at.was(value, self.expected)
        return found

    def plain(self, value: Decimal) -> str:
        sign, digits, exponent = value.as_tuple()
        mantissa = int("".join(map(str, digits)))
        return decimal_text(-mantissa if sign else mantissa, int(exponent))


def _number_text(value: Any, at: Place, expected: str) -> str:
    """The text of a number that is to be read exactly."""
    if isinstance(value, float):
        raise at.was(value, f"{expected}, exact: write '{value!r}' as text, not as a float")
    if isinstance(value, bool) or not isinstance(value, int | np.integer | str | Decimal):
        raise at.was(value, expected)
    if isinstance(value, int) and value.bit_length() > 256:
        raise at.was(value, expected)
    return str(value).strip()


@dataclass(frozen=True, slots=True)
class Text:
    """A str."""

    chars: Chars = _ANY

    @property
    def expected(self) -> str:
        chars = self.chars
        if chars.pattern or (chars.least == 0 and chars.most == _ANY.most):
            return chars.says
        return f"{chars.says} of {chars.least} to {chars.most} characters"

    def read(self, value: Any, at: Place) -> str:
        if not isinstance(value, str) or isinstance(value, TomlNumber):
            raise at.was(value, self.expected)
        chars = self.chars
        if not chars.least <= len(value) <= chars.most:
            raise at.was(value, self.expected)
        if chars.pattern and not re.fullmatch(chars.pattern, value):
            raise at.was(value, self.expected)
        return value

    def plain(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts; or a member of an enumeration of texts."""

    choices: tuple[str, ...]
    member: type[enum.StrEnum] | None = None

    @property
    def expected(self) -> str:
        names = [str(choice) for choice in self.choices]
        return f"one of {', '.join(names)}" if len(names) > 2 else " or ".join(names)

    def read(self, value: Any, at: Place) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise at.was(value, self.expected)
        return value if self.member is None else self.member(value)

    def plain(self, value: str) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple of values of one kind."""

    item: Kind
    items: Items

    @property
    def expected(self) -> str:
        rules = self.items
        order = ", ascending" * rules.ascending + ", each once" * rules.distinct
        return f"a list of {rules.least} to {rules.most}{order}, each {self.item.expected}"

    def read(self, value: Any, at: Place) -> tuple[Any, ...]:
        rules = self.items
        if not isinstance(value, list | tuple) or not rules.least <= len(value) <= rules.most:
            raise at.was(value, self.expected)
        found = tuple(self.item.read(one, at.row(k)) for k, one in enumerate(value))
        if rules.ascending and any(a >= b for a, b in itertools.pairwise(found)):
            raise at.was(value, self.expected)
        if rules.distinct and len(set(found)) != len(found):
            raise at.was(value, self.expected)
        return found

    def plain(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.item.plain(one) for one in value]


@dataclass(frozen=True, slots=True)
class ByName:
    """A dict of values of one kind by a name that the user chooses."""

    item: Kind

    @property
    def expected(self) -> str:
        return f"a table whose every entry is {self.item.expected}"

    def read(self, value: Any, at: Place) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise at.was(value, self.expected)
        return {name: self.item.read(one, at / name) for name, one in value.items()}

    def plain(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: self.item.plain(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Made:
    """A value of any class, made by a function of its own from what a file gave."""

    hint: type
    function: Callable[[Any, Place], Any]
    expected: str
    writes: Callable[[Any], Any]

    def read(self, value: Any, at: Place) -> Any:
        """Accept what is made already: what a file gave comes here through the function."""
        if not isinstance(value, self.hint):
            raise at.was(value, self.expected)
        return value

    def plain(self, value: Any) -> Any:
        return self.writes(value)
