"""What a setting of a grid made, by the kernel or by the whole run: the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import backtest, open_segment
from quantlaxmi.gates.path.clock_buckets import bucket_ends
from quantlaxmi.run import setting_gross
from quantlaxmi.run.grid_market import GridMarket, bind_setting
from quantlaxmi.run.setting_gross import gross_of_setting
from quantlaxmi.run.trial_lines import gross_of_run
from quantlaxmi.segment import Window
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.parameter_grid import grid_configs
from tests import cases, random_markets
from tests.depth import examples
from tests.random_markets import random_market
from tests.run.test_currencies import FREE, Turns, converted, market, rate_file
from tests.twins import run_case

DATA = Path(__file__).resolve().parents[2] / "data"


def market_of(run):
    segment = run.segment
    ends = bucket_ends(segment.first_ts_ns, segment.last_ts_ns)
    return GridMarket(segment, run.config, ends, run.weights)


def again(run):
    """What the setting of a run made, run over a grid's market."""
    return gross_of_setting(
        market_of(run),
        lambda: bind_setting(run.strategy.strategy, None, run.segment),
        run.conversion,
    )


@pytest.fixture
def whole_runs(monkeypatch):
    """Counts of the runs that were made whole."""
    made = []

    def counted(*args):
        made.append(args)
        return run_columns(*args)

    run_columns = setting_gross.run_columns
    monkeypatch.setattr(setting_gross, "run_columns", counted)
    return made


@given(seed=st.integers(0, 10**6), flatten=st.booleans())
@settings(max_examples=examples(30), deadline=None)
def test_random_runs(seed, flatten):
    tables = random_market(seed, 150, 2, True)
    schedule = random_markets.random_schedule(seed, 150)
    run, _ = run_case(cases.Case("gross", tables, schedule, latency_ns=1, flatten=flatten))
    assert again(run) == gross_of_run(run)


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_the_kernel_tells_what_whole_runs_tell(name, whole_runs):
    segment = open_segment(DATA / name)
    window = Window(segment, segment.first_seq + 999, segment.last_seq - 999)
    for config in grid_configs(BasisCapture())[:3]:
        for data in (segment, window):
            run = backtest(data, BasisCapture(config))
            found = again(run)
            assert found == gross_of_run(run)
            assert found.total is not None and found.round_trips > 30
    assert not whole_runs


def test_a_closing_that_nobody_decided_is_told_by_the_whole_run(whole_runs):
    run = backtest(DATA / "planted", BasisCapture(), flatten=True)
    cut = backtest(Window(run.segment, 0, 5_000), BasisCapture(), flatten=True)
    flattened = run if (run.exact.fills["decision"] < 0).any() else cut
    assert (flattened.exact.fills["decision"] < 0).any()
    assert again(flattened) == gross_of_run(flattened)
    assert len(whole_runs) == 1


def test_money_in_two_currencies_is_never_added(whole_runs, tmp_path):
    run = backtest(market(), Turns(), costs=FREE)
    found = again(run)
    assert found == gross_of_run(run)
    assert found.total is found.squares is None
    assert len(whole_runs) == 1
    one = converted(run, rate_file(tmp_path))
    assert again(one) == gross_of_run(one)
    assert again(one).total is not None
    assert len(whole_runs) == 1
