"""Running a sweep: draws in batches of bounded memory, counted in draw order, grown or stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.checkpoint import DrawCounts
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import Json, MonteCarlo, rounded, studentised
from quantlaxmi.stats.arrangements import Arrangements
from quantlaxmi.stats.exact_permutation import exact_permutation_p
from quantlaxmi.stats.monte_carlo import exceedances

__all__ = [
    "BATCH",
    "SweepFailed",
    "check_identity",
    "count_draws",
    "count_text",
    "exact_p",
    "sum_details",
]

#: Draws computed at a time: 6.4 MB of sums.
BATCH = 100_000

Sweep = Callable[[int, npt.NDArray[np.uint64]], None]


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


@dataclass(slots=True)
class _Counts:
    """Counts of the draws so far, in draw order."""

    own: list[tuple[int, int]]
    stop_after: int
    found: list[int]
    picked: bool
    wanted: int
    done: int = 0
    stopped: bool = False

    @property
    def counted(self) -> int:
        """Draws that count: where they are picked, those the last statistic names."""
        return self.found[-1] if self.picked else self.done

    def add(self, out: npt.NDArray[np.uint64]) -> None:
        """Count a batch, up to the draw at which drawing stops."""
        hits = [exceedances(out[:, 4 * k : 4 * k + 4], s, q) for k, (s, q) in enumerate(self.own)]
        used = len(out)
        missing, free = self.stop_after - self.found[0], self.wanted - self.counted
        for i, hit in enumerate(hits[0]):
            missing -= hit
            free -= hits[-1][i] if self.picked else 1
            if self.stop_after and missing == 0:
                used, self.stopped = i + 1, True
                break
            if free == 0:
                used = i + 1
                break
        self.found = [b + sum(h[:used]) for b, h in zip(self.found, hits, strict=True)]
        self.done += used


def count_draws(
    context: GateContext,
    gate: str,
    draws: int,
    width: int,
    sweep: Sweep,
    own: list[tuple[int, int]],
    *,
    stop_after: int = 0,
    batch: int = BATCH,
    tries: int = 0,
    told: int = 0,
) -> list[MonteCarlo]:
    """Count the draws at least as large as the strategy, for one or more statistics.

    The first statistic decides how long to draw. With a fixed number, draws grow once, tenfold by
    default, where the interval of b/m holds alpha; later draws go on where the first ones ended.
    With `stop_after`, drawing stops at that exceedance (Besag and Clifford) and never grows.
    Draws are counted in their order, so the counts do not depend on batches or threads, nor on
    an interruption: with a checkpoint in `context`, counting goes on where it was left.

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
    own : list of (int, int)
        S and Q of the strategy; statistic k stands in columns 4k to 4k + 3.
    stop_after : int
        Exceedances of the first statistic at which drawing stops; 0 for never.
    batch : int
        Draws asked of `sweep` at a time.
    tries : int
        Where not 0, a draw counts only where the last statistic is at least the strategy's, and
        at most so many times `draws` are made to have `draws` that count.
    told : int
        Draws of which progress was told before.

    Returns
    -------
    list of MonteCarlo

    Raises
    ------
    SweepFailed
        That of `sweep`, unless drawing stopped at a draw before the one that failed.
    """
    counts = _Counts(own, stop_after, [0] * len(own), tries > 0, draws)
    most, extended = max(tries, 1) * draws, False
    if context.checkpoint is not None:
        grown = most if stop_after else most * context.policy.extend_factor
        kept = context.checkpoint.load(gate, len(own), grown, stop_after)
        if kept is not None:
            counts.done, counts.found, counts.stopped = kept.done, list(kept.found), kept.stopped
            extended = kept.done > most or counts.counted > draws

    def report_progress() -> None:
        done = max(counts.counted, counts.done * counts.wanted // most, told)
        context.report_progress(gate, min(done, counts.wanted), counts.wanted)

    while True:
        if extended:
            counts.wanted, most = (n * context.policy.extend_factor for n in (counts.wanted, most))
        report_progress()
        while counts.counted < counts.wanted and counts.done < most and not counts.stopped:
            out = np.empty((min(batch, most - counts.done), width), np.uint64)
            try:
                sweep(counts.done, out)
            except SweepFailed as failed:
                counts.add(out[: failed.filled])
                if counts.counted < counts.wanted and not counts.stopped:
                    raise
            else:
                counts.add(out)
            if context.checkpoint is not None:
                context.checkpoint.save(
                    gate, DrawCounts(counts.done, tuple(counts.found), counts.stopped)
                )
            report_progress()
        made = [MonteCarlo(b, counts.counted, counts.stopped, extended) for b in counts.found]
        if stop_after or extended or context.policy.extend_factor == 1:
            return made
        lower, upper = made[0].interval()
        if not lower <= context.policy.alpha <= upper:
            return made
        extended = True


def exact_p(count: MonteCarlo, arrangements: Arrangements) -> dict[str, Json]:
    """The exact p for a gate's details, where the arrangements are known and the draws fixed.

    It is shown beside (b + 1)/(m + 1) and decides nothing.
    """
    if arrangements.exact is None or count.stopped:
        return {}
    p = exact_permutation_p(count.exceedances, count.draws, arrangements.exact)
    return {"exact_permutation_p": rounded(p)}


def count_text(context: GateContext, count: MonteCarlo, null: str) -> str:
    """``0.0737 (736 of 10000 random entries did at least as well)``.

    Parameters
    ----------
    context : GateContext
    count : MonteCarlo
    null : str
        What was drawn: ``"random entries"``.
    """
    how = ""
    if count.extended:
        how = f", grown from {count.draws // context.policy.extend_factor}"
    if count.stopped:
        how = f", stopped at exceedance {count.exceedances}"
    return (
        f"{float(count.p_value):.6g} ({count.exceedances} of {count.draws} {null} did at "
        f"least as well{how})"
    )


def check_identity(context: GateContext, gate: str, gross: int) -> None:
    """Hold the strategy's own draw to the replay's gross, to the last unit.

    Raises
    ------
    EngineError
    """
    if gross != context.path.gross:
        raise EngineError(
            f"the identity draw of {gate} gave gross {gross}, the replay {context.path.gross}"
        )


def sum_details(s: int, q: int) -> dict[str, Json]:
    """The statistic of the strategy and the integers it is made of."""
    return {"statistic": studentised(s, q), "sum": str(s), "sum_of_squares": str(q)}
