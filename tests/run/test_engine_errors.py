"""What a strategy raises, an interrupt, rows that cannot be: one line, or the exception itself."""

import numpy as np
import pytest

from quantlaxmi.errors import EngineError, InputError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import MAX_LATENCY_NS
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES, Side
from tests import random_markets, traded, twins
from tests.market_builder import MarketBuilder, MemorySegment


class Failing(twins.Script):
    """Raises ``error`` at call 3, or at its first fill."""

    error: Exception | type[BaseException] = ValueError("a\nmessage of\n\nlines")
    at_fill = False

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls > 3 and not self.at_fill:
            raise self.error
        return ctx.decide([LegIntent("S", Side.BUY, 1)], rationale=twins.RATIONALES[0])

    def on_fill(self, fill):
        if self.at_fill:
            raise self.error


def failing(**fields):
    return type("Failing", (Failing,), {"log": [], "strategy_id": "failing", **fields})()


LONG = MemorySegment(random_markets.random_market(2, 120), traded.UNIVERSES["coarse"])


@pytest.mark.parametrize("route", [backtest, replay])
@pytest.mark.parametrize("at_fill", [False, True])
def test_a_strategy_that_raises_gives_one_line(route, at_fill):
    with pytest.raises(StrategyError) as caught:
        route(LONG, failing(at_fill=at_fill), costs=traded.COSTS[0], latency_ns=0)
    text = str(caught.value)
    assert "\n" not in text
    assert "failing" in text
    assert "ValueError" in text
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at_fill", [False, True])
def test_an_interrupt_comes_through(error, at_fill):
    with pytest.raises(error):
        backtest(LONG, failing(error=error, at_fill=at_fill), costs=traded.COSTS[0], latency_ns=0)


def test_time_that_goes_back_is_refused():
    builder = MarketBuilder().quote(0, 9, 9, 10, 9).wait(-1).quote(0, 9, 9, 10, 9)
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["coarse"])
    with pytest.raises(EngineError, match="goes back at message seq 1"):
        backtest(segment, twins.script({}), costs=traded.COSTS[0])


@pytest.mark.parametrize("table", [t for t in TABLES if t not in OPTIONAL_TABLES])
@pytest.mark.parametrize("index", [-1, 2, 30_000])
def test_an_instrument_out_of_range_is_refused(table, index):
    builder = MarketBuilder()
    builder.quote(0, 9, 9, 10, 9).trade(0, 9, 9, 1).funding(0, 9, 9, 9)
    builder.depth(0, (1, 1, -1), [(1, 5, 5)])
    tables = builder.tables()
    tables[table]["instrument"] = np.array([index], np.int16)
    segment = MemorySegment(tables, traded.UNIVERSES["coarse"])
    with pytest.raises(EngineError, match="does not have"):
        backtest(segment, twins.script({}), costs=traded.COSTS[0])


@pytest.mark.parametrize("latency", [-1, MAX_LATENCY_NS + 1])
def test_latency_out_of_range_is_refused(latency):
    with pytest.raises(InputError, match="latency_ns"):
        backtest(LONG, twins.script({}), latency_ns=latency)


def test_columns_of_unequal_length_are_refused():
    tables = {t: dict(c) for t, c in random_markets.random_market(2, 30).items()}
    tables["quotes"]["ask"] = tables["quotes"]["ask"][:-1]
    with pytest.raises(ValueError, match="'ask' has"):
        backtest(
            MemorySegment(tables, traded.UNIVERSES["coarse"]),
            twins.script({}),
            costs=CostModel.binance(),
        )
