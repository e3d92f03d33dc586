"""Simpler tests, to show their false-pass rates; no gate uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from quantlaxmi.calibrate.random_streams import words
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates import random_entry
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.observation import path_of
from quantlaxmi.gates.path.columns import build_columns
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.path.trip_gross import trip_gross
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.result import Run
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.stats.monte_carlo import exceedances, studentised_at_least, wide_ints

__all__ = ["NAIVE", "NaiveTest"]

#: Increments that stay together where blocks of them are permuted.
BLOCK = 50


def _passes(exceedances: int, draws: int) -> str:
    return "P" if 20 * (exceedances + 1) <= draws + 1 else "F"


def _input(run: Run, settings: Settings, *, net: bool = False) -> GateContext:
    policy = settings.policy(net=net)
    return G2AntiOverfitSuite.from_run(run, policy=policy, seed=settings.seed, threads=1).context


def row_shuffling(run: Run, settings: Settings, key: int) -> str:
    """Shuffle the positions row by row, inside the blocks of the label permutation."""
    from quantlaxmi._jit import permutation as kernels
    from quantlaxmi._jit.compiler import running

    context = _input(run, settings)
    block, _ = permutation._blocks(context)
    spans = permutation.cut_spans(context.path.changes, block)
    columns = build_columns(context.decision_points, spans.positions)
    rows = int(spans.length.sum())
    ends = np.append(spans.block_row[1:], rows)
    arrays = (
        kernels.Bundles(*columns.arrays),
        kernels.Spans(
            np.append(0, np.cumsum(ends - spans.block_row)),
            spans.block_row,
            np.ones(rows, np.int64),
            np.repeat(spans.position, spans.length),
        ),
    )
    own, out = np.zeros(4, np.uint64), np.empty((settings.draws, 4), np.uint64)
    with running(1):
        kernels.identity(*arrays, own)
        kernels.shuffled(np.uint64(key), 0, *arrays, out)
    s, q = wide_ints(own[0::2], own[1::2])
    return _passes(sum(exceedances(out, s, q)), settings.draws)


def raw_pnl(run: Run, settings: Settings, key: int) -> str:
    """Matched random entry on sums of PnL that are not studentised."""
    from quantlaxmi._jit import random_entry as kernels
    from quantlaxmi._jit.compiler import running

    context = _input(run, settings)
    built = random_entry._build(context)
    out = np.empty((settings.draws, 8), np.uint64)
    with running(1):
        kernels.matched(np.uint64(key), 0, *built.kernel_arguments(net=False), out)
    gross = context.path.gross // built.columns.scale
    sums = wide_ints(out[:, 0], out[:, 1])
    return _passes(sum(s >= gross for s in sums), settings.draws)


def net_pnl(run: Run, settings: Settings, key: int) -> str:
    """Matched random entry on studentised PnL net of costs, a figure that the gate only shows."""
    net = random_entry.GATE.judge(_input(run, settings, net=True))[0].details["net"]
    assert isinstance(net, dict)
    exceedances = net["exceedances"]
    assert isinstance(exceedances, int)
    return _passes(exceedances, settings.draws)


def _studentised(run: Run) -> tuple[int, int]:
    """Sum of the trips' gross PnL and of its squares."""
    points = decision_points(run)
    gains = trip_gross(path_of(run, points).trips, points)
    return sum(gains), sum(g * g for g in gains)


