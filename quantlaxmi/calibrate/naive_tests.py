"""Simpler tests, to show their false-pass rates; no verdict uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from quantlaxmi.calibrate.random_streams import words
from quantlaxmi.calibrate.study import LETTERS, Settings, context_of
from quantlaxmi.calibrate.worlds.world import EQUITY, MARKET
from quantlaxmi.gates import (
    equity,
    label_permutation,
    market_null,
    random_entry,
    random_sides,
    time_shift,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.observation import path_of
from quantlaxmi.gates.path.clock_buckets import increments_of
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.path.trip_gross import trip_gross
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.gates.results import Inconclusive
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.result import Run
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.stats.student_t import mean_t, t_quantile

__all__ = ["NAIVE", "NaiveTest", "letter_of"]

#: Increments that stay together where blocks of them are permuted.
BLOCK = 50
#: Draws of the simpler tests that run the strategy again.
DRAWS = 39


def _context(run: Run, settings: Settings) -> GateContext:
    return context_of(run, settings.policy(short=True))


def letter_of(run: Run, settings: Settings, name: str) -> str:
    """The letter of one of the two tests on a run."""
    context = _context(run, settings)
    gates = {EQUITY: equity.GATE, MARKET: market_null.GATE}
    result = gates[name].judge(context)[0]
    return LETTERS[result.verdict]


def _alone(gate: Gate) -> Callable[[Run, Settings, int], str]:
    """A diagnosis, or the random baseline, as if its p decided."""

    def judged(run: Run, settings: Settings, _key: int) -> str:
        context = _context(run, settings)
        count = gate.judge(context)[0].monte_carlo
        if count is None:
            return "I"
        return "P" if count.p_value <= context.policy.level else "F"

    return judged


def plain_t(run: Run, settings: Settings, _key: int) -> str:
    """Student's t of the clock buckets' net, without correction for skew."""
    context = _context(run, settings)
    try:
        net = context.increments().net
    except Inconclusive:
        return "I"
    found = mean_t(net)
    if found is None:
        return "I"
    return "P" if found >= t_quantile(context.policy.alpha, len(net) - 1) else "F"


def _bucket_sums(run: Run) -> tuple[int, int]:
    """Sum of the clock buckets' gross and of its squares."""
    gross = increments_of(run).gross
    return sum(gross), sum(g * g for g in gross)


def _trip_sums(run: Run) -> tuple[int, int]:
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


def _few_exceed(settings: Settings, s: int, q: int, draw: Callable[[int], tuple[int, int]]) -> str:
    """P where at most one of the draws does at least as well: the level 5 % at 39 draws."""
    draws = min(DRAWS, settings.draws)
    limit, found = (draws + 1) // 20, 0
    for number in range(draws):
        found += studentised_at_least(*draw(number), s, q)
        if found >= limit:
            return "F"
    return "P"


def block_increments(run: Run, settings: Settings, key: int) -> str:
    """Permute blocks of 50 increments of the market, and run the strategy again on it."""
    segment = run.segment
    assert isinstance(segment, MemorySegment)
    if _context(run, settings).too_few_trips():
        return "I"

    def draw(number: int) -> tuple[int, int]:
        moved = _permuted(segment, key, number)
        return _bucket_sums(run_columns(moved, run.strategy.strategy, run.config))

    return _few_exceed(settings, *_bucket_sums(run), draw)


def any_trips(run: Run, settings: Settings, key: int) -> str:
    """The market null over all sign-flipped markets, whatever the number of round trips on them."""
    context = _context(run, settings)
    if context.too_few_trips() or context.rerun is None:
        return "I"
    replays = Replays(context, context.rerun, key)
    replays.keep_bound([None])
    market = replays.room()
    own = replays.sums(market)

    def draw(number: int) -> tuple[int, int]:
        sums = replays.sums(replays.move(number, market))
        return sums.total, sums.squares

    return _few_exceed(settings, own.total, own.squares, draw)


def by_trips(run: Run, settings: Settings, key: int) -> str:
    """The market null on the sum of the round trips' squares instead of the buckets'."""
    context = _context(run, settings)
    if context.too_few_trips() or context.rerun is None:
        return "I"
    replays = Replays(context, context.rerun, key)
    market = replays.room()
    segment = run.segment
    assert isinstance(segment, MemorySegment)
    quotes = segment.columns("quotes")

    def draw(number: int) -> tuple[int, int]:
        shift = replays.move(number, market).quotes
        moved = {**quotes, "bid": quotes["bid"] + shift, "ask": quotes["ask"] + shift}
        again = MemorySegment(segment.instruments, {"quotes": moved})
        try:
            return _trip_sums(run_columns(again, run.strategy.strategy, run.config))
        except PathError:
            return 0, 0

    return _few_exceed(settings, *_trip_sums(run), draw)


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
        A world that does it no harm, then one that does.
    used : str
        Name of the result that is used instead.
    """

    test: Callable[[Run, Settings, int], str]
    text: str
    scenarios: tuple[str, str]
    used: str


NAIVE: MappingProxyType[str, NaiveTest] = MappingProxyType(
    {
        "t": NaiveTest(
            plain_t,
            "Student's t of the clock buckets",
            ("coins", "crash-3%-of-150"),
            EQUITY,
        ),
        "increments": NaiveTest(
            block_increments,
            f"blocks of {BLOCK} increments permuted, the strategy run again",
            ("momentum", "level-volatility"),
            MARKET,
        ),
        "any_trips": NaiveTest(
            any_trips,
            "sign-flipped markets with any number of round trips",
            ("basis", "walk-level"),
            MARKET,
        ),
        "trips": NaiveTest(
            by_trips,
            "sign-flipped markets, squares of round trips instead of clock buckets",
            ("coins", "level-volatility"),
            MARKET,
        ),
        "entry": NaiveTest(
            _alone(random_entry.GATE), "random entry alone", ("coins", "cut-winners"), MARKET
        ),
        "sides": NaiveTest(
            _alone(random_sides.GATE),
            "random sides of the trips alone",
            ("coins", "cut-winners"),
            MARKET,
        ),
        "labels": NaiveTest(
            _alone(label_permutation.GATE),
            "label permutation alone",
            ("coins", "cut-winners"),
            MARKET,
        ),
        "shift": NaiveTest(
            _alone(time_shift.GATE), "circular time shift alone", ("coins", "cut-winners"), MARKET
        ),
    }
)
