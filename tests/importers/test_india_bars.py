"""Format ``india-bars``: minute bars of an index and its contracts as sealed segments."""

from __future__ import annotations

import gzip
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi import backtest
from quantlaxmi.cli import main_india
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import verify_segment
from quantlaxmi.strategies.bar_strategy import BarStrategy
from tests.naive import india_bars as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
INDIA = REAL / "india"
needs_data = pytest.mark.skipif(not INDIA.is_dir(), reason="the recorded files are not here")
#: As in the recorded file, ``High``, ``Low`` and ``Close`` are the index's.
HEAD = (
    ",datetime,High,Low,Close,close,exchange_code,expiry_date,high,low,open,open_interest,"
    "product_type,right,stock_code,strike_price,volume"
)
VALUES = ",datetime,close,high,low,open,volume"
NAMED = "Instrument,Date,Time,Open,High,Low,Close"
MAPPING = "half_spread_bps = 50\nsize = 200\n"


def option(clock: str, prices: str = "220.05 221 219.9 220.5", **changes: str) -> str:
    day = changes.get("day", "2025-03-12")
    o, h, low, c = prices.split()
    cells = {"n": "7", "datetime": f"{day} {clock}:00", "High": "1", "Low": "1", "Close": "1"}
    cells |= {"close": c, "exchange_code": "NFO", "expiry_date": "13-MAR-2025", "high": h}
    cells |= {"low": low, "open": o, "oi": "750", "product_type": "Options", "right": "Call"}
    cells |= {"stock_code": "NIFTY", "strike_price": "22150.0", "volume": "150"}
    cells |= {k: v for k, v in changes.items() if k != "day"}
    return ",".join(cells.values())


def value(clock: str, price: str = "22545.900390625", day: str = "2025-03-12") -> str:
    return f"0,{day} {clock}:00,{price},22600.5,22500,22550.25,0"


def write(path: Path, head: str, *lines: str) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def imported(folder: Path, *paths: Path, **options: Any) -> Any:
    (folder / "m.toml").write_text(options.pop("mapping_text", MAPPING))
    options = {"underlying": "NIFTY", "mapping": folder / "m.toml"} | options
    return import_capture("india-bars", inputs=list(paths), out=folder / "s", **options)