def _permuted(segment: MemorySegment, key: int, draw: int) -> MemorySegment:
    """A market whose mids have blocks of their increments in random order, one for all books."""
    quotes = segment.columns("quotes")
    turns = len(segment.instruments)
    mid = (quotes["bid"] + quotes["ask"]) // 2
    half = quotes["ask"] - mid
    moves = np.stack([np.diff(mid[i::turns]) for i in range(turns)])
    blocks = -(-moves.shape[1] // BLOCK)
    order = np.argsort(words(key, draw, blocks), kind="stable")
    index = (order[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    moves = moves[:, index[index < moves.shape[1]]]
    made = mid.copy()
    for i in range(turns):
        made[i::turns][1:] = mid[i] + np.cumsum(moves[i])
    moved = {**quotes, "bid": made - half, "ask": made + half}
    return MemorySegment(segment.instruments, {"quotes": moved})


def block_increments(run: Run, settings: Settings, key: int) -> str:
    """Permute blocks of 50 increments of the market, and run the strategy again on it."""
    segment = run.segment
    assert isinstance(segment, MemorySegment)
    if _input(run, settings).too_few_trips():
        return "I"
    s, q = _studentised(run)
    limit, found = (settings.draws + 1) // 20, 0
    for draw in range(settings.draws):
        again = run_columns(_permuted(segment, key, draw), run.strategy.strategy, run.config)
        try:
            drawn = _studentised(again)
        except PathError:
            drawn = 0, 0
        found += studentised_at_least(*drawn, s, q)
        if found >= limit:
            return "F"
    return "P"


def any_trips(run: Run, settings: Settings, key: int) -> str:
    """The market null over all sign-flipped markets, whatever the number of round trips on them."""
    context = _input(run, settings)
    if context.too_few_trips() or context.rerun is None:
        return "I"
    replays = Replays(context, context.rerun, key)
    replays.keep_bound([None])
    market = replays.room()
    own = replays.sums(market)
    limit, found = (settings.draws + 1) // 20, 0
    for draw in range(settings.draws):
        sums = replays.sums(replays.move(draw, market))
        found += studentised_at_least(sums.total, sums.squares, own.total, own.squares)
        if found >= limit:
            return "F"
    return "P"


def without_market(gate: str) -> Callable[[Run, Settings, int], str]:
    """A gate's test without the market null as its companion."""

    def judged(run: Run, settings: Settings, _key: int) -> str:
        suite = G2AntiOverfitSuite.from_run(
            run, policy=settings.policy((gate,)), seed=settings.seed, threads=1
        )
        result = next(r for r in suite.run().results if r.role == "test")
        return {"PASS": "P", "FAIL": "F"}.get(result.verdict.value, "I")

    return judged


@dataclass(frozen=True, slots=True)
class NaiveTest:
    """A simpler test, and the gate's test that is used instead.

    Attributes
    ----------
    test : callable
        ``test(run, settings, key)`` gives P, F or I.
    text : str
        What it does, for the page.
    scenarios : tuple of str
        One that does it no harm, then one that does.
    used : str
        Name of the result that is used instead.
    """

    test: Callable[[Run, Settings, int], str]
    text: str
    scenarios: tuple[str, str]
    used: str


NAIVE: MappingProxyType[str, NaiveTest] = MappingProxyType(
    {
        "rows": NaiveTest(
            row_shuffling,
            "positions shuffled row by row",
            ("persistent-0.0", "persistent-0.6"),
            "label_permutation",
        ),
        "raw": NaiveTest(
            raw_pnl,
            "random entry on PnL that is not studentised",
            ("coins", "loud"),
            "random_entry.matched",
        ),
        "net": NaiveTest(
            net_pnl,
            "random entry on PnL net of costs",
            ("coins", "narrow"),
            "random_entry.matched",
        ),
        "increments": NaiveTest(
            block_increments,
            f"blocks of {BLOCK} increments permuted, the strategy run again",
            ("momentum", "basis-exits"),
            "market_null",
        ),
        "any_trips": NaiveTest(
            any_trips,
            "sign-flipped markets with any number of round trips",
            ("basis", "basis-exits"),
            "market_null",
        ),
        "moved": NaiveTest(
            without_market("random_entry"),
            "random entry and random sides, without the market null",
            ("basis", "basis-exits"),
            "random_entry.matched",
        ),
        "shuffled": NaiveTest(
            without_market("label_permutation"),
            "label permutation and random sides, without the market null",
            ("basis", "basis-exits"),
            "label_permutation",
        ),
    }
)
