"""Label permutation: the kernel against its naive twin, cutting, identities, verdicts."""

import itertools

import numpy as np
import pytest

from quantlaxmi._jit import permutation as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.errors import EngineError
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates.path.columns import attribution_units, build_columns
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from quantlaxmi.stats.exact_permutation import exact_permutation_p
from quantlaxmi.stats.monte_carlo import wide_ints
from tests.gate_fakes import judged, make_input, pair_trips, walk_points
from tests.naive import permutation as naive

DAY = 86_400


def _held(changes, rows):
    """Position over each step, row by row."""
    held, out, at = (), [], dict(changes)
    for row in range(rows - 1):
        held = at.get(row, held)
        out.append(held)
    return out


def _draws(spans, columns, key, m, first=0, threads=1):
    out = np.empty((m, 4), np.uint64)
    with running(threads) as divided:
        bundles = kernels.Bundles(*columns.arrays)
        arrays = kernels.Spans(spans.block_first, spans.block_row, spans.length, spans.position)
        divided(
            lambda at, part: kernels.shuffled(np.uint64(key), first + at, bundles, arrays, part),
            out,
        )
    return out


def _actions(kind, rows, rng):
    if kind == "pairs":
        return pair_trips(rng, rows, 12)
    return [
        (0, {0: 3}), (7, {0: -6}), (30, {0: 3, 1: 2}), (31, {1: -2, 2: 1}), (90, {2: -1}),
        (100, {1: -4, 0: 4}), (rows - 2, {1: 4}), (rows - 1, {0: 2}),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["pairs", "mixed"])
@pytest.mark.parametrize("step_s", [1, 47, 3000])
def test_shuffled_matches_naive(kind, step_s):
    rows = 300
    points = walk_points(4, rows, step_ns=step_s * 10**9, instruments=3)
    context = make_input(points, _actions(kind, rows, np.random.default_rng(4)))
    block, _ = permutation._blocks(context)
    spans = permutation.cut_spans(context.path.changes, block)
    columns = build_columns(points, spans.positions)
    market = [
        [int(m) * u for m in mids]
        for mids, u in zip(points.mid2, attribution_units(points), strict=True)
    ]
    blocks = naive.cut(_held(context.path.changes, rows), block.tolist())
    flat = [(spans.positions[p] if p >= 0 else (), n) for p, n in
            zip(spans.position.tolist(), spans.length.tolist(), strict=True)]  # fmt: skip
    assert flat == [run for b in blocks for run in b]
    assert naive.sums(blocks, market)[0] == context.path.gross
    out = _draws(spans, columns, 77, 20)
    for t in range(20):
        s, q = wide_ints(out[t, 0::2].copy(), out[t, 1::2].copy())
        expected = naive.sums(naive.shuffled(77, t, blocks), market)
        assert (s * columns.scale, q * columns.scale**2) == expected


def test_cut_spans_by_hand():
    held = ((0, 5),)
    spans = permutation.cut_spans(((2, held), (6, ())), np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]))
    assert spans.positions == (held,)
    assert spans.position.tolist() == [-1, 0, 0, -1]
    assert spans.length.tolist() == [2, 2, 2, 2]
    assert spans.block_first.tolist() == [0, 2, 4]
    assert spans.block_row.tolist() == [0, 4]


@pytest.mark.parametrize("rows", [1, 2])
def test_cut_spans_of_almost_nothing(rows):
    spans = permutation.cut_spans((), np.zeros(rows, np.int64))
    assert spans.length.sum() == rows - 1


