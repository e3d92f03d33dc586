"""What was made last of the same objects, kept for the next time it is asked for.

A sweep makes thousands of runs with the same frozen objects. What follows from such objects alone
is dear the first time and the same every time. It is kept by their identity, and the objects are
held as long as it is: an ``id`` may be another object's tomorrow. Values that can change inside
such an object are compared too.

Threads need no lock. What is kept is one tuple that is replaced whole, so that a race loses an
entry and computes it again, with the same result. Nothing of it is pickled; a forked process goes
on with a copy and a spawned one begins with nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")


class Recent(Generic[T]):
    """Results kept for the objects they were made of; the newest few.

    Parameters
    ----------
    most : int
        Results kept; the oldest goes first.

    Examples
    --------
    >>> squares = Recent[int](most=2)
    >>> key = (3,)
    >>> squares.get(key, (), lambda: 9), squares.get(key, (), lambda: 0)
    (9, 9)
    """

    __slots__ = ("_kept", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: tuple[tuple[tuple[object, ...], tuple[object, ...], T], ...] = ()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, same: tuple[object, ...], equal: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return the result for inputs, made now where it is not kept.

        Parameters
        ----------
        same : tuple
            Inputs that must be the same objects.
        equal : tuple
            Inputs that must be equal; never changed afterwards.
        make : callable
            Makes the result. What it raises is not kept.
        """
        for objects, values, result in self._kept:
            for a, b in zip(objects, same, strict=True):
                if a is not b:
                    break
            else:
                if values == equal:
                    return result
        result = make()
        self._kept = ((same, equal, result), *self._kept[: self._most - 1])
        return result
