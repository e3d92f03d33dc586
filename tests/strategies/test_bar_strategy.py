"""What a strategy over bars may read and declare, and how it is told off."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

import quantlaxmi as ql
from quantlaxmi import BarStrategy, CostModel, backtest, crossover, open_segment, replay
from quantlaxmi.errors import StrategyError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.gates.look_ahead import verify_no_lookahead
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment.window import Window
from quantlaxmi.strategies.contract import CHECKS, check_strategy
from quantlaxmi.strategies.standing_orders import StandingOrders
from tests.gates.test_bar_flips import frame, replays_of, segment_of

COSTS = CostModel.binance()


def mean(values, n):
    """Moving mean of whole numbers, exact in doubles."""
    out = np.full(len(values), np.nan)
    if len(values) >= n:
        total = np.cumsum(values)
        out[n - 1 :] = (total[n - 1 :] - np.concatenate([[0.0], total[:-n]])) / n
    return out


class SmaCross(BarStrategy):
    strategy_id = "sma_cross"

    def init(self):
        self.fast = self.I(mean, self.data.close, 3)
        self.slow = self.I(mean, self.data.close, 8)

    def next(self):
        if crossover(self.fast, self.slow):
            self.target(self.symbol, 1)
        elif crossover(self.slow, self.fast):
            self.target(self.symbol, -1)


def crosses_by_hand(closes, fast, slow):
    """Bar and side of every crossing, in Fractions."""

    def means(n):
        return [Fraction(sum(closes[k - n + 1 : k + 1]), n) for k in range(slow - 1, len(closes))]

    a, b = means(fast), means(slow)
    found = []
    for k in range(1, len(a)):
        if a[k - 1] < b[k - 1] and a[k] > b[k]:
            found.append((k + slow - 1, 1))
        elif a[k - 1] > b[k - 1] and a[k] < b[k]:
            found.append((k + slow - 1, -1))
    return found


def test_a_crossover_is_the_one_computed_by_hand():
    table = frame(300, 11)
    segment = segment_of(table)
    run = backtest(segment, SmaCross, costs=COSTS)
    wanted = crosses_by_hand(table["close"].to_pylist(), 3, 8)
    wanted = [(k, side) for k, side in wanted if k < 299]
    held, expected = 0, []
    for k, side in wanted:
        if side != held:
            expected.append((1_704_067_200 + 3600 * (k + 1), side, abs(side - held)))
            held = side
    unit = Fraction(10) ** run.instruments[0].qty_exponent
    made = [
        (int(d["ts_ns"]) // 10**9, int(leg["side"]), int(leg["qty"]) * unit)
        for d, leg in zip(run.exact.decisions, run.exact.legs, strict=True)
    ]
    assert made == expected
    assert len(made) > 20


def test_both_routes_and_windows_agree(tmp_path):
    segment = segment_of(frame(300, 12))
    segment.save(tmp_path / "seg")
    one, two = (f(tmp_path / "seg", SmaCross, costs=COSTS) for f in (backtest, replay))
    assert one.trace.trace_hash == two.trace.trace_hash
    assert one.trace.outcome_hash == two.trace.outcome_hash
    whole = one.trace.records_bytes()
    opened = open_segment(tmp_path / "seg")
    for last in (100, 333, 500):
        part = backtest(Window(opened, last=last), SmaCross, costs=COSTS)
        assert whole.startswith(part.trace.records_bytes())
    late = backtest(Window(opened, first=450), SmaCross, costs=COSTS)
    assert late.exact.decisions["seq"].min() >= 450


def test_the_log_in_small_pieces_is_the_same(tmp_path, monkeypatch):
    from quantlaxmi.run import replay as module

    def pieces(batches):
        def cut(batch):
            for k in range(0, len(batch["seq"]), 7):
                yield {name: column[k : k + 7] for name, column in batch.items()}

        split = {name: (p for b in found for p in cut(b)) for name, found in batches.items()}
        return merged(split)

    merged = module.merged_chunks
    segment_of(frame(120, 13), frame(120, 14)).save(tmp_path / "seg")
    one = backtest(tmp_path / "seg", SmaCross, costs=COSTS)
    monkeypatch.setattr(module, "merged_chunks", pieces)
    two = replay(tmp_path / "seg", SmaCross, costs=COSTS)
    assert one.trace.trace_hash == two.trace.trace_hash
    assert one.n_decisions > 3


def test_the_contract_is_kept():
    told = check_strategy(SmaCross, segment_of(frame(120, 15)), partial(backtest, costs=COSTS))
    assert len(list(told)) == len(CHECKS)


def test_no_look_ahead_is_found():
    found = verify_no_lookahead(segment_of(frame(120, 16)), SmaCross, costs=COSTS)
    assert not found.found


def test_a_stash_of_what_an_indicator_was_given_is_found():
    """It passes the check of prefixes, because its values are right; its decisions differ."""

    class Stash(SmaCross):
        strategy_id = "stash"

        def init(self):
            def keep(close):
                if len(close) > len(getattr(type(self), "stashed", ())):
                    type(self).stashed = close
                return mean(close, 3)

            type(self).stashed = ()
            self.fast = self.I(keep, self.data.close, name="keep")

        def next(self):
            k = len(self.data)
            coming = self.stashed[k] if k < len(self.stashed) else 0.0
            self.target(self.symbol, 1 if coming > self.data.close[-1] else -1)

    found = verify_no_lookahead(segment_of(frame(120, 16)), Stash, costs=COSTS)
    assert found.found


def test_indicators_are_signals_that_ablation_makes_zero():
    class Wants(SmaCross):
        values: ClassVar = []

        def next(self):
            type(self).values.append((self.fast[-1], self.slow[-1]))

    segment = segment_of(frame(60, 17))
    bound = Wants().bind(segment.instruments)
    assert bound.named_signals == ("mean(BTCUSDT.close,3)", "mean(BTCUSDT.close,8)")
    run = backtest(segment, Wants, costs=COSTS)
    n = len(Wants.values)
    assert n == 59 - 7  # the slow mean has its first value at bar 8; the last bar is not decided on
    assert (0.0, 0.0) not in Wants.values
    Rerun(run).again(neutral=(0, 1))
    assert Wants.values[n:] == [(0.0, 0.0)] * n


def test_a_strategy_meets_only_moved_bars_in_a_draw():
    class Watch(SmaCross):
        closes: ClassVar = []

        def next(self):
            type(self).closes.append(self.data.close[-1])

    segment = segment_of(frame(60, 18))
    replays = replays_of(segment, Watch)
    real = list(Watch.closes)
    Watch.closes.clear()
    moved = replays.move(3, replays.room())
    replays.session(moved)
    unit = Fraction(10) ** segment.instruments[0].price_exponent
    assert Watch.closes == [float(int(c) * unit) for c in moved.bars["close"][7:-1]]
    assert Watch.closes != real


# --- what cannot be reached ---------------------------------------------------------------------


def cheat(function):
    class Cheat(SmaCross):
        strategy_id = "cheat"

        def init(self):
            self.fast = self.I(function, self.data.close, name="peek")
            self.slow = self.I(mean, self.data.close, 8)

    return Cheat


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda c: np.append(c[1:], np.nan), "peek uses bars that come later: at bar "),
        (lambda c: c - c.max(), "peek uses bars that come later: at bar "),
        (lambda c: c[3:], r"peek returned \d+ for \d+ bars, expected 1 of \d+ values"),
        (lambda c: 7.0, "peek returned one number for"),
        (lambda c: 1 / 0, "indicator peek failed over 120 bars: ZeroDivisionError"),
        (lambda c: ["x"] * len(c), "indicator peek failed over 120 bars: ValueError"),
    ],
)
def test_an_indicator_that_is_none_is_named(function, text):
    with pytest.raises(StrategyError, match=text) as told:
        backtest(segment_of(frame(120, 19)), cheat(function), costs=COSTS)
    assert "\n" not in str(told.value)


def test_indicators_of_indicators_and_of_several_outputs():
    class Bands(BarStrategy):
        strategy_id = "bands"
        seen: ClassVar = []

        def init(self):
            self.mid = self.I(mean, self.data.close, 2)
            self.low, self.high = self.I(lambda m: (m - 1, m + 1), self.mid, outputs=2, name="band")

        def next(self):
            type(self).seen.append((self.low[-1], self.mid[-1], self.high[-1]))

    backtest(segment_of(frame(20, 20)), Bands, costs=COSTS)
    assert all(low + 1 == mid == high - 1 for low, mid, high in Bands.seen)
    assert len(Bands.seen) == 18


def test_indicators_without_a_name_are_called_as_what_keeps_them():
    class Named(BarStrategy):
        strategy_id = "named"
        made: ClassVar = []

        def init(self):
            close = self.data.close
            self.given = self.I(lambda c: c, close, name="mine")
            self.plain = self.I(mean, close, 2)
            self.fast = self.I(lambda c: c + 1, close)
            self.low, self.high = self.I(lambda c: (c, c), close, outputs=2)
            self.band = self.I(lambda c: (c, c), close, outputs=2)
            self.mine = self.I(lambda c: c - 1, close)  # another has that name
            self.I(lambda c: c + 2, close)
            type(self).made.append(self)

        def next(self):
            pass

    segment = segment_of(frame(20, 20))
    run = backtest(segment, Named, costs=COSTS)
    names = (
        "mine", "mean(BTCUSDT.close,2)", "fast", "low", "band",
        "<lambda>(BTCUSDT.close)#4", "<lambda>(BTCUSDT.close)#5",
    )  # fmt: skip
    assert run.strategy.named_signals == names
    strategy = Named.made[-1]
    lines = (strategy.fast, strategy.high, strategy.band[0], strategy.mine)
    assert [line.name for line in lines] == ["fast", "low[1]", "band[0]", names[5]]
    assert [one.name for one in strategy.bar_run.history.indicators] == list(names)


def told_by(body, init=None, segment=None, **options):
    """The error of a strategy whose ``next`` is a function of itself."""
    one = type("One", (BarStrategy,), {"strategy_id": "one", "next": body})
    if init is not None:
        one.init = init
    with pytest.raises(StrategyError) as told:
        backtest(segment or segment_of(frame(20, 21)), one, costs=COSTS, **options)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_what_is_asked_wrongly_is_said_in_one_line():
    assert "was 'x', expected a number" in told_by(lambda s: s.buy("x"))
    assert "expected a number" in told_by(lambda s: s.buy("\u0663"))  # digits are ASCII
    assert "was '1_000', expected a number" in told_by(lambda s: s.buy("1_000"))
    assert "was nan, expected a number" in told_by(lambda s: s.buy(float("nan")))
    assert "expected a number above 0" in told_by(lambda s: s.sell(-1))
    assert "expected a price above 0" in told_by(lambda s: s.buy(1, stop=-5))
    assert "expected above the stop" in told_by(lambda s: s.buy(1, stop=5, take_profit=4))
    assert "expected below the limit 5" in told_by(lambda s: s.buy(1, limit=5, stop=6))
    assert "was 900000, expected below the close " in told_by(lambda s: s.buy(1, stop=900_000))
    assert "was 2, expected above the close " in told_by(lambda s: s.sell(1, stop=2))
    assert "below the close" in told_by(lambda s: s.target(s.symbol, 1, stop=900_000))
    assert "'X' is not one the strategy trades" in told_by(lambda s: s.buy(1, "X"))
    assert "'X' is not one the strategy trades" in told_by(lambda s: s.data["X"])
    assert "takes either qty or share_of_equity" in told_by(lambda s: s.target(s.symbol))
    assert "the run states none" in told_by(lambda s: s.equity)
    assert "20 bars" not in told_by(lambda s: s.data.close[50])
    assert "declared in init" in told_by(lambda s: s.I(mean, s.data.close, 2))
    assert "needs a series" in told_by(None, lambda s: s.I(mean, [1, 2], 2))
    assert "IndexError" in told_by(None, lambda s: s.data.close[-1])
    assert "series of one instrument" in told_by(
        None,
        lambda s: s.I(max, s.data["BTCUSDT"].close, s.data["BTCUSDT-PERP"].close),
        segment_of(frame(20, 1), frame(20, 2)),
    )


def test_a_segment_without_bars_says_import_again():
    assert "import again" in told_by(lambda s: None, segment=open_segment("data/planted"))


def test_shares_of_equity_are_whole_lots_at_the_mid():
    class Half(BarStrategy):
        strategy_id = "half"
        seen: ClassVar = []

        def next(self):
            if len(self.data) == 2:
                self.target(self.symbol, share_of_equity="0.5")
            type(self).seen.append(self.equity)

    limits = RiskLimits(capital="10000")
    run = backtest(segment_of(frame(20, 22)), Half, costs=COSTS, limits=limits)
    book = run.exact.legs[0]
    one = run.instruments[0]
    mid = Fraction(int(book["bid"] + book["ask"]), 2) * Fraction(10) ** one.price_exponent
    lot = (one.lot or 1) * Fraction(10) ** one.qty_exponent
    qty = int(book["qty"]) * Fraction(10) ** one.qty_exponent
    assert qty == Fraction(5000) / mid // lot * lot > 0
    assert Half.seen[0] == Decimal(10000)
    cash, fill = Fraction(Half.seen[2]), run.exact.fills[0]
    assert 9_900 < cash < 10_100
    assert int(fill["qty"]) == int(book["qty"])


def test_a_limit_that_was_cancelled_never_fills():
    class Cancels(BarStrategy):
        strategy_id = "cancels"

        def next(self):
            if len(self.data) == 2:
                self.buy(1, limit=1, stop="0.5")
                self.buy(1, limit=2000)
                self.cancel()

    assert backtest(segment_of(frame(20, 23)), Cancels, costs=COSTS).n_fills == 0
    assert StandingOrders(None).brackets == []


def test_a_limit_of_the_warm_up_does_not_stand():
    class Early(BarStrategy):
        strategy_id = "early"

        def next(self):
            if len(self.data) == 2:
                self.buy(1, limit=5000)

    segment = segment_of(frame(20, 24))
    assert backtest(segment, Early, costs=COSTS).n_fills == 1
    assert backtest(Window(segment, first=30), Early, costs=COSTS).n_fills == 0


def test_ordinary_strategies_cannot_fill_inside_a_bar():
    from quantlaxmi import CryptoStrategy, LegIntent
    from quantlaxmi.schema import OrderType, Side, TimeInForce

    class Cheat(CryptoStrategy):
        strategy_id = "cheat"

        def on_market(self, event, ctx):
            how = TimeInForce.IN_BAR_LIMIT
            leg = LegIntent("BTCUSDT", Side.BUY, 100, OrderType.LIMIT, 100, how)
            return ctx.decide([leg], rationale="rule", bundle=False)

    with pytest.raises(StrategyError, match="only a BarStrategy's orders are met inside a bar"):
        backtest(segment_of(frame(20, 25)), Cheat, costs=COSTS)


def test_doubles_are_the_nearest_of_the_decimals():
    table = pa.table(
        {
            "time": [1_704_067_200 + 3600 * k for k in range(4)],
            **{name: ["0.1", "0.3", "0.7", "1.1"] for name in ("open", "high", "low", "close")},
            "volume": ["1.5"] * 4,
        }
    )

    class Read(BarStrategy):
        strategy_id = "read"
        seen: ClassVar = []

        def next(self):
            type(self).seen.append((self.data.close[-1], self.data.volume[-1]))

    backtest(ql.from_frame(table, symbol="BTCUSDT"), Read, costs=COSTS)
    assert Read.seen == [(0.1, 1.5), (0.3, 1.5), (0.7, 1.5)]
