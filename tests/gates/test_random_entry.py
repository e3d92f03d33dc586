"""Random entry: the kernel against its naive twin, identities, verdicts, threads."""

from fractions import Fraction

import numpy as np
import pytest

from quantlaxmi._jit import random_entry as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.errors import EngineError
from quantlaxmi.gates import random_entry
from quantlaxmi.gates.path import placement
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.stats.monte_carlo import wide_ints
from tests.gate_fakes import make_input, make_path, paid, pair_trips, random_entries, walk_points
from tests.jit import with_python_side as jit
from tests.naive import random_entry as naive


def _case(seed=1, rows=400, trips=8, **grid_options):
    rng = np.random.default_rng(seed)
    points = walk_points(seed, rows, **grid_options)
    return points, pair_trips(rng, rows, trips)


def _naive_case(context, lay):
    """The same market and trips as lists of Python integers."""
    units, rows = attribution_units(context.decision_points), lay.rows.tolist()
    market = [
        [int(m) * u for m in context.decision_points.mid2[i, rows]] for i, u in enumerate(units)
    ]
    trips, occupied, at = [], lay.templates.occupied.tolist(), 0
    for trip in context.path.trips:
        actions = []
        for a in trip.actions:
            if a.clean:
                cost = context.decision_points.cost(a.bundle)
                costs = [int(v) * cost.unit for v in cost.values[rows]]
            else:
                costs = [a.cost] * len(rows)
            actions.append((int(lay.templates.offset[at]), dict(a.bundle), costs))
            at += 1
        trips.append(actions)
    # Tradeable rows that come before a settlement's.
    dues = [
        (int((lay.rows < row).sum()), i, lambda q, part=part: -10 * round(Fraction(q * part, 4)))
        for row, i, part in context.decision_points.dues
    ]
    return market, trips, occupied, dues


#: A tenth a year, and far more, of which every payment is rounded.
LENT = {0: (1, 630720000000000000), 1: (37, 10**13 + 7)}


def _naive_loans(context, lay):
    points, rows = context.decision_points, lay.rows.tolist()
    return {
        i: (
            [int(points.arrivals_ns[row]) for row in rows],
            lambda row, q, ns, i=i, num=num, den=den: (
                10 * round(Fraction(int(points.arrival_mid2[i][rows[row]]) * q * ns * num, den))
            ),
        )
        for i, (num, den, _) in points.interest.items()
    }


def _draws(context, lay, key, m, first=0, threads=1):
    out = np.empty((m, 8), np.uint64)
    arguments = lay.kernel_arguments()
    with running(threads) as divided:
        divided(lambda at, part: kernels.matched(np.uint64(key), first + at, *arguments, part), out)
    return out


def _mixed_actions():
    """Scaling in, a short fill, a reversal, another pair, one leg alone, an open end."""
    actions = [
        (3, {0: 2, 1: -2}), (5, {0: 1, 1: -1}), (9, {0: -3, 1: 3}),
        (20, {0: -4}), (26, {0: 4}),
        (40, {0: 2, 1: -2}), (44, {0: -4, 1: 4}), (50, {0: 2, 1: -2}),
        (60, {2: 5, 1: -1}), (75, {2: -5, 1: 1}),
        (90, {0: 1}), (91, {0: -1}),
        (100, {2: -7}), (140, {2: 3}),
    ]  # fmt: skip
    return actions, {4: {0: 6}}


#: Settlements on an action's row and beside it, two at once, at both ends, of odd halves.
DUES = [(0, 0, 9), (5, 0, 7), (6, 1, -5), (42, 0, 333), (42, 1, 51), (44, 1, 2), (120, 2, -9),
        (149, 0, 10**6), (149, 2, 11), (150, 2, 13)]  # fmt: skip


@pytest.mark.parametrize("kind", ["pairs", "filtered", "mixed", "dense", "funded", "often", "lent"])
def test_matched_matches_naive(kind):
    if kind in ("mixed", "funded", "lent"):
        dues = () if kind == "mixed" else DUES
        lent = LENT if kind == "lent" else None
        points = walk_points(3, 150, instruments=3, dues=dues, lent=lent)
        actions, wanted = _mixed_actions()
        context = make_input(points, actions, wanted=wanted)
    elif kind in ("filtered", "often"):
        allowed = np.random.default_rng(0).random(400) < 0.7
        dues = [(row, row % 2, row - 150) for row in range(0, 400, 3)] if kind == "often" else ()
        points, actions = _case(can_trade=allowed, dues=dues)
        context = make_input(points, actions)
    else:
        points, actions = _case(rows=400 if kind == "pairs" else 110, trips=8)
        context = make_input(points, actions)
    lay = random_entry._build(context)
    market, trips, occupied, dues = _naive_case(context, lay)
    out = _draws(context, lay, 99, 40)
    for t in range(40):
        s, q, ns, nq = wide_ints(out[t, 0::2].copy(), out[t, 1::2].copy())
        scale, unit = lay.columns.scale, lay.costs.unit
        free, loans = lay.templates.free, _naive_loans(context, lay)
        expected = naive.matched(99, t, market, trips, occupied, free, dues, loans)
        assert (s * scale, q * scale**2, ns * unit, nq * unit**2) == expected


