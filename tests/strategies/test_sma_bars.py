"""The twelve lines of README, of docs/STRATEGIES.md and of examples/sma_bars.py."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from quantlaxmi import BarStrategy, CostModel, backtest, crossover
from quantlaxmi.strategies.read_source import read_source
from quantlaxmi.strategies.registry import StrategyRegistry
from tests.gates.test_bar_flips import frame, segment_of
from tests.strategies.test_bar_strategy import crosses_by_hand

ROOT = Path(__file__).parents[2]
FREE = CostModel.binance()
EXAMPLE = ROOT / "examples" / "sma_bars.py"


def code_of(text: str) -> list[str]:
    """Lines of the strategy and of its imports, without comments, docstring and blanks."""
    text = re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    return [line for line in text.splitlines() if line.strip()]


def block(page: str) -> list[str]:
    found = re.search(r"^    import pandas.*?\n\n(?=\S)", page, re.DOTALL | re.MULTILINE)
    assert found
    return code_of(textwrap.dedent(found[0]))


def test_it_is_twelve_lines() -> None:
    lines = code_of(EXAMPLE.read_text(encoding="utf-8"))
    assert len(lines) == 12
    assert block((ROOT / "docs" / "STRATEGIES.md").read_text(encoding="utf-8")) == lines
    readme = block((ROOT / "README.md").read_text(encoding="utf-8"))[:12]
    plain = [line.replace("ql.", "").replace("rolling(3)", "rolling(10)") for line in readme]
    assert [line.replace("rolling(9)", "rolling(20)") for line in plain[2:]] == lines[2:]


def test_it_trades_what_is_computed_by_hand() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (extra dev)")
    table = frame(400, 31)
    strategy = StrategyRegistry().create(f"{EXAMPLE}:SmaCross")
    run = backtest(segment_of(table), strategy, costs=CostModel.binance())
    crossings = crosses_by_hand(table["close"].to_pylist(), 10, 20)
    held, expected = 0, []
    for k, side in crossings:
        if side != held and k < 399:
            expected.append((1_704_067_200 + 3600 * (k + 1), side))
            held = side
    made = zip(run.exact.decisions["ts_ns"] // 10**9, run.exact.legs["side"], strict=True)
    assert [(int(ts), int(side)) for ts, side in made] == expected
    assert len(expected) > 10


def test_its_source_has_nothing_that_differs_between_machines() -> None:
    assert list(read_source(EXAMPLE)) == []


def test_the_means_of_ta_lib_trade_the_same() -> None:
    """Its means are NaN where those of pandas are, and turn at the same bars."""
    talib = pytest.importorskip("talib", reason="TA-Lib is not installed (extra dev)")

    class OfTaLib(BarStrategy):
        strategy_id = "sma_cross"

        def init(self) -> None:
            self.fast = self.I(talib.SMA, self.data.close, 10)
            self.slow = self.I(talib.SMA, self.data.close, timeperiod=20)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.target(self.symbol, 1)
            elif crossover(self.slow, self.fast):
                self.target(self.symbol, -1)

    segment = segment_of(frame(400, 31))
    ours = backtest(segment, StrategyRegistry().create(f"{EXAMPLE}:SmaCross"), costs=FREE)
    theirs = backtest(segment, OfTaLib(), costs=FREE)
    assert len(ours.exact.decisions) > 10
    assert ours.exact.decisions["ts_ns"].tolist() == theirs.exact.decisions["ts_ns"].tolist()
    assert ours.exact.legs["side"].tolist() == theirs.exact.legs["side"].tolist()
    assert ours.net == theirs.net


def test_several_outputs_of_ta_lib_are_one_indicator() -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib is not installed (extra dev)")

    class Bands(BarStrategy):
        strategy_id = "bands"

        def init(self) -> None:
            close = self.data.close
            self.upper, self.middle, self.lower = self.I(talib.BBANDS, close, 20, outputs=3)

        def next(self) -> None:
            assert self.lower[-1] <= self.middle[-1] <= self.upper[-1]
            self.target(self.symbol, 1 if self.data.close[-1] < self.lower[-1] else 0)

    assert backtest(segment_of(frame(400, 31)), Bands(), costs=FREE).n_fills > 0
