"""A run whose buys of spot pay in base has a path: its money is the ledger's, its costs its own."""

from __future__ import annotations

from pathlib import Path

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates.observation import RunObservation
from quantlaxmi.gates.path.placement import clean_bundles
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import FillFlag
from quantlaxmi.segment import open_segment
from tests.run.test_base_fees import bought, traded_net
from tests.twins import run_case

DATA = Path(__file__).resolve().parents[2] / "data"


def test_a_row_prices_a_buy_that_pays_in_base_as_the_engine_does() -> None:
    run = backtest(
        open_segment(DATA / "planted"),
        "basis_capture",
        costs=CostModel(rates={}, buy_fee={"spot": "base"}),
    )
    observed = RunObservation(run)
    paid = {int(fill["decision"]) for fill in run.exact.fills if fill["flags"] & FillFlag.BASE_FEE}
    assert paid
    path = observed.path
    assert path.net == run.exact.net_pnl
    actions = [a for trip in path.trips for a in trip.actions if not a.mark]
    points = observed.decision_points
    rows = {int(run.exact.decisions["seq"][d]) for d in paid}
    mine = [a for a in actions if int(points.seq[a.row]) in rows]
    assert mine
    assert sum(a.clean for a in mine) > 0.9 * len(mine)
    costs = clean_bundles(actions)
    points.prepare(costs)
    for a in actions:
        if a.clean:
            found = points.cost(a.bundle)
            assert int(found.values[a.row]) * found.unit == a.cost


def test_a_buy_before_which_something_was_owed_carries_its_own_cost() -> None:
    """At 10 bps a step is due with the thousandth unit, which no row can know."""
    case = traded_net(*[600, -600] * 4, universe="coarse")
    run, _ = run_case(case)
    trips = RunObservation(run).path.trips
    assert [trip.actions[0].clean for trip in trips] == [True, False, True, False]
    assert all(trip.actions[1].clean for trip in trips)


def test_a_fee_below_a_step_is_not_taken_at_any_row() -> None:
    run, _ = run_case(bought("coarse", qty=2, flatten=False))
    [fill] = run.exact.fills
    assert (fill["qty"], fill["flags"], fill["fee_lo"]) == (2, FillFlag.BASE_FEE, 0)
    [trip] = RunObservation(run).path.trips
    assert trip.actions[0].clean
