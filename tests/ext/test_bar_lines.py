"""Series of bars: they end at the bar at hand, and a clock moves them on."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi._ext.bar_lines import BarClock, Cursor, Line, crossover


def test_a_line_ends_at_the_bar_at_hand():
    cursor = Cursor()
    line, clock = Line("close", cursor), BarClock([cursor])
    line.hold(np.arange(5.0))
    clock.feed(np.array([2, 4, 6, 8, 10]), np.zeros(5, np.int16))
    assert len(line) == 0
    for at in (-1, 0, 1):
        with pytest.raises(IndexError, match="close"):
            line[at]
    assert clock.advance(5) == 2
    assert (line[-1], line[0], line[1], float(line)) == (1.0, 0.0, 1.0, 1.0)
    assert line[-3:].tolist() == line[:].tolist() == np.asarray(line).tolist() == [0.0, 1.0]
    with pytest.raises(IndexError):
        line[2]
    with pytest.raises(IndexError):
        line[-3]
    assert line[:].base is None or len(line[:].base) <= 2
    line[:][0] = 99.0
    assert line[0] == 0.0
    assert clock.advance(5) == 0
    assert (clock.passed, clock.waiting) == (2, 3)


def test_crossover_of_lines_and_numbers():
    cursor = Cursor()
    clock = BarClock([cursor])
    clock.feed(np.arange(4), np.zeros(4, np.int16))
    a, b = Line("a", cursor), Line("b", cursor)
    a.hold(np.array([1.0, 3.0, 2.0, 2.0]))
    b.hold(np.array([2.0, 2.0, 2.0, 1.0]))
    found = []
    for k in range(1, 5):
        clock.advance(k)
        found.append((crossover(a, b), crossover(b, a), crossover(a, 1.5), crossover(2.5, a)))
    assert found == [
        (False,) * 4,
        (True, False, True, False),
        (False, False, False, True),
        (False,) * 4,
    ]


def test_a_clock_refuses_rows_of_no_instrument():
    clock = BarClock([Cursor()])
    with pytest.raises(ValueError, match="that there is not"):
        clock.feed(np.arange(2), np.ones(2, np.int16))
    with pytest.raises(ValueError, match="another length"):
        clock.feed(np.arange(2), np.zeros(3, np.int16))
