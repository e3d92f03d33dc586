"""How long a position path remembers itself: its integrated autocorrelation time, exactly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from quantlaxmi.schema import I64

__all__ = ["WINDOW_FACTOR", "decorrelation_steps", "distinct_rotations"]

#: The window must be this many decorrelation times long.
WINDOW_FACTOR = 5


class _Path:
    """One coordinate of a circular path, constant between edges; its sums over windows.

    P(t) is the sum of the path before t, G(t) the sum of P before t. Both are known at the edges
    of three turns of the circle, and are linear and quadratic in between.
    """

    def __init__(self, edges: I64, values: Sequence[int]) -> None:
        self.n = int(edges[-1])
        peak = max((abs(v) for v in values), default=0)
        # 9 n^2 peak bounds G, and 2 n^2 peak^2 the sums below.
        kind = np.int64 if 9 * self.n**2 * max(peak, 1) ** 2 < 2**62 else object
        own = np.array([int(v) for v in values], dtype=kind)
        lengths = np.diff(edges)
        self.x: npt.NDArray[np.int64] = own
        self.start, self.stop = edges[:-1] + self.n, edges[1:] + self.n
        self.total = int((own * lengths).sum())
        self.squares = int((own * own * lengths).sum())
        self._edges = np.concatenate([edges[:-1] + k * self.n for k in range(3)])
        self._x, steps = np.tile(own, 3), np.tile(lengths, 3)
        self._p = _before(self._x * steps)
        self._g = _before(self._p * steps + self._x * (steps * (steps - 1) // 2))

    def _g_at(self, t: I64) -> npt.NDArray[np.int64]:
        k = np.searchsorted(self._edges, t, "right") - 1
        d = t - self._edges[k]
        found: npt.NDArray[np.int64] = self._g[k] + self._p[k] * d + self._x[k] * (d * (d - 1) // 2)
        return found

    def near(self, window: int) -> int:
        """Sum over all pairs of steps at most `window` apart on the circle, of both values."""
        upper = self._g_at(self.stop + window + 1) - self._g_at(self.start + window + 1)
        lower = self._g_at(self.stop - window) - self._g_at(self.start - window)
        return int((self.x * (upper - lower)).sum())


def _before(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    sums: npt.NDArray[np.int64] = np.cumsum(values) - values
    return sums


def decorrelation_steps(
    edges: I64, values: Sequence[Sequence[int]], weights: Sequence[int]
) -> Fraction | None:
    """Integrated autocorrelation time of a path that is constant between edges.

    tau(W) = 1 + 2 * sum of the autocorrelations at lags 1..W, of the path on its circle with its
    mean taken out. W doubles from 1 to the first W >= 5 tau(W), or as far as the circle goes, and
    the largest tau(W) on the way is returned, so that a path which swings back is not taken for a
    short memory. Of several coordinates the autocovariances are added with the weights. All sums
    are integers.

    Parameters
    ----------
    edges : ndarray of int64, shape (m + 1,)
        From 0 to the number of steps, ascending.
    values : sequence of sequence of int
        For each coordinate the m values between the edges.
    weights : sequence of int
        One a coordinate, above 0.

    Returns
    -------
    Fraction or None
        Steps, at least 1; None for a path that never changes.

    References
    ----------
    von Storch, Zwiers (1999), Statistical analysis in climate research, sec. 17.1, for the
    decorrelation time; Madras, Sokal (1988), The pivot algorithm, J. Stat. Phys. 50, appendix C,
    and Sokal (1997), Monte Carlo methods in statistical mechanics, sec. 3, for the automatic
    window with c = 5.
    """
    paths = [_Path(edges, v) for v in values]
    n = int(edges[-1])
    pairs = list(zip(paths, weights, strict=True))
    variance = sum(w * (n * p.squares - p.total**2) for p, w in pairs)
    if variance == 0:
        return None
    longest, window = Fraction(1), 1
    while window <= (n - 1) // 2:
        near = sum(w * (n * p.near(window) - (2 * window + 1) * p.total**2) for p, w in pairs)
        tau = Fraction(near, variance)
        longest = max(longest, tau)
        if window >= WINDOW_FACTOR * tau:
            break
        window *= 2
    return longest


def distinct_rotations(keys: Sequence[Hashable], lengths: Sequence[int]) -> int:
    """Number of different rotations of a circular path, given as runs.

    Parameters
    ----------
    keys : sequence of hashable
        What is held in each run; neighbours differ, the last and the first may be equal.
    lengths : sequence of int
        Steps of each run, above 0.

    References
    ----------
    Knuth, Morris, Pratt (1977), Fast pattern matching in strings: the smallest period of a word.
    """
    runs = list(zip(keys, lengths, strict=True))
    if len(runs) > 1 and runs[0][0] == runs[-1][0]:
        runs = [(runs[0][0], runs[0][1] + runs[-1][1]), *runs[1:-1]]
    if len(runs) < 2:
        return min(len(runs), 1)
    border = [0] * (len(runs) + 1)
    k = 0
    for i in range(1, len(runs)):
        while k and runs[i] != runs[k]:
            k = border[k]
        k += runs[i] == runs[k]
        border[i + 1] = k
    period = len(runs) - border[-1]
    repeats = len(runs) // period if len(runs) % period == 0 else 1
    return sum(lengths) // repeats