def compare(result: Any, paths: list[Path], bps: str, size: int, lot: int) -> None:
    """All contracts and rows equal the naive twin's."""
    bars: dict[Any, Any] = {}
    for path in paths:
        found, aside = naive.read(path.read_text())
        for contract, own in found.items():
            bars.setdefault(contract, []).extend(own)
        counts = next(c for c in result.captures if c.file == path.name)
        assert counts.quarantined == len(aside)
    order, quotes, whole = naive.session(bars, Fraction(bps), size, lot)
    for table, wanted in (("quotes", quotes), ("bars", whole)):
        columns = [result.segment.columns(table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == wanted, table
    for one, (expiry, strike, side) in zip(result.segment.instruments, order, strict=True):
        short = {"": "NIFTY", "FUT": f"NIFTY-{expiry}-FUT"}.get(side)
        assert one.symbol == (short or f"NIFTY-{expiry}-{strike // 100}-{side}")
        assert (one.venue, one.currency, one.price_exponent) == ("nse", "INR", -2)


def test_options_a_future_and_the_index_become_a_segment(tmp_path: Path) -> None:
    """Gaps, a contract that begins late, a decision that waits overnight, and an expiry."""
    first = write(
        tmp_path / "options.csv", HEAD,
        option("09:15"), option("09:16"), option("15:29"),
        option("09:15", day="2025-03-13"), option("15:29", "0.05 0.05 0.05 0.05", day="2025-03-13"),
        option("09:16", right="Put"), option("09:18", right="Put"),
        option("09:15", "22603 22616.35 22592.4 22600", product_type="Futures",
               expiry_date="27-MAR-2025"),
    )  # fmt: skip
    index = write(
        tmp_path / "index.csv", VALUES, value("09:15"), value("09:16"),
        value("09:15", day="2025-03-17"),
    )  # fmt: skip
    result = imported(tmp_path, first, index)
    compare(result, [first, index], "50", 200, 75)
    verify_segment(result.segment.path)
    spot, call, put, future = result.segment.instruments
    assert (spot.kind, spot.tick, spot.lot) == (InstrumentKind.INDEX, 0, 0)
    assert (call.symbol, put.symbol) == ("NIFTY-20250313-22150-CE", "NIFTY-20250313-22150-PE")
    assert (call.tick, call.lot, call.strike) == (5, 75, 2215000)
    assert call.expiry_ns == naive.stamp("20250313", "15:30")
    assert (future.symbol, future.lot) == ("NIFTY-20250327-FUT", 75)
    notes = "\n".join(result.segment.manifest.notes)
    for words in (
        "assumed: 50 bps at either side of open and close, rounded outward to the tick",
        "200 units in whole lots of 75",
        "2 quotes have no bid above 0 and so no size",
        "3 prices are the digits of 32-bit numbers",
        "1 weekday has no bar and counts as a holiday: 2025-03-14.",
        "Contracts end within the bars, which have no settlement prices",
    ):
        assert words in notes
    assert "of NIFTY are locked" not in notes and "nothing is enforced" not in notes  # an index
    ends = [g.end_ns for g in result.segment.manifest.gaps if g.symbol == call.symbol]
    assert max(ends) < call.expiry_ns  # nothing is missing of a contract that has ended


def test_prices_are_the_options_own_not_the_indexs(tmp_path: Path) -> None:
    result = imported(tmp_path, write(tmp_path / "o.csv", HEAD, option("09:15"), option("09:16")))
    bars = result.segment.columns("bars")
    assert [bars[name][0] for name in ("open", "high", "low", "close", "volume")] == [
        22005, 22100, 21990, 22050, 150,
    ]  # fmt: skip
    quotes = result.segment.columns("quotes")
    assert (quotes["bid"][0], quotes["ask"][0], quotes["bid_qty"][0]) == (21890, 22120, 150)


class Buy(BarStrategy):
    """Buys one lot at the first close."""

    strategy_id = "buy"
    symbols = ("NIFTY-20250313-22150-CE", "NIFTY")

    def next(self) -> None:
        if not self.position:
            self.buy(75)


class BuyIndex(Buy):
    symbols = ("NIFTY",)


def test_a_decision_at_a_close_trades_at_the_next_open(tmp_path: Path) -> None:
    """At the ask around 221.00, with the components of fees; the index is not traded."""
    clocks = ("09:15", "09:16", "09:17", "09:18")
    options = [option(c, "221 222 220 221.5" if c == "09:16" else "220.05 221 219.9 220.5")
               for c in clocks]  # fmt: skip
    paths = [write(tmp_path / "o.csv", HEAD, *options)]
    paths.append(write(tmp_path / "i.csv", VALUES, *(value(clock) for clock in clocks)))
    segment = imported(tmp_path, *paths).segment
    run = backtest(segment, Buy, latency_ns=0)
    (fill,) = run.fills().arrow.to_pylist()
    assert (fill["price"], fill["qty"]) == (Decimal("222.15"), 75)
    turnover = Decimal("222.15") * 75
    charged = 20 + turnover * (Decimal("0.03503") + Decimal("0.0005") + Decimal("0.0001")) / 100
    fee = charged * Decimal("1.18") + turnover * Decimal("0.003") / 100
    assert f"fees {fee:.2f}" in str(run)
    assert not [line for line in run.summary() if "NIFTY" in str(line) and "locked" in str(line)]
    assert backtest(segment, BuyIndex, latency_ns=0).n_fills == 0


def test_a_position_in_a_contract_that_ends_needs_a_price(tmp_path: Path) -> None:
    day = {"day": "2025-03-13"}
    lines = [option(clock, **day) for clock in ("15:27", "15:28", "15:29")]
    later = write(tmp_path / "i.csv", VALUES, value("09:15", day="2025-03-17"))
    segment = imported(tmp_path, write(tmp_path / "o.csv", HEAD, *lines), later).segment
    with pytest.raises(InputError, match="NIFTY-20250313-22150-CE"):
        backtest(segment, Buy, latency_ns=0)
    run = backtest(segment, Buy, latency_ns=0, settle_at="mark")
    bought, settled = run.orders().arrow["reason"].to_pylist()[1::2]
    assert (bought, settled) == ("FILLED", "SETTLED")
    told = "1 of 1 settled position took the mid of its last valid book: the data have no "
    assert told + "settlement price" in map(str, run.summary())


def test_plain_and_packed_give_one_segment(tmp_path: Path) -> None:
    lines = "\n".join([NAMED, "NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00", ""])
    digests = set()
    for name, data in (("a", lines.encode()), ("b", gzip.compress(lines.encode()))):
        path = tmp_path / name
        path.write_bytes(data)
        result = import_capture(
            "india-bars", inputs=[path], underlying="NIFTY", out=tmp_path / f"{name}.s"
        )
        digests.add(result.segment.digest)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (option("15:30"), "outside-session", "expected 09:15 to 15:30"),
        (option("09:14"), "outside-session", "of 2025-03-12"),
        (option("9:15"), "bad-stamp", "expected a minute such as 2025-01-31 09:15:00"),
        (option("09:15", day="2025-02-30"), "bad-stamp", "2025-02-30"),
        (option("09:16", stock_code="BANKNIFTY"), "wrong-symbol", "is of 'BANKNIFTY'"),
        (option("09:16", product_type="Shares"), "wrong-contract", "'Shares', 'Call'"),
        (option("09:16", right="Others"), "wrong-contract", "'Options', 'Others'"),
        (option("09:16", expiry_date="13-MÄR-2025"), "wrong-contract", "such as 13-MAR-2025"),
        (option("09:16", expiry_date="31-FEB-2026"), "wrong-contract", "31-FEB-2026"),
        (option("09:16", expiry_date="11-MAR-2025"), "wrong-contract", "2025-03-12 or later"),
        (option("09:16", strike_price="-5"), "bad-decimal", "strike_price was '-5'"),
        (option("09:16", strike_price="0"), "price-not-positive", "strike_price was 0"),
        (option("09:16", strike_price="22150.001953125"), "too-fine", "strike_price"),
        (option("09:16", "220.07 221 219.9 220.5"), "off-tick", "multiple of the tick 0.05"),
        (option("09:16", "220.001 221 219.9 220.5"), "too-fine", "at most two decimals"),
        (option("09:16", "nan 221 219.9 220.5"), "bad-decimal", "open was 'nan'"),
        (option("09:16", "0 221 0 220.5"), "price-not-positive", "open was 0"),
        (option("09:16", "1234567890 1 1 1"), "bad-decimal", "'1234567890'"),
        (option("09:16", "220 219 219.9 220.5"), "inconsistent-bar", "expected low <= open"),
        (option("09:16", volume="-75"), "bad-quantity", "volume was '-75'"),
        (option("09:16", volume="7.5"), "bad-quantity", "'7.5'"),
        (option("09:15"), "duplicate-time", "at the same time"),
        (option("09:16") + ",1", "column-count", "has 18 cells, expected 17"),
        ('"' + option("09:16"), "wrong-shape", "expected cells between commas"),
    ],
)
def test_a_faulty_line_is_set_aside_by_name(
    tmp_path: Path, line: str, reason: str, detail: str
) -> None:
    path = write(tmp_path / "o.csv", HEAD, option("09:15"), line)
    with pytest.raises(InputError, match=f"1 of 2 lines is faulty.*line 3, {reason}: ") as caught:
        imported(tmp_path, path)
    assert detail in str(caught.value)
    assert not (tmp_path / "s").exists()
    taken = imported(tmp_path, path, max_quarantine=1)
    assert taken.quarantine_reasons == {reason: 1}