def test_placements_are_disjoint_inside_and_uniform():
    occupied = np.array([3, 1, 2], np.int64)
    free, seen = 2, {}
    table = np.empty(20, np.int64)
    order, starts = np.empty(3, np.int64), np.empty(3, np.int64)
    random = np.empty(6, np.uint64)
    slots, shift = jit.table_shape(free + 3, 3)
    draws = 6000
    for t in range(draws):
        jit.words(np.uint64(11), t, random)
        jit.place(random, free, occupied, table[: slots + 4], shift, order, starts)
        ends = starts + occupied[order]
        assert starts[0] >= 0
        assert ends[-1] <= occupied.sum() + free
        assert (starts[1:] >= ends[:-1]).all()
        state = (tuple(order.tolist()), tuple(starts.tolist()))
        seen[state] = seen.get(state, 0) + 1
    assert len(seen) == 60  # 3! orders, C(5, 3) places
    expected = draws / 60
    assert sum((c - expected) ** 2 / expected for c in seen.values()) < 110  # 59 degrees, 1e-4


@pytest.mark.parametrize(
    ("dues", "lent"), [((), None), (DUES, None), (DUES, LENT)], ids=["plain", "funded", "lent"]
)
def test_identity_is_the_replay(dues, lent):
    points = walk_points(3, 150, instruments=3, dues=dues, lent=lent)
    actions, wanted = _mixed_actions()
    context = make_input(points, actions, wanted=wanted)
    lay = random_entry._build(context)
    sums = random_entry._own_sums(context, lay)
    units = attribution_units(points)
    gross = -sum(
        q * int(points.mid2[i, row]) * units[i] for row, d in actions for i, q in d.items()
    )
    gross += -4 * int(points.mid2[2, -1]) * units[2]  # marked at the last row
    assert sums[0] * lay.columns.scale == gross == context.path.gross
    received = sum(paid(points, actions))
    assert bool(received) == bool(dues)
    net = gross - context.path.cost + received - context.path.borrow
    assert sums[2] * lay.costs.unit == net == context.path.net
    assert bool(context.path.borrow) == bool(lent)
    assert context.path.short_actions == 1
    assert context.path.reversals == 1
    assert context.path.trips[-1].open_at_end
    assert len(context.path.trips) == 7


def test_identity_fault_is_an_engine_error():
    points, actions = _case(trips=30, rows=2000)
    context = make_input(points, actions)
    object.__setattr__(context.path, "gross", context.path.gross + 1)
    with pytest.raises(EngineError, match="identity draw"):
        random_entries(context)


def test_grid_cost_that_is_not_the_replays_is_an_engine_error():
    points, actions = _case(trips=30, rows=2000)
    context = make_input(points, actions)
    points.spread[:] += 100
    with pytest.raises(EngineError, match="at the decision points"):
        random_entries(context)


def test_own_rows_survive_templates():
    """On tradeable rows the templates, put back at their own rows, are the strategy."""
    points, actions = _case(trips=12, rows=700)
    path = make_path(points, actions)
    rows = placement.tradeable_rows(points, path.trips, 16)
    templates = placement.make_templates(path.trips, rows)
    at = 0
    for k, trip in enumerate(path.trips):
        for action in trip.actions:
            start = int(np.searchsorted(rows, trip.actions[0].row))
            assert rows[start + templates.offset[at]] == action.row
            at += 1
        assert templates.occupied[k] == templates.offset[at - 1] + 1
    assert templates.free == len(rows) - templates.occupied.sum()


def test_size_filters_rows():
    points, actions = _case(trips=5, rows=300)
    points.size[0, ::3] = 1  # half of what is traded
    rows = placement.tradeable_rows(points, make_path(points, actions).trips, 16)
    assert set(rows.tolist()) == {r for r in range(300) if r % 3}


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_and_batches_give_the_same_bits(threads):
    points, actions = _case(trips=20, rows=3000)
    context = make_input(points, actions)
    lay = random_entry._build(context)
    whole = _draws(context, lay, 5, 333)
    assert (whole == _draws(context, lay, 5, 333, threads=threads)).all()
    parts = [_draws(context, lay, 5, 100, first=f, threads=threads) for f in (0, 100, 200)]
    assert (whole[:300] == np.concatenate(parts)).all()


@pytest.mark.parametrize("due", [(), DUES], ids=["plain", "funded"])
def test_neutral_matches_naive_and_cancels(due):
    points = walk_points(3, 150, instruments=3, dues=due)
    actions, wanted = _mixed_actions()
    context = make_input(points, actions, wanted=wanted)
    lay = random_entry._build(context)
    market, trips, occupied, dues = _naive_case(context, lay)
    out = np.empty((25, 12), np.uint64)
    t = lay.templates
    with running(2):
        kernels.neutral(np.uint64(8), 0, *lay.kernel_arguments(), out)
    for draw in range(25):
        g, c, n, gm, cm, nm = wide_ints(out[draw, 0::2].copy(), out[draw, 1::2].copy())
        scale, unit = lay.columns.scale, lay.costs.unit
        funded = [(n + c) * unit - g * scale, (nm + cm) * unit - gm * scale]
        assert (g * scale, gm * scale, *funded) == naive.neutral(
            8, draw, market, trips, occupied, t.free, dues
        )
        assert g + gm == 0
        assert n + nm == -(c + cm)
        assert c > 0 < cm


def test_neutral_fault_is_an_engine_error(monkeypatch):
    points, actions = _case(trips=30, rows=2000)
    context = make_input(points, actions)
    lay = random_entry._build(context)
    honest = kernels.neutral

    def biased(key, first, *rest):
        honest(key, first, *rest)
        rest[-1][first + np.arange(len(rest[-1])) == 3, 1] += np.uint64(1)

    monkeypatch.setattr(kernels, "neutral", biased)
    with pytest.raises(EngineError, match="mirrored pair 3"):
        random_entry._neutral(context, lay)
