"""Running a sweep: draws in batches of bounded memory, counted in draw order, grown or stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.checkpoint import Progress
from quantlaxmi.gates.inputs import GateInput
from quantlaxmi.gates.results import Json, MonteCarlo, shown, studentised
from quantlaxmi.gates.stats.arrangements import Arrangements
from quantlaxmi.gates.stats.exact_permutation import exact_permutation_p
from quantlaxmi.gates.stats.monte_carlo import exceedances

__all__ = [
    "BATCH",
    "count_draws",
    "count_text",
    "exact_p",
    "hold_identity",
    "sum_details",
]

#: Draws computed at a time: 6.4 MB of sums.
BATCH = 100_000

Sweep = Callable[[int, npt.NDArray[np.uint64]], None]


@dataclass(slots=True)
class _Counts:
    """Counts of the draws so far, in draw order."""

    own: list[tuple[int, int]]
    stop_after: int
    found: list[int]
    done: int = 0
    stopped: bool = False

    def add(self, out: npt.NDArray[np.uint64]) -> None:
        """Count a batch, up to the draw at which drawing stops."""
        hits = [exceedances(out[:, 4 * k : 4 * k + 4], s, q) for k, (s, q) in enumerate(self.own)]
        used = len(out)
        if self.stop_after:
            missing = self.stop_after - self.found[0]
            for i, hit in enumerate(hits[0]):
                missing -= hit
                if missing == 0:
                    used, self.stopped = i + 1, True
                    break
        self.found = [b + sum(h[:used]) for b, h in zip(self.found, hits, strict=True)]
        self.done += used


def count_draws(
    inp: GateInput,
    gate: str,
    draws: int,
    width: int,
    sweep: Sweep,
    own: list[tuple[int, int]],
    *,
    stop_after: int = 0,
    batch: int = BATCH,
) -> list[MonteCarlo]:
    """Count the draws at least as large as the strategy, for one or more statistics.

    The first statistic decides how long to draw. With a fixed number, draws grow once, tenfold by
    default, where the interval of b/m holds alpha; later draws go on where the first ones ended.
    With `stop_after`, drawing stops at that exceedance (Besag and Clifford) and never grows.
    Draws are counted in their order, so the counts do not depend on batches or threads, nor on
    an interruption: with a checkpoint in `inp`, counting goes on where it was left.

    Parameters
    ----------
    inp : GateInput
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

    Returns
    -------
    list of MonteCarlo
    """
    counts = _Counts(own, stop_after, [0] * len(own))
    total, extended = draws, False
    grown = draws * inp.policy.extend_factor
    if inp.checkpoint is not None:
        kept = inp.checkpoint.load(gate, len(own), draws if stop_after else grown, stop_after)
        if kept is not None:
            counts.done, counts.found, counts.stopped = kept.done, list(kept.found), kept.stopped
            extended = kept.done > draws
            total = grown if extended else draws
    inp.tell(gate, counts.done, total)
    while True:
        while counts.done < total and not counts.stopped:
            out = np.empty((min(batch, total - counts.done), width), np.uint64)
            sweep(counts.done, out)
            counts.add(out)
            if inp.checkpoint is not None:
                inp.checkpoint.save(
                    gate, Progress(counts.done, tuple(counts.found), counts.stopped)
                )
            inp.tell(gate, counts.done, total)
        made = [MonteCarlo(b, counts.done, counts.stopped, extended) for b in counts.found]
        if stop_after or extended or inp.policy.extend_factor == 1:
            return made
        lower, upper = made[0].interval()
        if not lower <= inp.policy.alpha <= upper:
            return made
        total, extended = grown, True


def exact_p(count: MonteCarlo, arrangements: Arrangements) -> dict[str, Json]:
    """The exact p for a gate's details, where the arrangements are known and the draws fixed.

    It is shown beside (b + 1)/(m + 1) and decides nothing.
    """
    if arrangements.exact is None or count.stopped:
        return {}
    p = exact_permutation_p(count.exceedances, count.draws, arrangements.exact)
    return {"exact_permutation_p": shown(p)}


def count_text(inp: GateInput, count: MonteCarlo, null: str) -> str:
    """``0.0737 (736 of 10000 random entries did at least as well)``.

    Parameters
    ----------
    inp : GateInput
    count : MonteCarlo
    null : str
        What was drawn: ``"random entries"``.
    """
    how = ""
    if count.extended:
        how = f", grown from {count.draws // inp.policy.extend_factor}"
    if count.stopped:
        how = f", stopped at exceedance {count.exceedances}"
    return (
        f"{float(count.p_value):.6g} ({count.exceedances} of {count.draws} {null} did at "
        f"least as well{how})"
    )


def hold_identity(inp: GateInput, gate: str, gross: int) -> None:
    """Hold the strategy's own draw to the replay's gross, to the last unit.

    Raises
    ------
    EngineError
    """
    if gross != inp.path.gross:
        raise EngineError(
            f"the identity draw of {gate} gave gross {gross}, the replay {inp.path.gross}"
        )


def sum_details(s: int, q: int) -> dict[str, Json]:
    """The statistic of the strategy and the integers it is made of."""
    return {"statistic": studentised(s, q), "sum": str(s), "sum_of_squares": str(q)}
