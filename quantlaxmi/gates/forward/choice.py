"""The choice of a setting in training: the largest studentised net of what had ended by then."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantlaxmi.gates.forward.folds import Fold
from quantlaxmi.run.grid_runs import GridRuns
from quantlaxmi.stats.monte_carlo import studentised_at_least

__all__ = ["Choice", "Purge", "Trained", "best_of", "purge_of"]


@dataclass(frozen=True, slots=True)
class Purge:
    """What is left out of training before a test begins.

    Attributes
    ----------
    ns : int
        Its length.
    longest_ns : int
        The longest holding in training, from decision to decision.
    """

    ns: int
    longest_ns: int

    @property
    def capped(self) -> bool:
        """Whether the cap shortened it."""
        return self.ns < self.longest_ns


def purge_of(grid: GridRuns, fold: Fold, cap: Fraction) -> Purge:
    """The longest decided holding among round trips closed in training, at most a share of it.

    Parameters
    ----------
    grid : GridRuns
        Of all settings, because all are compared on the same buckets.
    fold : Fold
    cap : Fraction
        Largest purge, as a share of the train window.
    """
    longest = 0
    for run in grid.runs:
        opened, closed, filled = run.trips
        inside = (filled >= fold.train_begin_ns) & (filled < fold.test_begin_ns)
        if inside.any():
            longest = max(longest, int((closed - opened)[inside].max()))
    most = fold.train_ns * cap.numerator // cap.denominator
    return Purge(min(longest, most), longest)


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting with what it earned in training.

    Attributes
    ----------
    index : int
        Its place in the grid's runs.
    buckets : int
        Buckets of training.
    total, squares : int
        Sum of their net, and of its squares.
    trips : int
        Round trips closed in them.
    """

    index: int
    buckets: int
    total: int
    squares: int
    trips: int

    @property
    def ranks(self) -> bool:
        """Whether it has variance and trips; without them it ranks last."""
        return self.trips > 0 and self.buckets * self.squares != self.total * self.total


class Trained:
    """Sums of every setting's buckets, from which those of any training follow.

    Parameters
    ----------
    grid : GridRuns
    first_ns : int
        Time of the first message.
    """

    def __init__(self, grid: GridRuns, first_ns: int) -> None:
        self._grid = grid
        self._ends: list[int] = grid.ends.tolist()
        # A bucket's begin is the end of the one before; the first has the first stamp in it.
        self._begins = [first_ns - 1, *self._ends[:-1]]
        self._sums: list[tuple[list[int], list[int]]] = []
        for run in grid.runs:
            net = run.net
            totals = list(itertools.accumulate(net, initial=0))
            squares = list(itertools.accumulate((e * e for e in net), initial=0))
            self._sums.append((totals, squares))

    def choices(self, begin_ns: int, cut_ns: int) -> list[Choice]:
        """Every setting in the buckets that began at a time or later and ended before another.

        Parameters
        ----------
        begin_ns, cut_ns : int
        """
        low = bisect.bisect_left(self._begins, begin_ns - 1)
        high = max(low, bisect.bisect_left(self._ends, cut_ns))
        found = []
        for index, ((totals, squares), run) in enumerate(
            zip(self._sums, self._grid.runs, strict=True)
        ):
            filled = run.trips[2]
            trips = int(np.count_nonzero((filled >= begin_ns) & (filled < cut_ns)))
            total, square = totals[high] - totals[low], squares[high] - squares[low]
            found.append(Choice(index, high - low, total, square, trips))
        return found


def best_of(choices: Sequence[Choice], hashes: Sequence[bytes]) -> Choice | None:
    """The choice of the largest statistic, of equal ones that of the smaller hash.

    Parameters
    ----------
    choices : sequence of Choice
    hashes : sequence of bytes
        Config hash of every setting.

    Returns
    -------
    Choice or None
        None where no setting has both variance and trips.
    """
    best: Choice | None = None
    for one in choices:
        if not one.ranks:
            continue
        if best is None or _above(one, best, hashes):
            best = one
    return best


def _above(one: Choice, best: Choice, hashes: Sequence[bytes]) -> bool:
    sums = (one.total, one.squares, best.total, best.squares)
    if not studentised_at_least(*sums):
        return False
    equal = studentised_at_least(*sums[2:], *sums[:2])
    return not equal or hashes[one.index] < hashes[best.index]
