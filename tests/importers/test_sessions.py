"""Weekends and holidays: an order sent before one meets the next bar, missing bars stay gaps."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.events import LegIntent
from quantlaxmi.importers import import_bars
from quantlaxmi.importers.bars import messages, spool
from quantlaxmi.run.config import DEFAULT_LATENCY_NS as LATENCY
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests import traded
from tests.bars_files import rows_of
from tests.naive.bars import UNIT, quote_rows

DAY = 86_400 * 10**9
#: Thursday 4 January 2024 to the second Friday after, without the weekends.
DAYS = (4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19)  # the 15th is Martin Luther King's
MAPPING = """
interval = "1d"
currency = "USD"
half_spread_bps = "1"
size = "5"
{more}
[time]
column = "day"
[spot]
symbol = "SPY"
base = "SPY"
open = "open"
close = "close"
"""


class NoConfig(StrategyConfig, frozen=True, kw_only=True):
    pass


def day_ns(day: int) -> int:
    return int(datetime(2024, 1, day, tzinfo=UTC).timestamp()) * 10**9


def imported(folder: Path, days: tuple[int, ...], more: str = ""):
    text = "".join(f"2024-01-{d:02},{100 + d},{100 + d}.5\n" for d in days)
    (folder / "b.csv").write_text("day,open,close\n" + text)
    (folder / "m.toml").write_text(MAPPING.format(more=more))
    return import_bars([folder / "b.csv"], folder / "seg", mapping=folder / "m.toml")


def naive(days: tuple[int, ...], waits=lambda ended, begun: False):
    bars = [
        {"open_ns": day_ns(d), "open": Fraction(100 + d), "close": Fraction(2 * (100 + d) + 1, 2),
         "size": 5 * 10**8}
        for d in days
    ]  # fmt: skip
    return quote_rows([bars], DAY, Fraction(1, 10_000), (), waits)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_next_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(messages, "CHUNK_ROWS", size)
    monkeypatch.setattr(spool, "CHUNK_ROWS", size)
    result = imported(tmp_path, DAYS, 'gap = "next_bar"')
    assert rows_of(result) == naive(DAYS, lambda ended, begun: True)
    gaps = [(g.start_ns, g.end_ns) for g in result.segment.manifest.gaps]
    assert gaps == [(day_ns(6), day_ns(8)), (day_ns(13), day_ns(16))]
    assert "they wait for it however long" in result.segment.manifest.notes[0]


class OnFridays(CryptoStrategy):
    """Buys one at the close of each Friday: the second and the seventh bar of `DAYS`."""

    strategy_id = "on-fridays"
    Config = NoConfig
    rationales = ("friday",)
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx):
        self.n = 0

    def on_market(self, event, ctx):
        self.n += 1
        if self.n not in (2, 7):
            return None
        (one,) = ctx.instruments
        leg = LegIntent(one.symbol, Side.BUY, UNIT)
        return ctx.decide([leg], rationale="friday", direction=1)


@pytest.mark.parametrize("waits", [True, False])
def test_orders_before_missing_bars_are_cancelled_unless_they_wait(
    tmp_path: Path, waits: bool
) -> None:
    segment = imported(tmp_path, DAYS, 'gap = "next_bar"' if waits else "").segment
    run = backtest(segment, OnFridays(), costs=traded.costs("0", "0", "0"))
    fills = run.exact.fills
    assert run.n_decisions == 2
    prices = [round(price / UNIT) for price in fills["price"].tolist()]
    monday, tuesday = day_ns(8), day_ns(16)
    assert fills["ts_ns"].tolist() == ([monday + LATENCY, tuesday + LATENCY] if waits else [])
    assert prices == ([108, 116] if waits else [])


def test_both_ways_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gap.*was 'next_bar' with a calendar"):
        imported(tmp_path, DAYS, 'gap = "next_bar"\ncalendar = "XNYS"')


def test_a_calendar_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "exchange_calendars", None)
    with pytest.raises(ConfigError, match=r"needs the package exchange-calendars; install quant"):
        imported(tmp_path, DAYS, 'calendar = "XNYS"')
    assert not (tmp_path / "seg").exists()


def calendars(test: Callable[..., None]) -> Callable[..., None]:
    """A test that asks the package; 4.13 of it uses what pandas 3.1 will do away with."""
    there = importlib.util.find_spec("exchange_calendars") is not None
    reason = "needs the extra 'calendars' (exchange-calendars, pandas)"
    old = pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")
    return pytest.mark.skipif(not there, reason=reason)(old(test))


@calendars
def test_a_calendar_tells_holidays_from_missing_bars(tmp_path: Path) -> None:
    result = imported(tmp_path, DAYS, 'calendar = "XNYS"')
    assert rows_of(result) == naive(DAYS, lambda ended, begun: True)
    assert result.segment.manifest.gaps == ()
    (tmp_path / "less").mkdir()
    lacking = tuple(d for d in DAYS if d not in (10, 12))
    result = imported(tmp_path / "less", lacking, 'calendar = "XNYS"')
    weekend = (day_ns(6), day_ns(8))
    assert rows_of(result) == naive(lacking, lambda ended, begun: (ended, begun) == weekend)
    told = [(g.start_ns, g.end_ns, g.reason) for g in result.segment.manifest.gaps]
    one = "1 bar is missing"
    assert told == [(day_ns(10), day_ns(11), one), (day_ns(12), day_ns(16), one)]
    assert "over closed times of XNYS they wait" in result.segment.manifest.notes[0]


@calendars
def test_hours_of_sessions(tmp_path: Path) -> None:
    hour, rows, days = 3600, [], (day_ns(5) // 10**9, day_ns(8) // 10**9)
    for day in days:
        begins = [day + 14 * hour + 1800 + k * hour for k in range(7)]
        rows += [t for t in begins if t != days[1] + 17 * hour + 1800]
    (tmp_path / "b.csv").write_text("day,open,close\n" + "".join(f"{t},100,101\n" for t in rows))
    text = MAPPING.format(more='calendar = "XNYS"').replace('"1d"', '"1h"')
    (tmp_path / "m.toml").write_text(text.replace('"day"', '"day"\nunit = "s"'))
    result = import_bars([tmp_path / "b.csv"], tmp_path / "seg", mapping=tmp_path / "m.toml")
    (gap,) = result.segment.manifest.gaps
    assert (gap.start_ns // 10**9, gap.reason) == (days[1] + 17 * hour + 1800, "1 bar is missing")


@calendars
def test_unknown_calendars(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"was 'XXXX', expected a calendar of exchange-calendars"):
        imported(tmp_path, DAYS, 'calendar = "XXXX"')