def test_long_segments_are_cut_into_utc_days():
    points = walk_points(1, 100, step_ns=DAY * 10**9 // 10)
    block, size = permutation._blocks(make_input(points, []))
    assert size == "UTC day"
    assert (block == points.ts_ns // (DAY * 10**9)).all()
    short = walk_points(1, 100)
    policy = GatePolicy(label_permutation={"block_seconds": 7})
    block, size = permutation._blocks(make_input(short, [], policy=policy))
    assert size == "7 s"
    assert (block == short.ts_ns // (7 * 10**9)).all()


def test_runs_never_leave_their_block():
    """The market moves in one block only; what is held in the other earns nothing."""
    rows = 240
    points = walk_points(1, rows, step_ns=30 * 10**9, instruments=1)
    border = int(np.flatnonzero(np.diff(points.ts_ns // (3600 * 10**9)))[0]) + 1
    points.mid2[0, : border + 1] = 10**6
    actions = []
    for k in range(30):
        actions += [(2 * k, {0: 1}), (2 * k + 1, {0: -1})]
    assert actions[-1][0] < border
    context = make_input(points, actions)
    spans = permutation.cut_spans(context.path.changes, permutation._blocks(context)[0])
    assert not _draws(spans, build_columns(points, spans.positions), 3, 50).any()


def test_threads_and_batches_give_the_same_bits():
    points = walk_points(6, 2000)
    context = make_input(points, pair_trips(np.random.default_rng(6), 2000, 40))
    spans = permutation.cut_spans(context.path.changes, permutation._blocks(context)[0])
    columns = build_columns(points, spans.positions)
    whole = _draws(spans, columns, 5, 333)
    assert (whole == _draws(spans, columns, 5, 333, threads=2)).all()
    assert (whole[100:] == _draws(spans, columns, 5, 233, first=100, threads=2)).all()


def test_identity_fault_is_an_engine_error():
    points = walk_points(6, 2000)
    context = make_input(points, pair_trips(np.random.default_rng(6), 2000, 40))
    object.__setattr__(context.path, "gross", context.path.gross - 1)
    with pytest.raises(EngineError, match="identity draw of label_permutation"):
        judged(permutation, context)


def test_holding_what_rises_passes_and_what_falls_fails():
    points = walk_points(6, 3000, instruments=1)
    moves = np.diff(points.mid2[0], append=points.mid2[0, -1:])
    actions = []
    for k in range(5, 400, 2):
        row = 7 * k
        side = 1 if moves[row] >= 0 else -1
        actions += [(row, {0: side}), (row + 1, {0: -side})]
    good = judged(permutation, make_input(points, actions))
    assert (good.role, good.verdict) == ("diagnosis", Verdict.SHOWN)
    assert good.monte_carlo.exceedances == 0
    bad = judged(permutation, make_input(points, [(r, {0: -d[0]}) for r, d in actions]))
    assert bad.monte_carlo.p_value > 0.9
    assert " permutations within " in bad.reasons[0]


def test_too_little_is_inconclusive():
    points = walk_points(6, 3000, instruments=1)
    few = judged(permutation, make_input(points, [(1, {0: 1}), (5, {0: -1})]))
    assert few.reasons == (
        "Round trips: 1, at least 30 needed. Run on about 30.0 times as much data.",
    )
    actions = [(1, {0: 1}), (5, {0: -1}), (9, {0: 1}), (12, {0: -1})]
    policy = GatePolicy(min_trades=2)
    result = judged(permutation, make_input(points, actions, policy=policy))
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert result.reasons == (
        "Runs of constant position: fewer than 8, the least that are shuffled.",
    )
    equal = [(k, {0: 1 if k % 20 == 10 else -1}) for k in range(10, 90, 10)]
    result = judged(permutation, make_input(points, equal, policy=policy))
    # Nine runs: four of 10 rows held, four flat of 10 and a long one; 9!/(4! 4!) orders.
    assert result.reasons == (
        "Distinct arrangements: 630, at least 1000 needed. Run on more data.",
    )


def test_the_exact_p_is_shown_where_arrangements_are_few():
    policy = GatePolicy(
        random_sides={"n_draws": 199},
        min_trades=2,
        extend_factor=1,
        label_permutation={"n_perms": 199},
    )
    for trips, known in ((4, True), (40, False)):
        actions = pair_trips(np.random.default_rng(3), 1200, trips)
        result = judged(permutation, make_input(walk_points(2, 1200), actions, policy=policy))
        assert ("exact_permutation_p" in result.details) == known
        if known:
            moved = result.monte_carlo
            p = exact_permutation_p(
                moved.exceedances, moved.draws, int(result.details["arrangements"])
            )
            assert result.details["exact_permutation_p"] == pytest.approx(p, rel=1e-8)
            assert p <= moved.p_value


def test_blocks_grow_until_slow_positions_are_shuffled():
    """Positions of ten blocks each: blocks of their own length hold no whole run."""
    rows, changes = 4001, []
    for k in range(40):
        changes += [(100 * k + 10, ((0, 1 if k % 2 else -1),))]
    block = np.arange(rows) // 10
    grown, joined = permutation.grown_blocks(tuple(changes), block)
    assert joined == 128  # the first power of two with 8 whole runs on average
    spans = permutation.cut_spans(tuple(changes), grown)
    borders = np.flatnonzero(np.diff(grown[: rows - 1])) + 1
    starts = [0, *(row for row, _ in changes)]
    whole = sum(
        not any(a < border < b for border in borders)
        for a, b in itertools.pairwise([*starts, rows - 1])
    )
    assert whole >= permutation.MIN_RUNS * (len(borders) + 1)
    assert spans.length.sum() == rows - 1
    # Short runs are left in the blocks they were given.
    short = tuple((k, ((0, 1),) if k % 2 else ()) for k in range(1, rows - 1))
    assert permutation.grown_blocks(short, np.arange(rows) // 100)[1] == 1
    # Too few runs in all: there is nothing to shuffle.
    assert permutation.grown_blocks(tuple(changes[:5]), block) is None
    assert permutation.grown_blocks((), np.zeros(1, np.int64)) is None
