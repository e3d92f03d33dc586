"""Circular time shift: the kernel against its naive twin, decorrelation, identities, verdicts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._jit import time_shift as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.errors import EngineError
from quantlaxmi.gates import time_shift
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.holding_periods import build_holding_columns, holding_periods_of
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from quantlaxmi.stats.integrated_autocorrelation import decorrelation_steps, distinct_rotations
from quantlaxmi.stats.monte_carlo import wide_ints
from tests.depth import examples
from tests.gate_fakes import judged, make_input, pair_trips, walk_points
from tests.naive import time_shift as naive

ROWS = 160
QUICK = GatePolicy(min_arrangements=1)

CASES = {
    "one trip": [(40, {0: 2}), (90, {0: -2})],
    "one step": [(40, {0: 2}), (41, {0: -2})],
    "the whole segment": [(0, {0: 3, 1: -3})],
    "at both ends": [(0, {0: 1}), (9, {0: -1}), (150, {1: -4})],
    "reversals": [(0, {0: 3})] + [(r, {0: s * 6}) for r, s in ((20, -1), (21, 1), (100, -1))],
    "two instruments": [
        (3, {0: 2}), (5, {1: -2}), (9, {0: 4, 1: 1}), (30, {0: -6}), (44, {1: 1}),
        (60, {0: 2, 1: -1}), (61, {0: -4, 1: 2}), (159, {0: 2, 1: -1}),
    ],
    "three instruments": [
        (0, {0: 3}), (7, {0: -6}), (30, {0: 3, 1: 2}), (31, {1: -2, 2: 1}), (90, {2: -1}),
        (100, {1: -4, 0: 4}), (158, {1: 4}), (159, {0: 2}),
    ],
}  # fmt: skip


def _market(points):
    return [
        [int(m) * u for m in mids]
        for mids, u in zip(points.mid2, attribution_units(points), strict=True)
    ]


def _held(periods):
    """Each trip as {step: {instrument: quantity}}."""
    trips = []
    for a, b in zip(periods.trip_first[:-1], periods.trip_first[1:], strict=True):
        trip = {}
        for k in range(a, b):
            bundle = dict(periods.positions[periods.position[k]])
            trip |= dict.fromkeys(range(periods.start[k], periods.stop[k]), bundle)
        trips.append(trip)
    return trips


def _path(periods, instruments):
    path = [(0,) * instruments for _ in range(periods.n_steps)]
    for trip in _held(periods):
        for step, held in trip.items():
            path[step] = tuple(held.get(i, 0) for i in range(instruments))
    return path


def _draws(periods, columns, offsets, threads=1):
    out = np.empty((len(offsets), 4), np.uint64)
    with running(threads) as divided:
        path = kernels.Path(
            *columns.arrays, periods.trip_first, periods.start,
            periods.stop, periods.position,
        )  # fmt: skip
        at_offsets = np.array(offsets, np.int64)
        divided(lambda at, part: kernels.circular(at_offsets[at : at + len(part)], path, part), out)
    return out


@pytest.mark.parametrize("kind", [*CASES, "pairs"])
def test_every_shift_matches_naive(kind):
    points = walk_points(3, ROWS, instruments=3)
    actions = CASES.get(kind) or pair_trips(np.random.default_rng(3), ROWS, 8)
    context = make_input(points, actions)
    periods = holding_periods_of(context.path.trips, ROWS)
    assert len(periods.trip_first) == len(context.path.trips) + 1
    columns, market, trips = (
        build_holding_columns(context, periods),
        _market(points),
        _held(periods),
    )
    assert naive.sums(trips, market, 0)[0] == context.path.gross
    out = _draws(periods, columns, range(ROWS - 1))
    for k in range(ROWS - 1):
        s, q = wide_ints(out[k, 0::2].copy(), out[k, 1::2].copy())
        assert (s * columns.scale, q * columns.scale**2) == naive.sums(trips, market, k)


def test_all_shifts_of_a_trip_over_the_whole_segment_are_equal():
    """It passes the end at every offset, and is one trip with one square each time."""
    points = walk_points(3, ROWS)
    context = make_input(points, CASES["the whole segment"])
    periods = holding_periods_of(context.path.trips, ROWS)
    out = _draws(periods, build_holding_columns(context, periods), range(ROWS - 1))
    assert (out == out[0]).all()
    assert periods.decorrelation(context) is None
    assert periods.distinct_shifts() == 1


def test_offsets_are_those_of_the_twin():
    points = walk_points(6, 2100)
    context = make_input(points, pair_trips(np.random.default_rng(6), 2100, 40))
    periods = holding_periods_of(context.path.trips, 2100)
    market, trips = _market(points), _held(periods)
    s, q = naive.sums(trips, market, 0)
    larger = 0
    for k in naive.offsets(2099, 49):
        a, b = naive.sums(trips, market, k)
        larger += a * abs(a) * q >= s * abs(s) * b
    policy = GatePolicy(time_shift={"n_shifts": 49})
    found = judged(time_shift, make_input(points, pair_trips(np.random.default_rng(6), 2100, 40),
                                           policy=policy))  # fmt: skip
    assert found.monte_carlo.exceedances == larger
    assert found.monte_carlo.draws == 49
    assert found.monte_carlo.to_json()["interval_95"] is None


def test_threads_give_the_same_bits():
    points = walk_points(6, 2000)
    context = make_input(points, pair_trips(np.random.default_rng(6), 2000, 40))
    periods = holding_periods_of(context.path.trips, 2000)
    columns, offsets = build_holding_columns(context, periods), naive.offsets(1999, 199)
    whole = _draws(periods, columns, offsets)
    for threads in (2, 4):
        assert (whole == _draws(periods, columns, offsets, threads)).all()


def test_identity_fault_is_an_engine_error():
    points = walk_points(6, 2000)
    context = make_input(points, pair_trips(np.random.default_rng(6), 2000, 40))
    object.__setattr__(context.path, "gross", context.path.gross - 1)
    with pytest.raises(EngineError, match="identity draw of time_shift"):
        judged(time_shift, context)


@pytest.mark.parametrize("kind", [*CASES, "pairs"])
def test_decorrelation_matches_naive(kind):
    points = walk_points(3, ROWS, instruments=3)
    actions = CASES.get(kind) or pair_trips(np.random.default_rng(3), ROWS, 8)
    context = make_input(points, actions)
    periods = holding_periods_of(context.path.trips, ROWS)
    path = _path(periods, 3)
    weights = [(int(points.mid2[i, 0]) * u) ** 2 for i, u in enumerate(attribution_units(points))]
    assert periods.decorrelation(context) == naive.decorrelation(path, weights)
    assert periods.distinct_shifts() == naive.distinct(path)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 9)), min_size=1, max_size=9),
       st.sampled_from([1, 10**12]))  # fmt: skip
def test_decorrelation_of_any_path_is_exact(runs, size):
    """In 64 bits and, for large positions, in Python integers."""
    merged = []
    for value, length in runs:
        if merged and merged[-1][0] == value:
            merged[-1][1] += length
        else:
            merged.append([value, length])
    values, lengths = [v for v, _ in merged], [n for _, n in merged]
    edges = np.concatenate([[0], np.cumsum(lengths)])
    path = [(v * size,) for v, n in merged for _ in range(n)]
    found = decorrelation_steps(edges, [[v * size for v in values]], [3])
    assert found == naive.decorrelation(path, [1])
    assert distinct_rotations(values, lengths) == naive.distinct(path)


def test_decorrelation_is_about_the_length_of_independent_runs():
    rng = np.random.default_rng(5)
    edges = np.arange(0, 20_001, 10)
    tau = decorrelation_steps(edges, [rng.choice([-1, 1], 2000).tolist()], [1])
    assert 9 < tau < 11.5
    # Sides that swing to and fro do not pass for a short memory.
    assert decorrelation_steps(edges, [[1, -1] * 1000], [1]) > Fraction(4)


def _edge_case(rows=4000, trips=60):
    points = walk_points(7, rows)
    known, basis = [], points.mid2[0] - points.mid2[1]
    actions = pair_trips(np.random.default_rng(7), rows, trips, sides=[1] * trips)
    for (a, d), (b, _) in zip(actions[::2], actions[1::2], strict=True):
        side = 1 if basis[b] >= basis[a] else -1
        known += [
            (a, {i: side * q for i, q in d.items()}),
            (b, {i: -side * q for i, q in d.items()}),
        ]
    return points, known


def test_knowing_sides_passes_and_the_wrong_ones_fail():
    points, actions = _edge_case()
    good = judged(time_shift, make_input(points, actions))
    assert (good.role, good.verdict) == ("diagnosis", Verdict.SHOWN)
    (reason,) = good.reasons
    assert reason.startswith("At least as good as the strategy: 0 of 199 shifts, ")
    wrong = [(r, {i: -q for i, q in d.items()}) for r, d in actions]
    bad = judged(time_shift, make_input(points, wrong))
    assert bad.monte_carlo.exceedances == 199


def test_ties_count_against_the_strategy():
    points, actions = _edge_case()
    points.mid2[:] = 10**6
    result = judged(time_shift, make_input(points, actions))
    assert result.monte_carlo.exceedances == 199


def _unclear(actions, rows, **policy):
    result = judged(
        time_shift, make_input(walk_points(0, rows), actions, policy=GatePolicy(**policy))
    )
    assert result.verdict is Verdict.SHOWN and result.monte_carlo is None
    return result.reasons[0]


def test_too_little_is_said():
    rng = np.random.default_rng(0)
    assert _unclear([], 5) == "Round trips: 0, at least 30 needed. Run on more data."
    assert (
        _unclear(pair_trips(rng, 2000, 29), 2000)
        == "Round trips: 29, at least 30 needed. Run on about 1.1 times as much data."
    )
    short = pair_trips(rng, 900, 40, hold=(1, 3))
    assert _unclear(short, 900) == (
        "Distinct shifts: 899, at least 1000 needed. Run on about 1.2 times as much data."
    )
    slow = pair_trips(rng, 4000, 40, sides=[1] * 20 + [-1] * 20, hold=(90, 99))
    assert "Decorrelation times" in _unclear(slow, 4000)
    regular = [(10 * k, {0: -1 if k % 2 else 1}) for k in range(80)]
    assert _unclear(regular, 801) == (
        "Distinct shifts: 20, at least 1000 needed. Run on about 50.0 times as much data."
    )


def test_wide_numbers_are_refused_not_wrapped():
    points = walk_points(0, 2000)
    points.mid2[0] = np.random.default_rng(0).integers(1, 2**62, 2000)
    actions = [
        (r, {0: d[0] * 10**9, 1: d[1]}) for r, d in pair_trips(np.random.default_rng(0), 2000, 40)
    ]
    result = judged(time_shift, make_input(points, actions))
    assert result.verdict is Verdict.SHOWN and result.monte_carlo is None
    assert "limit is 2^62" in result.reasons[0]


def test_squares_that_would_pass_128_bits_are_refused_not_wrapped():
    """Every trip fits 62 bits; the sum of their squares did not fit 128, and wrapped."""
    rng, rows, period = np.random.default_rng(0), 12_137, 40
    points = walk_points(0, rows, instruments=1)
    wave = np.where(np.arange(rows) // (period // 2) % 2, 1, -1) * int(2**58.9)
    points.mid2[0] = 2**61 + wave + rng.integers(0, 3, rows)
    actions = []
    for k in range(2, 290):
        side, start = rng.choice([-1, 1]), period * k + rng.integers(3, 6)
        actions += [(int(start), {0: int(side)}), (int(start) + 10, {0: -int(side)})]
    context = make_input(points, actions, policy=GatePolicy(time_shift={"min_decorrelations": 1}))
    periods = holding_periods_of(context.path.trips, rows)
    market, trips = _market(points), _held(periods)
    q = max(naive.sums(trips, market, k)[1] for k in naive.offsets(rows - 1, 19))
    scale = attribution_units(points)[0]
    assert np.gcd.reduce(np.diff(points.mid2[0])) == 1
    assert q // scale**2 > 2**127
    result = judged(time_shift, context)
    assert result.verdict is Verdict.SHOWN and result.monte_carlo is None
    assert "can add up to more than 2^127" in result.reasons[0]
