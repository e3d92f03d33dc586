"""Paired bootstrap of differences in buckets: counts, limits and intervals, all integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import MonteCarlo
from quantlaxmi.stats.block_length import block_length
from quantlaxmi.stats.histogram import standardised
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums

__all__ = ["Bootstrap", "resample"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Sums of one or more series, resampled in the same orders.

    Attributes
    ----------
    own : tuple of int
        Observed sums.
    sums : list of list of int
        For each series, one sum a draw.
    block : int
        Mean block length in millionths of a bucket.
    extended : bool
        Whether the number of draws grew because the interval of b/m contains the level.
    """

    own: tuple[int, ...]
    sums: list[list[int]]
    block: int
    extended: bool = False

    def count(self, k: int) -> MonteCarlo:
        """Draws at least as far above the observed sum as the observed sum is above 0."""
        reach = 2 * self.own[k]
        found = sum(s >= reach for s in self.sums[k])
        deviations = [s - self.own[k] for s in self.sums[k]]
        null = standardised(deviations, self.own[k])
        return MonteCarlo(found, len(self.sums[k]), extended=self.extended, histogram=null)

    def lower_limit(self, k: int, level: Fraction) -> int | None:
        """One-sided lower limit of the sum's expectation; it is above 0 exactly when p <= `level`.

        None where there are too few draws.
        """
        beyond = int(level * (len(self.sums[k]) + 1))
        if beyond < 1:
            return None
        return 2 * self.own[k] - sorted(self.sums[k])[-beyond]

    def interval(self, k: int, level: Fraction) -> tuple[int, int] | None:
        """Two-sided limits, half of `level` outside on either side."""
        beyond = int(level / 2 * (len(self.sums[k]) + 1))
        if beyond < 1:
            return None
        ranked = sorted(self.sums[k])
        return 2 * self.own[k] - ranked[-beyond], 2 * self.own[k] - ranked[beyond - 1]


def resample(
    context: GateContext,
    stream: str,
    series: Sequence[Sequence[int]],
    draws: int,
    *,
    grow: bool,
) -> Bootstrap:
    """Resample series together by the stationary bootstrap.

    Parameters
    ----------
    context : GateContext
    stream : str
        Name of the random stream.
    series : sequence of sequences of int
        All of one length. Blocks have the length that the most dependent series needs.
    draws : int
    grow : bool
        Whether the draws grow once by `extend_factor` where the interval of b/m of the first
        series contains alpha.

    Returns
    -------
    Bootstrap
    """
    block = max(block_length(s).stationary for s in series)
    own = tuple(sum(s) for s in series)
    key, m = context.key(stream), draws
    sums = bootstrap_sums(series, block, m, key, threads=context.threads)
    found = Bootstrap(own, sums, block)
    factor = context.policy.extend_factor
    if not grow or factor == 1:
        return found
    lower, upper = found.count(0).interval()
    if not lower <= context.policy.alpha <= upper:
        return found
    more = bootstrap_sums(series, block, m * (factor - 1), key, first=m, threads=context.threads)
    grown = [a + b for a, b in zip(sums, more, strict=True)]
    return Bootstrap(own, grown, block, extended=True)
