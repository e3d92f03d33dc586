"""Running a sweep: draws in batches of bounded memory, counted in draw order, grown or stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.checkpoint import CountLimits, DrawCounts, Stage
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import Json, MonteCarlo, rounded, studentised
from quantlaxmi.parallel.pace import Pace
from quantlaxmi.schema import U64
from quantlaxmi.stats.arrangements import Arrangements
from quantlaxmi.stats.exact_permutation import exact_permutation_p
from quantlaxmi.stats.histogram import BINS, Histogram, bin_of, bins_of
from quantlaxmi.stats.monte_carlo import exceedances

__all__ = [
    "BATCH",
    "Binning",
    "DrawRule",
    "SweepFailed",
    "check_identity",
    "count_draws",
    "count_text",
    "exact_p",
    "studentised_binning",
    "sum_details",
]

#: Draws computed at a time: 6.4 MB of sums.
BATCH = 100_000
#: Draws of the first batch, and of the smallest that follows (see `parallel.pace`).
FIRST_DRAWS: Final = 256
LEAST_DRAWS: Final = 32
#: The same where a draw is dear.
LEAST_DEAR: Final = 4

Sweep = Callable[[int, U64], None]


class SweepFailed(Exception):
    """A draw cannot be made.

    Parameters
    ----------
    filled : int
        Rows of ``out`` that hold the draws before it.
    reason : str
        Why, as a sentence.
    """

    def __init__(self, filled: int, reason: str) -> None:
        super().__init__(reason)
        self.filled, self.reason = filled, reason


@dataclass(frozen=True, slots=True)
class Binning:
    """How the histogram of one statistic is made.

    Attributes
    ----------
    own_bin : int
        Bin of the strategy's own statistic.
    of : callable
        ``of(out)`` is the bin of every draw of a batch.
    """

    own_bin: int
    of: Callable[[U64], npt.NDArray[np.int64]]


def studentised_binning(k: int, s: int, q: int) -> Binning:
    """Bins of the studentised sum in columns 4k to 4k + 3 of a draw.

    Parameters
    ----------
    k : int
    s, q : int
        Sum and sum of squares of the strategy.
    """
    return Binning(bin_of(s, q), lambda out: bins_of(out[:, 4 * k : 4 * k + 4]))


@dataclass(frozen=True, slots=True)
class DrawRule:
    """Which draws count, when drawing stops, and how many draws a batch has.

    Attributes
    ----------
    stages : tuple of Stage
        Drawing ends with the first, but where it did not stop and the interval of b/m contains
        the level it goes on to the second. Empty: the number asked for, then `extend_factor` times
        as many, without stopping.
    batch : int
        Draws asked of the sweep at a time, at most: a batch takes about a tenth of a second.
    tries : int
        Where not 0, a draw counts only where the last statistic is at least the strategy's, and at
        most `tries` draws are made for each one wanted.
    binnings : sequence of Binning or None
        For the first statistics, one each; None: every statistic is studentised.
    decided : callable or None
        ``decided(out)`` says for each statistic which draws of a batch reach the strategy, where
        the sweep has compared them; None: they are compared here.
    """

    stages: tuple[Stage, ...] = ()
    batch: int = BATCH
    tries: int = 0
    binnings: Sequence[Binning] | None = None
    decided: Callable[[U64], Sequence[Sequence[bool]]] | None = None


class _Counts:
    """Counts of the draws so far, in draw order."""

    def __init__(self, own: Sequence[tuple[int, int]], rule: DrawRule, stage: Stage) -> None:
        self.own, self.rule, self.stage = own, rule, stage
        self.binnings = rule.binnings
        if self.binnings is None:
            self.binnings = [studentised_binning(k, s, q) for k, (s, q) in enumerate(own)]
        self.picked = rule.tries > 0
        self.done, self.stopped = 0, False
        self.found = [0] * len(own)
        self.bins = [np.zeros(BINS, np.int64) for _ in self.binnings]

    @property
    def counted(self) -> int:
        """Draws that count: where they are picked, those the last statistic names."""
        return self.found[-1] if self.picked else self.done

    @property
    def most(self) -> int:
        """Draws that are made at most in this stage."""
        return max(self.rule.tries, 1) * self.stage.draws

    @property
    def expected(self) -> int:
        """Draws that are still to be made, were those to come as those before; at least 1."""
        left = float(self.stage.draws - self.counted)
        if self.done:
            left *= self.done / (self.counted or 1)
            missing = self.stage.stop_after - self.found[0]
            if self.stage.stop_after and self.found[0]:
                left = min(left, missing * self.done / self.found[0])
        return max(1, math.ceil(left))

    def go_on(self, kept: DrawCounts) -> None:
        """Take up counts that were kept."""
        self.done, self.found, self.stopped = kept.done, list(kept.found), kept.stopped
        self.bins = [np.array(one, np.int64) for one in kept.bins]

    def keep(self) -> DrawCounts:
        """The counts, to be kept."""
        bins = tuple(tuple(one.tolist()) for one in self.bins)
        return DrawCounts(self.done, tuple(self.found), self.stopped, bins)

    def results(self, extended: bool) -> list[MonteCarlo]:
        """One result for each statistic."""
        made: list[Histogram | None] = [
            Histogram(tuple(one.tolist()), binning.own_bin)
            for one, binning in zip(self.bins, self.binnings or (), strict=True)
        ]
        made += [None] * (len(self.found) - len(made))
        # The first statistic is of the draws that count; the others are of all that were made.
        counted = [self.counted, *[self.done] * (len(self.found) - 1)]
        return [
            MonteCarlo(b, m, self.stopped, extended, histogram=histogram)
            for b, m, histogram in zip(self.found, counted, made, strict=True)
        ]

    def _hits(self, out: U64) -> Sequence[Sequence[bool]]:
        """For each statistic, which draws of a batch reach the strategy."""
        if self.rule.decided is not None:
            return self.rule.decided(out)
        return [exceedances(out[:, 4 * k : 4 * k + 4], s, q) for k, (s, q) in enumerate(self.own)]

    def add(self, out: U64) -> None:
        """Count a batch, up to the draw at which drawing stops."""
        hits = self._hits(out)
        used = len(out)
        missing, free = self.stage.stop_after - self.found[0], self.stage.draws - self.counted
        for i, hit in enumerate(hits[0]):
            missing -= hit
            free -= hits[-1][i] if self.picked else 1
            if self.stage.stop_after and missing == 0:
                used, self.stopped = i + 1, True
                break
            if free == 0:
                used = i + 1
                break
        self.found = [b + sum(h[:used]) for b, h in zip(self.found, hits, strict=True)]
        self.done += used
        counting = out[:used]
        if self.picked:
            counting = counting[np.array(hits[-1][:used], bool)]
        for one, binning in zip(self.bins, self.binnings or (), strict=True):
            one += np.bincount(binning.of(counting), minlength=BINS)


def count_draws(
    context: GateContext,
    gate: str,
    draws: int,
    width: int,
    sweep: Sweep,
    own: Sequence[tuple[int, int]],
    rule: DrawRule | None = None,
) -> list[MonteCarlo]:
    """Count the draws at least as large as the strategy, for one or more statistics.

    The first statistic decides how long to draw: a first stage, and a second where the interval of
    b/m contains alpha and drawing did not stop. Later draws go on where the first ones ended.
    Draws are counted and binned in their order, so the counts do not depend on batches or threads,
    nor on an interruption: with a checkpoint in `context`, counting goes on where it was left.

    Parameters
    ----------
    context : GateContext
    gate : str
        Named in progress and in the checkpoint.
    draws : int
    width : int
        uint64 columns of a draw.
    sweep : callable
        ``sweep(first, out)`` fills ``out`` with draws first, first + 1, ...
    own : sequence of (int, int)
        S and Q of the strategy; statistic k stands in columns 4k to 4k + 3, unless the rule says
        what the sweep has decided.
    rule : DrawRule, optional
        By default all draws count, and drawing does not stop.

    Returns
    -------
    list of MonteCarlo
        One for each statistic, with the histogram of its draws.

    Raises
    ------
    SweepFailed
        That of `sweep`, unless drawing stopped at a draw before the one that failed.
    """
    rule = rule or DrawRule()
    factor = context.policy.extend_factor
    stages = rule.stages or (Stage(draws), Stage(draws * factor))[: 1 if factor == 1 else 2]
    counts = _Counts(own, rule, stages[0])
    if context.checkpoint is not None:
        limits = CountLimits(
            len(own), len(counts.bins), stages, max(rule.tries, 1), picked=counts.picked
        )
        kept = context.checkpoint.load(gate, limits)
        if kept is not None:
            counts.go_on(kept)
    while True:
        extended = counts.stage is not stages[0]
        if extended or not (counts.counted > counts.stage.draws or counts.done > counts.most):
            _draw(context, gate, width, sweep, counts)
            made = counts.results(extended)
            if counts.stopped or counts.stage is stages[-1]:
                return made
            if not made[0].draws:  # of all tries none counts, so no interval could decide
                return made
            lower, upper = made[0].interval()
            if not lower <= context.policy.alpha <= upper:
                return made
        counts.stage = stages[-1]


def _draw(context: GateContext, gate: str, width: int, sweep: Sweep, counts: _Counts) -> None:
    """Make batches until enough draws count, no more are allowed, or drawing stops."""
    wanted, most = counts.stage.draws, counts.most

    def report_progress() -> None:
        done = max(counts.counted, counts.done * wanted // most)
        context.report_progress(gate, min(done, wanted), wanted)

    report_progress()
    # Gates that choose a small batch have measured it.
    first = min(counts.rule.batch, FIRST_DRAWS)
    pace = Pace(first, counts.rule.batch, least=min(first, LEAST_DRAWS))
    dear = counts.rule.batch <= FIRST_DRAWS
    if dear:
        pace = Pace(first, first, least=first)
    while counts.counted < wanted and counts.done < most and not counts.stopped:
        size = min(pace.size, most - counts.done)
        if dear and counts.done:  # draws behind the last one that is needed are made in vain
            size = min(size, max(counts.expected, LEAST_DEAR))
        out = np.empty((size, width), np.uint64)
        try:
            with pace:
                sweep(counts.done, out)
        except SweepFailed as failed:
            counts.add(out[: failed.filled])
            if counts.counted < wanted and not counts.stopped:
                raise
        else:
            counts.add(out)
        if context.checkpoint is not None:
            context.checkpoint.save(gate, counts.keep())
        report_progress()


def exact_p(count: MonteCarlo, arrangements: Arrangements) -> dict[str, Json]:
    """The exact p for a gate's details, where the arrangements are known and the draws fixed.

    It is shown next to (b + 1)/(m + 1) and decides nothing.
    """
    if arrangements.exact is None or count.stopped:
        return {}
    p = exact_permutation_p(count.exceedances, count.draws, arrangements.exact)
    return {"exact_permutation_p": rounded(p)}


def count_text(count: MonteCarlo, null: str) -> str:
    """``736 of 10000 random entries``, and whether the draws were grown or stopped.

    Parameters
    ----------
    count : MonteCarlo
    null : str
        What was drawn: ``"random entries"``.
    """
    how = " (stopped there)" if count.stopped else " (grown)" if count.extended else ""
    return f"{count.exceedances} of {count.draws} {null}{how}"


def check_identity(context: GateContext, gate: str, gross: int) -> None:
    """Compare the gross of the strategy's own draw with the replay's, to the last unit.

    Raises
    ------
    EngineError
        When they differ.
    """
    if gross != context.path.gross:
        raise EngineError(
            f"the identity draw of {gate} gave gross {gross}, the replay {context.path.gross}"
        )


def sum_details(s: int, q: int) -> dict[str, Json]:
    """The statistic of the strategy and the integers it is made of."""
    return {"statistic": studentised(s, q), "sum": str(s), "sum_of_squares": str(q)}
