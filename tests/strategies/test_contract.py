"""The public contract suite: the bundled strategy and its other forms keep it; cheats do not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import DecisionType, Side
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import (
    Bounds,
    CryptoStrategy,
    IndiaOptionsStrategy,
    StrategyConfig,
    StrategyRegistry,
)
from quantlaxmi.strategies.contract import CHECKS, check_strategy

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
NUMBA = f"{ROOT}/examples/basis_capture_numba.py:Basis"
PYTHON = f"{ROOT}/examples/basis_capture_python.py:Basis"
SETS = {
    "defaults": [],
    "filters": [
        "threshold_bps=2 exit_threshold_bps=1 cooldown_ms=100 max_trades_per_hour=9",
        "max_spread_bps=0.9 max_quote_age_ms=1500 min_bid_qty=0.02 min_ask_qty=0.02",
    ],
    "unhedged": ["hedged=false cooldown_ms=0"],
}


@pytest.fixture(scope="module", params=["planted", "edgeless"])
def segment(request):
    return open_segment(DATA / request.param)


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
def test_every_form_gives_one_trace(segment, sets):
    found = StrategyRegistry()
    wanted = backtest(segment, found.create("basis_capture", sets=sets))
    assert wanted.n_decisions
    for name, run, interpreted in (
        ("basis_capture", replay, False),
        ("basis_capture", backtest, True),
        (NUMBA, backtest, False),
        (NUMBA, backtest, True),
        (PYTHON, backtest, False),
        (PYTHON, replay, False),
    ):
        other = run(segment, found.create(name, sets=sets), interpreted=interpreted)
        assert other.trace.trace_hash == wanted.trace.trace_hash, name
        assert other.trace.outcome_hash == wanted.trace.outcome_hash, name


def trades_crypto(name):
    return not issubclass(StrategyRegistry().get(name), IndiaOptionsStrategy)


@pytest.mark.parametrize("name", [*filter(trades_crypto, StrategyRegistry().list()), NUMBA, PYTHON])
def test_strategies_keep_the_contract(segment, name):
    strategy = StrategyRegistry().get(name)
    assert len(list(check_strategy(strategy, segment, backtest))) == len(CHECKS)


def test_the_suite_runs_from_a_command_line(capsys):
    check = ["strategies", "check"]
    planted = ["--segment-dir", str(DATA / "planted")]
    assert main_crypto([*check, PYTHON, *planted, "--set", "cooldown_ms=0"]) == 0
    assert capsys.readouterr().out.count("holds: ") == len(CHECKS)
    assert main_crypto([*check, "no_such", *planted]) == 2
    assert "unknown strategy" in capsys.readouterr().err
    assert main_crypto([*check, PYTHON]) == 0  # on a generated segment
    assert capsys.readouterr().out.count("holds: ") == len(CHECKS)


def test_a_broken_contract_is_told_on_a_command_line(capsys, tmp_path):
    path = tmp_path / "draws.py"
    path.write_text(
        "import itertools\n"
        "from quantlaxmi.events import LegIntent\n"
        "from quantlaxmi.schema import Side\n"
        "from quantlaxmi.strategies.sdk import CryptoStrategy\n"
        "count = itertools.count()\n"
        "class Draws(CryptoStrategy):\n"
        "    strategy_id = 'draws'\n"
        "    def on_market(self, event, ctx):\n"
        "        if next(count) % 997 or ctx.in_flight:\n"
        "            return None\n"
        "        symbol = ctx.instruments[0].symbol\n"
        "        return ctx.decide([LegIntent(symbol, Side.BUY, 1000)], rationale='rule')\n"
    )
    folder = str(DATA / "planted")
    assert main_crypto(["strategies", "check", str(path), "--segment-dir", folder]) == 1
    assert "broken: draws: check_runs_equal: a second run differs" in capsys.readouterr().out


def test_the_suite_runs_from_python():
    assert len(list(quantlaxmi.check_strategy("basis_capture", DATA / "planted"))) == len(CHECKS)


class Every(CryptoStrategy):
    """Buys at every 400th quote of the first instrument, sells 200 later."""

    strategy_id = "every"
    rationales = ("count",)

    def on_start(self, ctx):
        self.seen = 0
        self.first = ctx.instruments[0].symbol

    def on_market(self, event, ctx):
        self.seen += 1
        if self.seen % 200 or ctx.in_flight:
            return None
        return self.trade(ctx, Side.SELL if ctx.position(self.first).qty > 0 else Side.BUY)

    def trade(self, ctx, side):
        kind = DecisionType.ENTER if side == Side.BUY else DecisionType.EXIT
        return ctx.decide(
            [LegIntent(self.first, side, 1000)],
            rationale="count",
            decision_type=kind,
            direction=int(side),
        )


def test_an_honest_strategy_passes(segment):
    assert len(list(check_strategy(Every, segment, backtest))) == len(CHECKS)


class Remembers(Every):
    """Keeps state outside of its object."""

    total = 0

    def on_market(self, event, ctx):
        Remembers.total += 1
        self.seen = self.total
        return super().on_market(event, ctx)


class Peeks(Every):
    """Looks how much of the recording is left."""

    length = None

    def on_market(self, event, ctx):
        if event.seq > Peeks.length // 3:
            return None
        return super().on_market(event, ctx)


class Loose(StrategyConfig, frozen=True, kw_only=True):
    level: Annotated[int, Bounds(ge=0, le=5)] = 1

    def canonical_bytes(self):
        return b"always"


class Unhashed(Every):
    Config = Loose


class Anywhere(Every):
    """Accepts a segment of nothing."""

    def bind(self, instruments, *, interpreted=False):
        return super().bind(instruments or open_segment(DATA / "planted").instruments)


@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        (Remembers, "check_runs_equal|check_no_look_ahead"),
        (Unhashed, "check_settings_move_hash: level does not move config_hash"),
        (Anywhere, "check_binding: binding to no instruments is not refused"),
    ],
)
def test_cheats_are_caught(cheat, said):
    with pytest.raises(StrategyError, match=said):
        list(check_strategy(cheat, open_segment(DATA / "planted"), backtest))


def test_look_ahead_is_caught():
    def telling(segment, strategy, **options):
        Peeks.length = int(segment.columns("quotes")["seq"][-1])
        return backtest(segment, strategy, **options)

    with pytest.raises(StrategyError, match="check_no_look_ahead"):
        list(check_strategy(Peeks, open_segment(DATA / "planted"), telling))
