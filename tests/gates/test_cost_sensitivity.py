"""Cost sensitivity: one division where fills do not depend on costs, re-runs where they do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy, Verdict, cost_sensitivity, net_positive
from quantlaxmi.gates.g3_suite import G3RobustnessSuite
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.results import CostSensitivityResult
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies.registry import StrategyRegistry
from tests.gates.test_engine import PARTS

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def run(segment):
    return backtest(segment, "basis_capture")


def judged(run, **settings):
    [found] = cost_sensitivity.GATE.judge(
        context_of(run, GatePolicy(cost_sensitivity=settings) if settings else GatePolicy())
    )
    assert isinstance(found, CostSensitivityResult) and found.role == "guard"
    return found


def test_the_stress_is_the_formula_and_a_rerun(run):
    found = judged(run)
    amounts = context_of(run, GatePolicy()).amounts
    unit = Fraction(10) ** (run.ledger_exponent - 1)
    left = (amounts.net - Fraction(amounts.fees, 2) - Fraction(amounts.notional, 20_000)) * unit
    assert found.verdict is Verdict.PASS
    assert found.details["net_at_stress"] == pytest.approx(float(left), rel=1e-8)
    assert found.details["fills_depend_on_costs"] is False
    # A run that pays so much more has that net, up to the rounding of each fee; of those in base
    # less than a step is owed at the end.
    costs = run.config.costs.scaled(Fraction(3, 2), Fraction(1, 2))
    again = Rerun(run).again(config=replace(run.config, costs=costs))
    spot = run.instruments[0]
    step = int(run.exact.fills["price"].max()) * Fraction(10) ** spot.price_exponent
    rounding = len(run.exact.fills) * Fraction(1, 10**8) + step * spot.base_unit
    assert abs(again.exact.net_pnl * unit - left) <= rounding


def test_break_evens_are_one_division_and_net_is_zero_there(run):
    found, amounts = judged(run), context_of(run, GatePolicy()).amounts
    multiplier = Fraction(amounts.net + amounts.fees, amounts.fees)
    points = Fraction(10_000 * amounts.net, amounts.notional)
    assert amounts.stressed(multiplier, Fraction(0)) == amounts.stressed(Fraction(1), points) == 0
    assert found.break_even_fee_multiplier == pytest.approx(float(multiplier), rel=1e-8)
    assert found.break_even_bps == pytest.approx(float(points), rel=1e-8)
    for name, value in (("multiplier", multiplier), ("bps", points)):
        low, high = found.details[f"{name}_interval_95"]
        assert low < value < high


def test_the_surface_falls_with_costs_and_has_the_run_in_it(run):
    surface = judged(run).details["surface"]
    net = np.array(surface["net"])
    assert surface["fee_multipliers"] == [0, 0.5, 1, 1.5, 2, 2.5, 3] == surface["extra_bps"]
    assert (np.diff(net, axis=0) < 0).all() and (np.diff(net, axis=1) < 0).all()
    unit = Fraction(10) ** (run.ledger_exponent - 1)
    assert net[2, 0] == pytest.approx(float(run.exact.net_pnl * unit), rel=1e-8)


def test_a_stress_above_the_break_even_fails(run):
    found = judged(run, fee_multiplier="2.5")
    assert found.verdict is Verdict.FAIL
    assert found.reasons[0].endswith("Trade less often, or for more.")


def test_fills_that_depend_on_costs_are_made_again(segment):
    # The run stops when its loss passes a limit: dearer fees stop it sooner.
    limits = RiskLimits(max_loss=FixedPoint(5, 0), on_max_loss="refuse")
    run = backtest(segment, "basis_capture", limits=limits)
    found = judged(run, intervals=2, most_multiplier="3", most_bps="2")
    assert found.details["fills_depend_on_costs"] is True
    unit = Fraction(10) ** (run.ledger_exponent - 1)
    for m, multiplier in enumerate((0, Fraction(3, 2), 3)):
        for c, points in enumerate((0, 1, 2)):
            costs = run.config.costs.scaled(Fraction(multiplier), Fraction(points))
            again = Rerun(run).again(config=replace(run.config, costs=costs))
            shown = found.details["surface"]["net"][m][c]
            assert shown == pytest.approx(float(again.exact.net_pnl * unit), rel=1e-8)
    at = found.break_even_fee_multiplier
    if at is not None:
        nets = [
            Rerun(run)
            .again(config=replace(run.config, costs=run.config.costs.scaled(Fraction(Decimal(x)))))
            .exact.net_pnl
            for x in (f"{at - 0.0001:.4f}", f"{at + 0.0001:.4f}")
        ]
        assert nets[0] > 0 >= nets[1]


def test_results_do_not_depend_on_threads(run):
    found = [
        cost_sensitivity.GATE.judge(context_of(run, GatePolicy(), threads=n))[0].to_json()
        for n in (1, 2)
    ]
    assert found[0] == found[1]


def test_no_fill_is_inconclusive(segment):
    never = StrategyRegistry().create("basis_capture", sets=("threshold_bps=9000",))
    run = backtest(segment, never)
    assert not len(run.exact.fills)
    found = judged(run)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ("Fills: none. Run on more data.",)


def test_costs_out_of_bounds_are_one_sentence(run):
    found = judged(run, most_multiplier="100", most_bps="100")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons[0].startswith("Run at other costs: ")
    with pytest.raises(ConfigError, match=r"cost_sensitivity\.least_multiplier"):
        GatePolicy(cost_sensitivity={"least_multiplier": "3"})


def test_a_path_without_a_strategy_is_judged_by_the_formula(run):
    context = replace(context_of(run, GatePolicy()), rerun=None)
    [found] = cost_sensitivity.GATE.judge(context)
    assert found.verdict is Verdict.PASS and found.details["fills_depend_on_costs"] is None


def test_the_suite_takes_a_range_of_fees(run):
    suite = G3RobustnessSuite.from_run(run)
    surface = suite.run_cost_sensitivity((1, 2.5)).details["surface"]
    assert (surface["fee_multipliers"][0], surface["fee_multipliers"][-1]) == (1, 2.5)
    assert suite.run_cost_sensitivity() == judged(run)
    for wrong in ((2, 1), (1,), "12", (0, 1000), (-1, 2)):
        with pytest.raises(ConfigError):
            suite.run_cost_sensitivity(wrong)
    assert [one.regime for one in suite.run_regime_slicing()][-1] == "chop_high_volatility"


def test_components_and_rounded_notes_are_stressed_as_a_rerun_pays_them(segment):
    """Taxes stay shares; amounts an order, and sums of days, are multiplied, then rounded."""
    in_quote = msgspec.structs.replace(PARTS, buy_fee={"spot": "quote"})
    run = backtest(segment, "basis_capture", costs=in_quote)
    found, unit = judged(run, intervals=2), Fraction(10) ** (run.ledger_exponent - 1)
    assert found.details["fills_depend_on_costs"] is False
    amounts = context_of(run, GatePolicy()).amounts
    assert amounts.rounding and amounts.notes
    # Spot pays a rate, of which each fee is rounded; each of the other is exact.
    spot = int((run.exact.fills["instrument"] == 0).sum()) * Fraction(1, 10**8)
    for multiplier in (Fraction(0), Fraction(3, 2), Fraction(3)):
        costs = run.config.costs.scaled(multiplier, Fraction(1, 2))
        again = Rerun(run).again(config=replace(run.config, costs=costs))
        left = amounts.stressed(multiplier, Fraction(1, 2)) * unit
        made = again.exact.net_pnl * Fraction(10) ** (again.ledger_exponent - 1)
        assert abs(made - left) <= spot
    assert net_positive.GATE.judge(context_of(run, GatePolicy()))[0].details["rounding"]
