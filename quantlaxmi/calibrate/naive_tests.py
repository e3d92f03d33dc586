"""Tests as one would first write them, to show what they do; no gate uses them."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from quantlaxmi.calibrate.random_streams import words
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates import random_entry
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import attribution_units, build_columns
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.gates.suites import G2AntiOverfitSuite, path_of
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.stats.monte_carlo import exceedances, studentised_at_least, wide_ints

__all__ = ["NAIVE"]

U64 = npt.NDArray[np.uint64]
#: Increments that stay together where blocks of them are permuted.
BLOCK = 50


def _passes(exceedances: int, draws: int) -> str:
    return "P" if 20 * (exceedances + 1) <= draws + 1 else "F"


def _input(run: Run, settings: Settings, *, net: bool = False) -> GateContext:
    policy = settings.policy(net=net)
    return G2AntiOverfitSuite.from_run(run, policy=policy, seed=settings.seed, threads=1).context


def row_shuffling(run: Run, settings: Settings, key: int) -> str:
    """The positions of all rows shuffled one by one, inside the blocks of the label permutation."""
    from quantlaxmi._jit import permutation as kernels
    from quantlaxmi._jit.compiler import running

    context = _input(run, settings)
    block, _ = permutation._blocks(context)
    runs = permutation.cut_spans(context.path.changes, block)
    columns = build_columns(context.decision_points, runs.positions)
    rows = int(runs.length.sum())
    ends = np.append(runs.block_row[1:], rows)
    arrays = (
        columns.values,
        *columns.terms,
        np.append(0, np.cumsum(ends - runs.block_row)),
        runs.block_row,
        np.ones(rows, np.int64),
        np.repeat(runs.position, runs.length),
    )
    own, out = np.zeros(4, np.uint64), np.empty((settings.draws, 4), np.uint64)
    with running(1):
        kernels.identity(*arrays, own)
        kernels.shuffled(np.uint64(key), 0, *arrays, out)
    s, q = wide_ints(own[0::2], own[1::2])
    return _passes(sum(exceedances(out, s, q)), settings.draws)


def raw_pnl(run: Run, settings: Settings, key: int) -> str:
    """Matched random entry, comparing sums of PnL that are not studentised."""
    from quantlaxmi._jit import random_entry as kernels
    from quantlaxmi._jit.compiler import running

    context = _input(run, settings)
    lay = random_entry._build(context)
    out = np.empty((settings.draws, 8), np.uint64)
    with running(1):
        kernels.matched(
            np.uint64(key),
            0,
            lay.columns.values,
            *lay.columns.terms,
            lay.templates.trip_first,
            lay.action_bundle,
            lay.templates.offset,
            lay.templates.occupied,
            lay.templates.free,
            False,
            lay.costs.net_scale,
            lay.costs.values,
            lay.costs.action_cost,
            lay.costs.action_constant,
            lay.funding.settled,
            lay.funding.action_held,
            lay.costs.paid,
            out,
        )
    gross = context.path.gross // lay.columns.scale
    sums = wide_ints(out[:, 0], out[:, 1])
    return _passes(sum(s >= gross for s in sums), settings.draws)


def net_pnl(run: Run, settings: Settings, key: int) -> str:
    """Matched random entry, comparing studentised PnL net of costs: the figure it only shows."""
    net = random_entry.evaluate(_input(run, settings, net=True)).matched.details["net"]
    assert isinstance(net, dict)
    exceedances = net["exceedances"]
    assert isinstance(exceedances, int)
    return _passes(exceedances, settings.draws)


def _studentised(run: Run) -> tuple[int, int]:
    """Sum of the trips' gross PnL and of its squares."""
    points = decision_points(run)
    path, units = path_of(run, points), attribution_units(points)
    gains = [
        -sum(q * int(points.mid2[i, a.row]) * units[i] for a in trip.actions for i, q in a.bundle)
        for trip in path.trips
    ]
    return sum(gains), sum(g * g for g in gains)


def _permuted(segment: MemorySegment, key: int, draw: int) -> MemorySegment:
    """Mids rebuilt from blocks of increments in random order, each instrument's alike."""
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
    """Blocks of 50 increments in random order, and the rule run again on that market."""
    segment = run.segment
    assert isinstance(segment, MemorySegment)
    if _input(run, settings).too_few_trips():
        return "I"
    s, q = _studentised(run)
    limit, found = (settings.draws + 1) // 20, 0
    for draw in range(settings.draws):
        again = backtest(_permuted(segment, key, draw), run.strategy.strategy, costs=run.costs)
        try:
            drawn = _studentised(again)
        except PathError:
            drawn = 0, 0
        found += studentised_at_least(*drawn, s, q)
        if found >= limit:
            return "F"
    return "P"


def any_trips(run: Run, settings: Settings, key: int) -> str:
    """The market null over all markets, whatever the number of trips on them."""
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
    """A test of moved positions without the market null beside it."""

    def judged(run: Run, settings: Settings, _key: int) -> str:
        suite = G2AntiOverfitSuite.from_run(
            run, policy=settings.policy((gate,)), seed=settings.seed, threads=1
        )
        result = next(r for r in suite.run().results if r.role == "test")
        return {"PASS": "P", "FAIL": "F"}.get(result.verdict.value, "I")

    return judged


#: Name -> (the test, what it does, cells on which it is shown, the gate that stands beside it).
NAIVE: MappingProxyType[
    str, tuple[Callable[[Run, Settings, int], str], str, tuple[str, ...], str]
] = MappingProxyType(
    {
        "rows": (
            row_shuffling,
            "positions shuffled row by row",
            ("persistent-0.0", "persistent-0.6"),
            "label_permutation",
        ),
        "raw": (
            raw_pnl,
            "random entry on PnL that is not studentised",
            ("coins", "loud"),
            "random_entry.matched",
        ),
        "net": (
            net_pnl,
            "random entry on PnL net of costs",
            ("coins", "narrow"),
            "random_entry.matched",
        ),
        "increments": (
            block_increments,
            f"blocks of {BLOCK} increments permuted, the rule run again",
            ("momentum", "basis-exits"),
            "market_permutation",
        ),
        "any_trips": (
            any_trips,
            "random signs, on markets with any number of trips",
            ("basis", "basis-exits"),
            "market_permutation",
        ),
        "moved": (
            without_market("random_entry"),
            "random entry and coin sides, without the market null",
            ("basis", "basis-exits"),
            "random_entry.matched",
        ),
        "shuffled": (
            without_market("label_permutation"),
            "label runs and coin sides, without the market null",
            ("basis", "basis-exits"),
            "label_permutation",
        ),
    }
)
