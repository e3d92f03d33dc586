"""Sizes of a loop's calls follow from what the calls before took."""

import doctest

from quantlaxmi.parallel import pace
from quantlaxmi.parallel.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sizes(seconds_of_one: list[float], *limits: int, least: int = 1) -> list[int]:
    clock = Clock()
    made = Pace(*limits, least=least, clock=clock)
    found = []
    for one in seconds_of_one:
        found.append(made.size)
        with made:
            clock.now += one * made.size
    return [*found, made.size]


def test_quick_calls_grow_up_to_the_most() -> None:
    assert sizes([1e-9] * 5, 100, 900) == [100, 200, 400, 800, 900, 900]


def test_a_slow_call_is_followed_by_one_of_a_tenth_of_a_second() -> None:
    assert sizes([0.01, 0.01], 1000, 5000) == [1000, 10, 10]
    assert sizes([10.0, 10.0], 1000, 5000) == [1000, 1, 1]
    assert sizes([10.0, 10.0], 1000, 5000, least=32) == [1000, 32, 32]


def test_an_error_passes_and_is_measured() -> None:
    made = Pace(4, 8)
    try:
        with made:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert made.size == 8


def test_the_example() -> None:
    assert doctest.testmod(pace).failed == 0
