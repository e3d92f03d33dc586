"""Marks of fills in the picture of a price, and the numbers that pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.run.drawing import axes_of
from quantlaxmi.run.figure_text import brief_text, rounded_text
from quantlaxmi.run.plots import entries_and_exits


def test_a_reversal_is_an_entry_and_an_exit() -> None:
    before = np.array([0, 1, 2, 1, 0, -1, -2, 1, -1], np.int64)
    after = np.array([1, 2, 1, 0, -1, -2, 0, -1, 1], np.int64)
    entries, exits = entries_and_exits(before, after)
    assert entries.tolist() == [True, True, False, False, True, True, False, True, True]
    assert exits.tolist() == [False, False, True, True, False, False, True, True, True]


def test_numbers_of_an_axis_that_reaches_a_thousand_have_their_thousands_set_apart() -> None:
    with axes_of(None) as ax:
        ax.plot([0, 10], [-15_000, 15_000])
        ax.set_yticks([-15_000, 0, 2_500])
    ax.figure.canvas.draw()
    assert [one.get_text() for one in ax.get_yticklabels()] == ["−15,000", "0", "2,500"]
    with axes_of(None) as ax:
        ax.plot([0, 10], [2e6, 2.5e6])
        ax.set_yticks([2_000_000, 2_250_100])
    ax.figure.canvas.draw()
    assert [one.get_text() for one in ax.get_yticklabels()] == ["2M", "2.2501M"]


def test_axes_keep_the_names_that_a_picture_gave_its_ticks() -> None:
    with axes_of(None) as ax:
        ax.plot([0, 1], [0, 5_000])
        ax.set_yticks([0, 5_000], ["none", "all"])
    ax.figure.canvas.draw()
    assert [one.get_text() for one in ax.get_yticklabels()] == ["none", "all"]


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [
        (0.0, "0", "0"),
        (-0.0123456, "−0.0123", "−0.0123"),
        (999.4, "999", "999"),
        (999.6, "1,000", "1k"),
        (-5812.09, "−5,812", "−5.8k"),
        (9_999.6, "10k", "10k"),
        (15_670.6, "15.7k", "16k"),
        (-99_600, "−99.6k", "−99.6k"),
        (999_499, "999k", "999k"),
        (999_600, "1M", "1M"),
        (1_234_567, "1.23M", "1.2M"),
        (7.5e9, "7.5bn", "7.5bn"),
    ],
)
def test_numbers_of_cells_are_never_powers_of_ten(value: float, text: str, short: str) -> None:
    assert (brief_text(value), brief_text(value, short=True)) == (text, short)


def test_rounded_numbers_keep_every_digit_before_the_point() -> None:
    values = (15_670.63, -1_234_567.8, 0.0881663, 100_000.2, 99_999.96)
    found = [rounded_text(value) for value in values]
    assert found == ["15,670.6", "-1,234,568", "0.0881663", "100,000", "100,000"]
