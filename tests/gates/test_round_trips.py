"""Trips and positions of a run: flat to flat, reversals, marks, faults."""

import numpy as np
import pytest

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import PathError, TradeRecords, build_path
from quantlaxmi.schema import OrderAction
from tests.gate_fakes import make_path, make_run, walk_points

GRID = walk_points(9, 60, instruments=3)


def _build(run):
    return build_path(
        TradeRecords(**run), seq=GRID.seq, mid2=GRID.mid2, units=attribution_units(GRID)
    )


def _shape(path):
    return [[(a.row, a.bundle) for a in trip.actions] for trip in path.trips]


def test_flat_to_flat_of_the_bundle():
    path = make_path(
        GRID,
        [(1, {0: 2, 1: -2}), (5, {0: -2}), (7, {1: 2}), (9, {2: 1}), (12, {2: 2}), (20, {2: -3})],
    )
    assert _shape(path) == [
        [(1, ((0, 2), (1, -2))), (5, ((0, -2),)), (7, ((1, 2),))],
        [(9, ((2, 1),)), (12, ((2, 2),)), (20, ((2, -3),))],
    ]
    assert [r for r, _ in path.changes] == [1, 5, 7, 9, 12, 20]
    assert path.changes[1] == (5, ((1, -2),))
    assert path.short_actions == path.reversals == path.stray_cost == 0


@pytest.mark.parametrize(
    ("turn", "then"),
    [({0: -5, 1: 5}, ((0, -3), (1, 3))), ({0: -2, 1: 2, 2: 4}, ((2, 4),))],
)
def test_reversals_are_two_actions_on_one_row(turn, then):
    run = make_run(GRID, [(1, {0: 2, 1: -2}), (5, turn), (9, {i: -q for i, q in then})])
    path = _build(run)
    assert _shape(path) == [
        [(1, ((0, 2), (1, -2))), (5, ((0, -2), (1, 2)))],
        [(5, then), (9, tuple((i, -q) for i, q in then))],
    ]
    assert path.reversals == 1
    assert sum(a.cost for t in path.trips for a in t.actions) == path.cost == sum(run["cost"])
    assert [r for r, _ in path.changes] == [1, 5, 9]
    assert not path.trips[0].actions[1].clean


def test_partly_turned_bundles_stay_one_trip():
    path = make_path(GRID, [(1, {0: 2, 1: -2}), (5, {0: -4}), (9, {0: 2, 1: 2})])
    assert len(path.trips) == 1
    assert path.reversals == 0


def test_open_end_is_marked_at_the_last_row():
    path = make_path(GRID, [(1, {0: 2}), (5, {0: -2}), (50, {1: 3})])
    last = path.trips[-1].actions[-1]
    assert path.trips[-1].open_at_end
    assert (last.row, last.bundle, last.cost, last.clean, last.mark) == (
        59,
        ((1, -3),),
        0,
        False,
        True,
    )
    assert path.changes[-1] == (59, ())


def test_short_fills_and_what_leaves_nothing():
    """A decision filled in part; one whose fills cancel out still costs."""
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2}), (8, {1: 4})], wanted={0: {0: 3}})
    undone = run["fills"][-1:].copy()
    undone["side"] = -1
    run["fills"] = np.concatenate([run["fills"], undone])
    run["gross"].append(-run["gross"][-1])
    run["cost"].append(11)
    run["borrow"].append(5)
    path = _build(run)
    assert path.short_actions == 2
    assert (path.stray_cost, path.strays) == (run["cost"][2] + 11 + 5, 1)
    assert len(path.trips) == 1
    assert path.cost == sum(run["cost"])


def test_no_fills_no_path():
    path = make_path(GRID, [])
    assert path.trips == path.changes == ()
    assert path.gross == path.cost == 0


def test_decision_off_the_grid_has_no_path():
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2})])
    run["decisions"]["seq"][1] += 1
    with pytest.raises(PathError, match="Decision 1 at message 17"):
        _build(run)
    run["decisions"]["seq"][1] = 10**9
    with pytest.raises(PathError, match="not valid"):
        _build(run)


def test_flattened_runs_have_no_path():
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2})])
    run["fills"]["decision"][1] = -1
    with pytest.raises(PathError, match="without flattening"):
        _build(run)


def test_attribution_that_is_not_the_mid_is_an_engine_error():
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2})])
    run["gross"][1] += 1
    with pytest.raises(EngineError, match="attributed"):
        _build(run)
    run["gross"].pop()
    with pytest.raises(EngineError, match="2 fills have 1 attributions"):
        _build(run)


def test_fills_out_of_the_order_of_their_decisions_have_no_path():
    """As of orders that rested: the rows of the decisions do not tell what was held."""
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2})])
    run["fills"] = run["fills"][::-1].copy()
    with pytest.raises(PathError, match="Fill 1 is of decision 0 and came after one of decision 1"):
        _build(run)


def test_changes_of_orders_are_not_intended_quantities():
    run = make_run(GRID, [(1, {0: 2}), (5, {0: -2})])
    change = run["legs"][:1].copy()
    change["action"], change["qty"], change["order_type"] = OrderAction.MODIFY, 9, 1
    run["legs"] = np.concatenate([run["legs"], change])
    path = _build(run)
    assert path.short_actions == 0
    assert path.has_resting_orders