def test_times_that_go_back_are_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", HEAD, option("09:16"), option("09:15"))
    assert imported(tmp_path, path, max_quarantine=1).quarantine_reasons == {"time-reversal": 1}


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (HEAD.replace(",right", ",Right"), "has no column 'right'"),
        (HEAD.replace(",high", ",low"), "has no column 'high'"),
        (VALUES + ",open", "has 2 columns 'open', expected one"),
        ("Instrument,Date", "has no column 'Time'"),
        ("", "has no line; expected a header and bars"),
        ("\u00ff\x00", "has no column 'datetime'"),
        (HEAD, "has no line below its header; expected bars"),
        (HEAD + "\n" + option("15:30"), "has no bar of NIFTY or its contracts; first at line 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, head: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        imported(tmp_path, write(tmp_path / "o.csv", head), max_quarantine=1)


def test_options_of_the_import_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", HEAD, option("09:15"))
    with pytest.raises(InputError, match="needs --underlying NAME for india-bars"):
        imported(tmp_path, path, underlying=None)
    with pytest.raises(InputError, match="needs --mapping FILE for india-bars, with half_spread"):
        imported(tmp_path, path, mapping=None)
    with pytest.raises(InputError, match="was 74, expected the lot 75 of NIFTY-20250313-"):
        imported(tmp_path, path, mapping_text="half_spread_bps = 5\nsize = 74\n")
    with pytest.raises(ConfigError, match="known settings: half_spread_bps, size"):
        imported(tmp_path, path, mapping_text="half_spread_bps = 5\nsize = 75\nmore = 1\n")
    with pytest.raises(ConfigError, match="has no row for option on 2023-12-29"):
        imported(tmp_path, write(tmp_path / "v.csv", VALUES, value("09:15", day="2023-12-29")))
    with pytest.raises(ConfigError, match="has no row for SENSEX"):
        imported(tmp_path, write(tmp_path / "p.csv", HEAD, option("09:15", stock_code="SENSEX")),
                 underlying="SENSEX")  # fmt: skip


def test_one_file_under_two_names_is_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, HEAD, option("09:15")) for name in ("a.csv", "b.csv")]
    with pytest.raises(InputError, match=r"b\.csv: has the same content as .*a\.csv"):
        imported(tmp_path, *paths)


