"""Draws on all threads, a part of them at a time, each part in arrays of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from quantlaxmi.errors import FixedPointOverflow, StrategyError, first_cause
from quantlaxmi.parallel.pull import pull

__all__ = ["DrawFailed", "in_parts"]

T = TypeVar("T")
Room = TypeVar("Room")


class DrawFailed(Exception):
    """The strategy could not be run on the market of a draw; the cause says why.

    Parameters
    ----------
    draw : int
    before : list
        Results of the draws before it.
    """

    def __init__(self, draw: int, before: list[Any]) -> None:
        super().__init__(draw, before)
        self.draw, self.before = draw, before

    @property
    def reason(self) -> str:
        """As a sentence."""
        cause = "" if self.__cause__ is None else first_cause(self.__cause__)
        return f"On the market of draw {self.draw} the strategy could not be run: {cause}."


def in_parts(
    draws: range,
    most: int,
    work: Callable[[range, Room, list[T]], None],
    rooms: list[Room],
    new_room: Callable[[], Room],
    threads: int,
) -> list[T]:
    """Do something with draws, so many at a time, on all threads.

    Parameters
    ----------
    draws : range
    most : int
        Draws of a part at most; fewer where every thread would not have a part.
    work : callable
        ``work(part, room, made)`` appends the result of each draw of a part to `made`, in a room
        that nobody else has meanwhile.
    rooms : list
        Rooms to take, and where they lie afterwards.
    new_room : callable
        Makes one where there are none left.
    threads : int

    Returns
    -------
    list
        Results by draw.

    Raises
    ------
    DrawFailed
        With the first draw, in their order, on which the strategy cannot be run, and what the
        draws before it gave: the same on any number of threads.

    Examples
    --------
    >>> def work(part, room, made):
    ...     made += [10 * draw for draw in part]
    >>> in_parts(range(3, 8), 2, work, [], list, 1)
    [30, 40, 50, 60, 70]
    """
    size = max(1, min(most, -(-len(draws) // threads)))

    def one(number: int) -> list[T]:
        try:
            room = rooms.pop()
        except IndexError:
            room = new_room()
        part = draws[number * size : (number + 1) * size]
        made: list[T] = []
        try:
            work(part, room, made)
        except (StrategyError, FixedPointOverflow) as error:
            raise DrawFailed(part[len(made)], made) from error
        rooms.append(room)
        return made

    parts, error = pull(one, -(-len(draws) // size), threads=threads)
    results = [result for part in parts for result in part]
    if isinstance(error, DrawFailed):
        raise DrawFailed(error.draw, results + error.before) from error.__cause__
    if error is not None:
        raise error
    return results
