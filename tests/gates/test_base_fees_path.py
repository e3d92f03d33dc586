"""A run whose buys of spot pay in base has a path: its money is the ledger's, its costs its own."""

from __future__ import annotations

from pathlib import Path

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates.observation import RunObservation
from quantlaxmi.gates.path.placement import clean_bundles
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import FillFlag
from quantlaxmi.segment import open_segment
from tests.run.test_base_fees import bought
from tests.twins import run_case

DATA = Path(__file__).resolve().parents[2] / "data"


def test_an_action_that_paid_in_base_carries_its_own_cost() -> None:
    run = backtest(
        open_segment(DATA / "planted"),
        "basis_capture",
        costs=CostModel(rates={}, buy_fee={"spot": "base"}),
    )
    observed = RunObservation(run)
    paid = {int(fill["decision"]) for fill in run.exact.fills if fill["flags"] & FillFlag.BASE_FEE}
    assert paid
    path = observed.path
    assert path.net == run.net_pnl
    actions = [a for trip in path.trips for a in trip.actions if not a.mark]
    points = observed.decision_points
    rows = {int(run.exact.decisions["seq"][d]) for d in paid}
    mine = [a for a in actions if int(points.seq[a.row]) in rows]
    assert mine
    assert not any(a.clean for a in mine)
    costs = clean_bundles(actions)
    points.prepare(costs)
    for a in actions:
        if a.clean:
            found = points.cost(a.bundle)
            assert int(found.values[a.row]) * found.unit == a.cost


def test_a_fee_below_a_step_is_no_row_s_cost_either() -> None:
    """Nothing was taken yet, so all that was ordered was received, and cost less than it will."""
    run, _ = run_case(bought("coarse", qty=2, flatten=False))
    [fill] = run.exact.fills
    assert (fill["qty"], fill["flags"], fill["fee_lo"]) == (2, FillFlag.BASE_FEE, 0)
    [trip] = RunObservation(run).path.trips
    assert not trip.actions[0].clean
