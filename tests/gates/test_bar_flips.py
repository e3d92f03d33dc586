"""Bars of sign-flipped markets against their naive twin, and that no draw shows the real ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

import quantlaxmi as ql
from quantlaxmi import CostModel, LegIntent, backtest
from quantlaxmi._ext.market_null import SignFlips
from quantlaxmi.gates.resampling.bar_flips import BarFlips
from quantlaxmi.gates.resampling.market_replays import MAX_TRIES, Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import TABLES, Side
from quantlaxmi.segment.window import Window
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests.naive import market_null as naive

HOUR, KEY = 3600, 99
PRICES = ("open", "high", "low", "close")


def frame(n, seed, first=1000, move=8, gaps=(), no_volume=()):
    """Bars of a walk in whole units, with bars left out and bars of no volume."""
    rng, rows, price = np.random.default_rng(seed), [], first
    for k in range(n):
        opened = max(price + int(rng.integers(-2, 3)), 1)
        closed = max(opened + int(rng.integers(-move, move + 1)), 1)
        high = max(opened, closed) + int(rng.integers(0, move))
        low = max(min(opened, closed) - int(rng.integers(0, move)), 1)
        price = closed
        if k not in gaps:
            volume = 0 if k in no_volume else 1000
            rows.append((1_704_067_200 + k * HOUR, opened, high, low, closed, volume))
    names = ("time", *PRICES, "volume")
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def segment_of(*frames, **options):
    if len(frames) == 1:
        return ql.from_frame(frames[0], symbol="BTCUSDT", interval="1h", **options)
    pair = dict(zip(("spot", "perp"), frames, strict=True))
    return ql.from_frame(pair, symbol="BTCUSDT", interval="1h", **options)


def tables_of(segment):
    return {name: segment.columns(name) for name in TABLES}


def ohlc(columns):
    return list(zip(*(columns[name].tolist() for name in PRICES), strict=True))


class Reader(CryptoStrategy):
    """Buys once; says that it reads bars."""

    strategy_id = "reader"
    reads_bars = True

    def on_market(self, event, ctx):
        if ctx.position("BTCUSDT").qty or ctx.in_flight:
            return None
        return ctx.decide([LegIntent("BTCUSDT", Side.BUY, 1)], rationale="rule")


def replays_of(segment, strategy=Reader):
    run = backtest(segment, strategy, costs=CostModel.binance())
    return Replays(
        SimpleNamespace(decision_points=decision_points(run), threads=1), Rerun(run), KEY
    )


@pytest.mark.parametrize("drift", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_bars_of_a_draw_are_the_twins(seed, drift):
    one = frame(40, seed, gaps=(7, 8, 20), no_volume=(5, 11, 39))
    two = frame(40, seed + 100, gaps=(0, 8, 33), no_volume=(12,))
    tables = tables_of(segment_of(one, two))
    flips = SignFlips(tables["quotes"], tables["depth"], 2)
    bars = BarFlips(tables["bars"], tables["quotes"], flips.quote_instants)
    found = naive.paths(tables, 2)
    times, room = naive.instants(found), flips.room()
    for draw in range(8):
        assert flips.draw(KEY, draw, 0, *room, drift)
        turned = dict(zip(times, naive.signs(KEY, draw, 0, len(times)), strict=True))
        made = [naive.shifts(path, turned, drift) for path in found]
        assert ohlc(bars.moved(room[0], room[1])) == naive.moved_bars(tables, made, turned)


def test_a_driftless_turn_mirrors_every_bar_at_its_open():
    tables = tables_of(segment_of(frame(30, 3)))
    flips = SignFlips(tables["quotes"], tables["depth"], 1)
    bars = BarFlips(tables["bars"], tables["quotes"], flips.quote_instants)
    room = flips.room()
    room[0][:] = ~np.uint64(0)
    flips.apply(*room, False)
    moved = ohlc(bars.moved(room[0], room[1]))
    for (o, h, lo, c), (o2, h2, lo2, c2) in zip(ohlc(tables["bars"]), moved, strict=True):
        assert (h2, lo2, c2) == (o2 + o - lo, o2 + o - h, o2 + o - c)


def test_the_identity_shows_the_recorded_bars():
    tables = tables_of(segment_of(frame(30, 4, gaps=(3,))))
    flips = SignFlips(tables["quotes"], tables["depth"], 1)
    bars = BarFlips(tables["bars"], tables["quotes"], flips.quote_instants)
    room = flips.room()
    assert flips.apply(*room)
    assert ohlc(bars.moved(room[0], room[1])) == ohlc(tables["bars"])


def test_a_strategy_that_reads_bars_meets_moved_ones():
    segment = segment_of(frame(60, 5))
    replays, tables = replays_of(segment), tables_of(segment)
    for draw in range(4):
        moved = replays.move(draw, replays.room())
        seen = replays.tables(moved)
        assert ohlc(seen["bars"]) != ohlc(tables["bars"])
        # The close of a bar is the mid of the quote of its close, to half a spread's rounding.
        at = np.searchsorted(seen["quotes"]["seq"], seen["bars"]["seq"])
        mids = (seen["quotes"]["bid"] + seen["quotes"]["ask"])[at] + 2 * moved.quotes[at]
        assert np.abs(2 * seen["bars"]["close"] - mids).max() <= 1
        low, high = seen["bars"]["low"], seen["bars"]["high"]
        assert (low <= np.minimum(seen["bars"]["open"], seen["bars"]["close"])).all()
        assert (high >= np.maximum(seen["bars"]["open"], seen["bars"]["close"])).all()
    # Before a draw is made the market is the recorded one.
    assert ohlc(replays.tables(replays.room())["bars"]) == ohlc(tables["bars"])


def test_one_that_does_not_read_them_is_spared_the_work():
    class Blind(Reader):
        strategy_id = "blind"
        reads_bars = False

    replays = replays_of(segment_of(frame(60, 5)), Blind)
    assert replays.move(0, replays.room()).bars is None


def test_a_market_with_a_low_below_zero_is_drawn_again():
    """Its books stay positive; a long shadow above becomes one below."""
    table = frame(30, 6, first=3000, move=4)
    high = table["high"].to_pylist()
    high[10] = 9000
    segment = segment_of(table.set_column(2, "high", [high]))
    replays = replays_of(segment)
    tries, accepted = zip(
        *(
            (moved.tries, moved.accepted)
            for moved in (replays.move(draw, replays.room()) for draw in range(40))
        ),
        strict=True,
    )
    assert max(tries) > 1
    assert all(accepted)
    tables = tables_of(segment)
    for draw in range(40):
        moved = replays.move(draw, replays.room())
        assert (moved.bars["low"] > 0).all()
        assert (replays.tables(moved)["bars"]["high"] > 0).all()
    assert max(tries) <= MAX_TRIES
    assert len(tables["bars"]["seq"]) == 30


def test_a_window_that_ends_before_a_close_has_a_bar_without_one():
    segment = segment_of(frame(20, 7))
    seq = int(segment.columns("bars")["seq"][10])
    tables = tables_of(Window(segment, last=seq))
    assert int(tables["bars"]["seq"][-1]) == seq > int(tables["quotes"]["seq"][-1])
    flips = SignFlips(tables["quotes"], tables["depth"], 1)
    bars = BarFlips(tables["bars"], tables["quotes"], flips.quote_instants)
    room = flips.room()
    found = naive.paths(tables, 1)
    times = naive.instants(found)
    assert flips.draw(KEY, 1, 0, *room)
    turned = dict(zip(times, naive.signs(KEY, 1, 0, len(times)), strict=True))
    made = [naive.shifts(path, turned) for path in found]
    assert ohlc(bars.moved(room[0], room[1])) == naive.moved_bars(tables, made, turned)
