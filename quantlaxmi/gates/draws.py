"""Running a sweep: draws in batches of bounded memory, counted in draw order, grown once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.inputs import GateInput
from quantlaxmi.gates.results import MonteCarlo, Verdict
from quantlaxmi.gates.stats.monte_carlo import count_exceedances

__all__ = ["count_draws", "verdict_of"]

#: Draws computed at a time: 6.4 MB of sums.
BATCH = 100_000

Sweep = Callable[[int, npt.NDArray[np.uint64]], None]


def count_draws(
    inp: GateInput,
    gate: str,
    draws: int,
    width: int,
    sweep: Sweep,
    own: list[tuple[int, int]],
) -> list[MonteCarlo]:
    """Count the draws at least as large as the strategy, for one or more statistics.

    The first statistic decides whether the number of draws grows: once, tenfold by default,
    where the interval of b/m holds alpha. Later draws go on where the first ones ended.

    Parameters
    ----------
    inp : GateInput
    gate : str
        Named in progress.
    draws : int
    width : int
        uint64 columns of a draw.
    sweep : callable
        ``sweep(first, out)`` fills ``out`` with draws first, first + 1, ...
    own : list of (int, int)
        S and Q of the strategy; statistic k stands in columns 4k to 4k + 3.

    Returns
    -------
    list of MonteCarlo
    """
    found = [0] * len(own)
    done, total, extended = 0, draws, False
    while True:
        while done < total:
            out = np.empty((min(BATCH, total - done), width), np.uint64)
            sweep(done, out)
            for k, (s, q) in enumerate(own):
                found[k] += count_exceedances(out[:, 4 * k : 4 * k + 4], s, q)
            done += len(out)
            inp.tell(gate, done, total)
        counts = [MonteCarlo(b, done, extended=extended) for b in found]
        lower, upper = counts[0].interval()
        if extended or inp.policy.extend_factor == 1 or not lower <= inp.policy.alpha <= upper:
            return counts
        total, extended = draws * inp.policy.extend_factor, True


def verdict_of(inp: GateInput, count: MonteCarlo, null: str) -> tuple[Verdict, str]:
    """PASS where p is at most alpha, with the sentence that says so.

    Parameters
    ----------
    inp : GateInput
    count : MonteCarlo
    null : str
        What was drawn, for the sentence: ``"random entries"``.
    """
    passed = count.p_value <= inp.policy.level
    grown = f", grown from {count.draws // inp.policy.extend_factor}" if count.extended else ""
    return (
        Verdict.PASS if passed else Verdict.FAIL,
        f"p = {float(count.p_value):.6g} ({count.exceedances} of {count.draws} {null} did at "
        f"least as well{grown}), the limit is {inp.policy.alpha}.",
    )
