"""One config of a run: equal terms are one key; nothing below the public functions splits it."""

from __future__ import annotations

import ast
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import quantlaxmi
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.execution.latency import MAX_LATENCY_NS, Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run import RunConfig
from quantlaxmi.run.replay import backtest, run_columns, run_log
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import Window, open_segment
from tests.segment.test_parts import DATA

#: What a run is made with; one word may have several spellings.
LOOSE = {
    "costs": "costs",
    "limits": "limits",
    "latency": "latency",
    "latency_ns": "latency",
    "delays": "latency",
    "seed": "seed",
    "flatten": "flatten",
}
#: Public functions, which take keywords and build one config of them.
BUILDERS = {
    "run/config.py: of",
    "run/replay.py: backtest",
    "run/replay.py: replay",
    "report/run_gates.py: run_gates",
    "gates/look_ahead.py: verify_no_lookahead",
}


def test_only_public_functions_take_the_terms_of_a_run_loose():
    root = Path(quantlaxmi.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                taken = node.args
                names = [a.arg for a in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
                if len({LOOSE[name] for name in names if name in LOOSE}) > 2:
                    found.add(f"{path.relative_to(root).as_posix()}: {node.name}")
    assert found == BUILDERS


def spot(text: str) -> CostModel:
    rate = FixedPoint.from_text(text)
    return CostModel(rates={InstrumentKind.SPOT: FeeRate(maker_bps=rate, taker_bps=rate)})


OTHERS: dict[str, Any] = {
    "costs": spot("4"),
    "limits": RiskLimits(max_orders_per_second=3),
    "latency": LatencyModel(entry=Latency(table_ns=(1, 2))),
    "seed": 1,
    "flatten": True,
    "leg_latency_ns": 5,
    "settle_at": "mark",
    "latency_asked": True,
}


def test_every_term_changes_the_digest():
    base = RunConfig()
    digests = {replace(base, **{name: value}).digest for name, value in OTHERS.items()}
    assert len(digests | {base.digest}) == len(OTHERS) + 1
    assert {*OTHERS, "completed"} == set(RunConfig.__dataclass_fields__)


def test_equal_terms_are_one_key():
    a = RunConfig.of(costs=spot("4.0"), latency_ns=1_000_000)
    b = RunConfig.of(costs=spot("4"), latency=LatencyModel.constant(1_000_000))
    assert a == b
    assert hash(a) == hash(b)
    assert {a: "first"}[b] == "first"
    assert a != RunConfig.of(costs=spot("4.1"))
    assert a != "config"
    assert RunConfig() == RunConfig.of()


@pytest.mark.parametrize("config", [RunConfig(), RunConfig(**OTHERS)])
def test_a_config_travels(config):
    config.digest  # what was computed travels too
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    assert RunConfig.from_description(config.describe()) == config


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"seed": "1"}, InputError),
        ({"seed": -1}, InputError),
        ({"flatten": 2}, InputError),
        ({"costs": {}}, ConfigError),
        ({"more": 1}, ConfigError),
    ],
)
def test_a_description_that_is_none_is_refused(change, error):
    with pytest.raises(error):
        RunConfig.from_description({**RunConfig().describe(), **change})
    with pytest.raises(ConfigError):
        RunConfig.from_description({})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"costs": 4}, "costs.*was 4, expected CostModel"),
        ({"limits": {}}, "limits.*expected RiskLimits"),
        ({"latency": 10**6}, "latency.*expected LatencyModel"),
        ({"seed": True}, "seed.*was True"),
        ({"seed": 1 << 64}, "seed.*expected a whole number"),
        ({"latency_ns": -1}, "latency_ns.*was -1"),
        ({"latency_ns": "5"}, "latency_ns.*was '5'"),
        ({"latency_ns": 0.5}, "latency_ns.*was 0.5"),
        ({"latency_ns": float("nan")}, "latency_ns.*was nan"),
        ({"latency_ns": MAX_LATENCY_NS + 1}, "latency_ns.*expected 0 to"),
    ],
)
def test_wrong_terms_are_named(change, said):
    with pytest.raises(InputError, match=said):
        RunConfig.of(**change)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def test_costs_are_completed_once_for_a_segment(planted, monkeypatch):
    given = RunConfig()
    full = given.complete_for(planted)
    assert given.costs == CostModel(rates={})
    assert all(full.costs.covers(one) for one in planted.instruments)
    monkeypatch.setattr("quantlaxmi.run.config.run_costs", None)  # not asked again
    assert full.complete_for(planted) is full
    run = run_columns(planted, "basis_capture", full)
    assert run.config is full


def test_a_completed_config_takes_the_rates_of_another_market_s_date(planted, monkeypatch):
    """It kept those of the first date, and of the first market's instruments."""
    asked = []

    def rates(costs, instruments, first, last):
        asked.append((costs, first))
        return CostModel(rates=spot(str(len(asked))).rates)

    monkeypatch.setattr("quantlaxmi.run.config.run_costs", rates)
    given = RunConfig(costs=CostModel(rates={}, fee_exponent=-6))
    first = given.complete_for(planted)
    window = Window(planted, planted.last_seq - 100)
    second = first.complete_for(window)
    assert asked == [(given.costs, planted.first_ts_ns), (given.costs, window.first_ts_ns)]
    assert second.costs.rates == spot("2").rates
    assert first.complete_for(planted) is first
    replace(first, costs=spot("7")).complete_for(window)
    assert asked[-1][0] == spot("7")  # given since
    assert first.digest == replace(first, completed=None).digest


def test_both_routes_take_a_config_and_hash_it_into_the_header(planted):
    config = RunConfig(**(OTHERS | {"costs": CostModel(rates={})}))
    run, again = (route(planted, "basis_capture", config) for route in (run_columns, run_log))
    assert run.trace.outcome_hash == again.trace.outcome_hash
    keywords = backtest(
        planted,
        "basis_capture",
        limits=config.limits,
        latency=config.latency,
        seed=config.seed,
        flatten=config.flatten,
        leg_latency_ns=config.leg_latency_ns,
        settle_at=config.settle_at,
    )
    assert keywords.header == run.header
    assert keywords.config == run.config == config.complete_for(planted)
    assert run.header.seed == 1
    assert run.header.risk_hash == config.limits.risk_hash
    assert run.header.latency_hash == config.latency_hash
    plain = replace(config, leg_latency_ns=0)
    assert plain.latency_hash == config.latency.latency_hash(True, "mark") != config.latency_hash
    assert run.header.cost_hash == run.config.costs.cost_hash


def test_a_run_is_made_again_with_other_costs(planted):
    """What a run would have earned at double costs could not be asked for."""
    in_quote = CostModel(rates={}, buy_fee={"spot": "quote"})  # else what is received differs
    run = backtest(planted, "basis_capture", costs=in_quote)
    double = replace(run.config, costs=run.config.costs.scaled(Fraction(2)))
    dear = Rerun(run).again(config=double)
    assert dear.config == double
    assert dear.exact.gross_pnl == run.exact.gross_pnl
    anew = backtest(planted, "basis_capture", costs=double.costs)
    assert dear.trace.outcome_hash == anew.trace.outcome_hash
    fees = [sum(account.fees for account in one.exact.accounts) for one in (run, dear)]
    assert abs(fees[1] - 2 * fees[0]) <= run.n_fills * 10 ** (-8 - run.ledger_exponent)
    partial = replace(run.config, costs=in_quote)
    assert Rerun(run).again(config=partial).header == run.header
