"""What callers give: one or many, whole numbers of NumPy too, an object of a class."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import Any, TypeVar

from quantlaxmi.errors import InputError, shown

T = TypeVar("T")


def many(given: Any) -> tuple[Any, ...]:
    """Return what was given as a tuple: a name, a class or whatever cannot be iterated is one.

    Examples
    --------
    >>> many("data/planted"), many(["a", "b"]), many(int)
    (('data/planted',), ('a', 'b'), (<class 'int'>,))
    """
    if isinstance(given, str | bytes | os.PathLike | type) or not isinstance(given, Iterable):
        return (given,)
    return tuple(given)


def whole(value: object) -> int | None:
    """Return a whole number, of Python or of NumPy; None where it is another value or a bool.

    Examples
    --------
    >>> whole(3), whole(True), whole(3.0)
    (3, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def of_class(value: object, kind: type[T], name: str, error: type[InputError] = InputError) -> T:
    """Return a value that is of a class.

    Raises
    ------
    InputError
        As ``error``: it is of another.

    Examples
    --------
    >>> of_class(3, int, "seed")
    3
    """
    if not isinstance(value, kind):
        raise error(name, f"was {shown(value)}, expected {kind.__name__}")
    return value
