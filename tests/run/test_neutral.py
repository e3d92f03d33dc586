"""Neutral features and filters marked in settings: what the ablation takes away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.features import NAMES, NEUTRAL
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import Side
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import (
    Bounds,
    CryptoStrategy,
    FeatureSpec,
    Filter,
    StrategyConfig,
    StrategyRegistry,
)

ROOT = Path(__file__).parents[2]
FORMS = [
    ("basis_capture", False),
    ("basis_capture", True),
    (f"{ROOT}/examples/basis_capture_numba.py:Basis", False),
    (f"{ROOT}/examples/basis_capture_numba.py:Basis", True),
    (f"{ROOT}/examples/basis_capture_python.py:Basis", False),
]


@pytest.fixture(scope="module")
def segment():
    return open_segment(ROOT / "data/planted")


class Watch(CryptoStrategy):
    """Notes its two features at every quote; buys once on context alone."""

    strategy_id = "watch"
    rationales = ("once",)

    def features(self, instruments):
        return (FeatureSpec("mid_basis", (0, 1)), FeatureSpec("mid_basis", (0, 1), signal=False))

    def on_start(self, ctx):
        self.seen = []
        self.slots = [ctx.feature(k) for k in range(2)]

    def on_market(self, event, ctx):
        self.seen.append([(f.num, f.den, f.value) for f in self.slots])
        if len(self.seen) != 1000:
            return None
        return ctx.decide([LegIntent(event.symbol, Side.BUY, 10**6)], rationale="once")


def test_every_feature_says_what_neutral_means():
    assert set(NEUTRAL) == set(NAMES)


def test_a_neutral_slot_says_nothing_and_keeps_its_validity(segment):
    plain, neutral = (Watch().bind(segment.instruments) for _ in range(2))
    assert plain.signals == (0,)
    neutral = neutral.neutralised(neutral.signals)
    backtest(segment, plain)
    backtest(segment, neutral)
    whole, taken = np.array(plain.instance.seen), np.array(neutral.instance.seen)
    assert (taken[:, 1] == whole[:, 1]).all()  # context stays
    assert (taken[:, 0, 0] == 0).all() and (taken[:, 0, 2] == 0).all()
    assert (taken[:, 0, 1] == (whole[:, 0, 1] > 0)).all()
    assert {0, 1} >= set(taken[:, 0, 1]) and whole[:, 0, 0].any()


@pytest.mark.parametrize(("name", "interpreted"), FORMS, ids=str)
def test_basis_capture_without_its_basis_never_trades(segment, name, interpreted):
    bound = StrategyRegistry().create(name).bind(segment.instruments, interpreted=interpreted)
    run = backtest(segment, bound.neutralised(bound.signals))
    assert run.n_decisions == 0 and run.exact.net_pnl == 0
    if not interpreted:
        assert decision_points(run).can_trade.any()  # its filters hold as before


def test_both_routes_agree_on_a_neutral_run(segment):
    made = []
    for route in (backtest, replay):
        bound = Watch().bind(segment.instruments)
        made.append(route(segment, bound.neutralised(bound.signals)).trace)
    assert made[0].trace_hash == made[1].trace_hash


def test_a_neutral_run_does_not_pass_for_the_strategy(segment):
    rerun = Rerun(backtest(segment, "basis_capture"))
    assert rerun.again().header == rerun.run.header
    neutral = rerun.again(neutral=(0,))
    assert neutral.header.config_hash != rerun.run.header.config_hash
    assert rerun.again(neutral=(0,)).header == neutral.header


def test_neutralised_refuses_what_is_not_declared(segment):
    bound = Watch().bind(segment.instruments)
    assert bound.neutralised(()) is bound
    for slots in ((2,), (-1,)):
        with pytest.raises(StrategyError, match="neutralises a signal it does not declare"):
            bound.neutralised(slots)
    with pytest.raises(StrategyError, match="neutralised already"):
        bound.neutralised((0,)).neutralised((1,))


class Settings(StrategyConfig, frozen=True, kw_only=True):
    width: Annotated[FixedPoint, Bounds(ge=0), Filter()] = FixedPoint(0, -2)
    ages: Annotated[int | None, Filter(off=None, limits="rate")] = None
    calm: Annotated[bool, Filter(off=False)] = False
    mode: Annotated[str, Filter(off="any")] = "any"
    plain: int = 4


def test_filters_are_on_when_their_value_is_another():
    assert Settings().filters() == {}
    config = Settings.from_mapping(
        {"mode": "night", "calm": True, "ages": 0, "width": "0.5", "plain": 9}
    )
    assert list(config.filters()) == ["width", "ages", "calm", "mode"]
    assert config.filters()["ages"].limits == "rate"
    for name in config.filters():
        off = config.without(name)
        assert name not in off.filters() and len(off.filters()) == 3
        assert off.plain == 9
    for name in ("plain", "nothing"):
        with pytest.raises(ConfigError, match=f"{name}.*not a setting marked as a filter"):
            config.without(name)


def test_a_filter_needs_a_value_the_field_may_have():
    class Wrong(StrategyConfig, frozen=True, kw_only=True):
        size: Annotated[int, Bounds(ge=1), Filter()] = 3

    with pytest.raises(ConfigError, match=r"off of field size.*at least 1"):
        Wrong()


def test_basis_capture_marks_its_filters():
    config = (
        StrategyRegistry()
        .create(
            "basis_capture",
            sets=["max_spread_bps=1 min_bid_qty=1 min_ask_qty=1 max_trades_per_hour=5"],
        )
        .config
    )
    assert {name: f.limits for name, f in config.filters().items()} == {
        "max_quote_age_ms": "market",
        "cooldown_ms": "rate",
        "max_spread_bps": "market",
        "min_bid_qty": "market",
        "min_ask_qty": "market",
        "max_trades_per_hour": "rate",
    }


def test_settings_may_not_take_names_that_settings_use():
    class Clash(StrategyConfig, frozen=True, kw_only=True):
        filters: int = 3

    with pytest.raises(ConfigError, match=r"filters.*settings use themselves"):
        Clash()


def test_other_settings_need_a_strategy_made_of_settings(segment):
    class Fed(Watch):
        strategy_id = "fed"

        def __init__(self, levels, config=None):
            super().__init__(config)
            self.levels = levels

        def fresh(self):
            return type(self)(self.levels, self.config)

    class Deaf(Watch):
        strategy_id = "deaf"

        def __init__(self, _config=None):
            super().__init__()

    for strategy, said in ((Fed([1]), "does not keep"), (Deaf(), "does not keep")):
        rerun = Rerun(backtest(segment, strategy.bind(segment.instruments)))
        with pytest.raises(StrategyError, match=said):
            rerun.bind(type(strategy).Config())

    class Long(Watch):
        strategy_id = "long"

        def __init__(self, one=None, two=None):
            if one is not None and two is None:
                raise TypeError("two is missing")
            super().__init__()

        def fresh(self):
            return type(self)()

    rerun = Rerun(backtest(segment, Long()))
    with pytest.raises(StrategyError, match="settings alone: two is missing"):
        rerun.bind(Long.Config())
