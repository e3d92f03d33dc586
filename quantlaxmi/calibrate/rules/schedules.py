"""Schedules of calibration rules: one number a row, drawn from a key before the run.

So a rule has the same schedule when it runs again on another market.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from quantlaxmi.calibrate.random_streams import Draws, sub_key
from quantlaxmi.schema import I64

__all__ = ["NAMES", "WINDOW", "schedule_of", "windows"]

#: Rows of a window: the rows of one clock bucket in a run of 3,000.
WINDOW = 15


def trips(draws: Draws, rows: int) -> I64:
    """Position after each row: flat for 2 to 13 rows, held for 3 to 14 on a random side."""
    gaps, holding = draws.lengths(0, rows, 2, 13), draws.lengths(1, rows, 3, 14)
    n = min(len(gaps), len(holding))
    lengths = np.column_stack([gaps[:n], holding[:n]]).ravel()
    values = np.column_stack([np.zeros(n, np.int64), draws.sides(2, n)]).ravel()
    return np.repeat(values, lengths)[:rows]


def persistent(draws: Draws, rows: int) -> I64:
    """Position after each row: long, short (two fifths each) or flat for 2 to 30 rows."""
    lengths = draws.lengths(0, rows, 2, 30)
    values = np.array([1, 1, -1, -1, 0], np.int64)[draws.below(1, len(lengths), 5)]
    return np.repeat(values, lengths)[:rows]


def lottery(draws: Draws, rows: int) -> I64:
    """As `trips`, with sizes of 2**k units at chance 2**-(k + 1), at most 256: few trips decide."""
    held = trips(draws, rows)
    begins = np.flatnonzero(np.diff(held, prepend=0) != 0)
    drawn = draws.below(3, len(begins), 512) + 1  # 1 to 512
    size = 2 ** (9 - np.minimum(np.frexp(drawn)[1].astype(np.int64), 9))
    sizes = np.ones(rows, np.int64)
    ends = np.append(begins[1:], rows)
    for first, end, one in zip(begins.tolist(), ends.tolist(), size.tolist(), strict=True):
        sizes[first:end] = one
    return held * sizes


def long_trips(draws: Draws, rows: int) -> I64:
    """As `trips`, all of them long."""
    return np.abs(trips(draws, rows))


def entries(draws: Draws, rows: int) -> I64:
    """At each row 0, or a random side times the 2 to 9 rows for which a position is held."""
    return (draws.below(0, rows, 8) + 2) * (draws.below(1, rows, 3) - 1)


def patient(draws: Draws, rows: int) -> I64:
    """As `entries`, with 40 to 103 rows: the most that losers are held."""
    return (draws.below(0, rows, 64) + 40) * (draws.below(1, rows, 3) - 1)


def intervals(draws: Draws, rows: int) -> I64:
    """1 for three to six windows, then 0 for one, so that positions are closed at times."""
    held = draws.lengths(0, rows, 3, 6)
    values = np.tile([1, 0], len(held))
    lengths = np.column_stack([held * WINDOW, np.full(len(held), WINDOW)]).ravel()
    return np.repeat(values, lengths)[:rows].astype(np.int64)


def windows(draws: Draws, rows: int, active: int) -> I64:
    """`active` windows of the run, ascending: the first row of each."""
    n = rows // WINDOW
    order = np.argsort(draws.below(4, n, 2**32), kind="stable")
    return np.sort(order[:active]).astype(np.int64) * WINDOW


#: Rows of a window in which a position is held, after the first one.
HELD = 8


def _in_windows(side: bool, active: int, draws: Draws, rows: int) -> I64:
    """Long (or a random side) for eight rows of some windows."""
    held = np.zeros(rows, np.int64)
    first = windows(draws, rows, active)
    sides = draws.sides(5, len(first)) if side else np.ones(len(first), np.int64)
    for k in range(1, HELD + 1):
        held[first + k] = sides
    return held


def _halves(parts: int, draws: Draws, rows: int) -> I64:
    """A random side for half of each of so many equal parts, from a random row on."""
    part = rows // parts
    starts = np.arange(parts) * part + draws.below(4, parts, part - part // 2) + 1
    held = np.zeros(rows, np.int64)
    for start, side in zip(starts.tolist(), draws.sides(5, parts).tolist(), strict=True):
        held[start : start + part // 2] = side
    return held


def _alternating(length: int, draws: Draws, rows: int) -> I64:
    """Long and short in turn, always in the market, for half to one and a half of `length` rows."""
    lengths = draws.lengths(0, rows, length // 2, length + length // 2)
    sides = int(draws.sides(1, 1)[0]) * (1 - 2 * (np.arange(len(lengths)) % 2))
    return np.repeat(sides, lengths)[:rows]


NAMES: dict[str, Callable[[Draws, int], I64]] = {
    "trips": trips,
    "persistent": persistent,
    "lottery": lottery,
    "long": long_trips,
    "entries": entries,
    "patient": patient,
    "intervals": intervals,
    **{f"windows-{n}": functools.partial(_in_windows, False, n) for n in (30, 60, 150, 200)},
    **{f"windows-{n}": functools.partial(_in_windows, False, n) for n in (300, 600)},
    **{f"sides-{n}": functools.partial(_in_windows, True, n) for n in (30, 40, 60, 100, 200)},
    "halves-40": functools.partial(_halves, 40),
    **{f"turns-{n}": functools.partial(_alternating, n) for n in (2, 20, 200)},
}


@functools.lru_cache(maxsize=128)
def schedule_of(name: str, key: int, variant: int, rows: int) -> I64:
    """The schedule of a rule, drawn once.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    key : int
    variant : int
        Number of a rule among those of one key; each has a schedule of its own.
    rows : int

    Returns
    -------
    ndarray of int64, shape (rows,)
        Read-only.
    """
    made = NAMES[name](Draws(sub_key(key, variant)), rows)
    made.setflags(write=False)
    return made