@needs_data
def test_recorded_options_equal_the_naive_reading(tmp_path: Path) -> None:
    folder = INDIA / "nifty_1m_2025_03_12"
    names = ("big_oi_summary_rev22025-03-12", "nifty_spot_12Mar2025", "nifty_fut_12Mar2025")
    paths = [folder / f"{name}.csv" for name in names]
    result = imported(tmp_path, *paths)
    compare(result, paths, "50", 200, 75)
    kinds = [one.kind for one in result.segment.instruments]
    assert len(kinds) == 31 and kinds.count(InstrumentKind.INDEX) == 1
    assert (result.messages_by_kind["bars"], result.quarantined) == (3979 + 375 + 375, 0)


@needs_data
def test_the_recorded_index_of_2024_equals_the_naive_reading(tmp_path: Path) -> None:
    path = INDIA / "index_1m/NIFTY_2024.csv"
    result = imported(tmp_path, path)
    compare(result, [path], "0", 0, 1)
    assert result.quarantine_reasons == {"outside-session": 167}
    assert result.messages_by_kind["bars"] == 58_127 - 167
    gaps = [(g.reason, g.start_ns) for g in result.segment.manifest.gaps]
    wanted = [
        (f"{n} {'bar is' if n == 1 else 'bars are'} missing", naive.stamp(day, clock))
        for day in ("20240302", "20240518")
        for n, clock in ((90, "10:00"), (180, "12:30"))
    ]
    assert sorted(gaps, key=lambda g: g[1]) == wanted
    notes = "\n".join(result.segment.manifest.notes)
    assert "2024-03-02 (105 of 375), 2024-05-18 (105 of 375)." in notes


def test_bars_have_no_snapshots_to_explain(tmp_path: Path, capsys: Any) -> None:
    path = write(tmp_path / "options.csv", HEAD, option("09:15"), option("09:16"))
    folder = str(imported(tmp_path, path).segment.path)
    assert main_india(["explain", "--session-dir", folder, "--strategy", "calendar_carry"]) == 2
    assert "needs snapshots of an option chain, and the segment has none" in capsys.readouterr().err
