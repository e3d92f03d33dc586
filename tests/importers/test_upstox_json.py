"""Format ``upstox-json``: lines of Upstox's feed as sealed segments."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fuzz.targets.upstox_json import INDICES, KEYS, MAPPING, START_MS
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import verify_segment
from tests.naive import upstox_json as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
FEED = REAL / "india" / "feeds" / "UPSTOX_RAW_MARKET_DATA.jsonl"
PUT, NIFTY = KEYS


def put(volume: str = "300", levels: Any = 3, **changes: Any) -> dict[str, Any]:
    """A full feed of an option, with levels or their number."""
    if isinstance(levels, int):
        levels = [
            {"bidQ": "30", "bidP": (2000 - k) / 20, "askQ": "60", "askP": (2002 + k) / 20}
            for k in range(levels)
        ]
    last = {"ltp": 100.05, "ltt": str(START_MS - 5), "ltq": "30"} | changes
    levels = {"bidAskQuote": levels}
    return {"fullFeed": {"marketFF": {"ltpc": last, "marketLevel": levels, "vtt": volume}}}


def index(value: float) -> dict[str, Any]:
    return {"fullFeed": {"indexFF": {"ltpc": {"ltp": value, "ltt": str(START_MS)}}}}


def line(ms: int, feeds: Any, kind: str = "live_feed", **more: Any) -> bytes:
    message = {"type": kind, "feeds": feeds, "currentTs": str(START_MS + ms)} | more
    return json.dumps(message).encode()


def imported(folder: Path, *lines: bytes, mapping: str = MAPPING, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "m.toml").write_text(mapping)
    (folder / "feed.jsonl").write_bytes(b"\n".join(lines))
    options = {"mapping": folder / "m.toml", "inputs": [folder / "feed.jsonl"]} | options
    return import_capture("upstox-json", out=folder / "s", **options)


def compare(result: Any, text: bytes, keys: Any = KEYS, indices: Any = INDICES) -> dict[int, str]:
    """Rows and faults equal the naive twin's."""
    rows, faults = naive.session(text, keys, indices)
    for table, wanted in rows.items():
        columns = [result.segment.columns(table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == wanted
    assert result.quarantined == len(faults)
    verify_segment(result.segment.path)
    return faults


@pytest.mark.skipif(not FEED.exists(), reason="the recorded feed is not here")
def test_the_recorded_feed_is_the_twins(tmp_path: Path) -> None:
    text = FEED.read_bytes()
    keys = tuple(json.loads(text.split(b"\n")[0])["feeds"])
    indices = tuple("INDEX" in key for key in keys)
    kinds = {False: "spot", True: "index"}
    mapping = "".join(
        f'[instruments."{key}"]\nkind = "{kinds[one]}"\nsymbol = "X{k}"\n'
        for k, (key, one) in enumerate(zip(keys, indices, strict=True))
    )
    (tmp_path / "m.toml").write_text(mapping)
    result = import_capture(
        "upstox-json", inputs=[FEED], mapping=tmp_path / "m.toml", out=tmp_path / "s"
    )
    assert compare(result, text, keys, indices) == {}
    assert result.messages_by_kind == {"quotes": 30, "depth": 30, "trades": 3, "funding": 0}
    assert (result.lines, result.captures[0].reordered) == (4, 1)
    quotes = result.segment.columns("quotes")
    top = {name: quotes[name][0] for name in ("bid", "bid_qty", "ask", "ask_qty", "ts_ns")}
    assert top == {
        "bid": 84_370, "bid_qty": 150, "ask": 84_850, "ask_qty": 120,
        "ts_ns": 1_772_594_483_290_000_000,
    }  # fmt: skip
    trades = result.segment.columns("trades")  # Nifty Bank at ...2566 comes before Nifty at ...2866
    assert trades["price"].tolist() == [2_486_570, 5_983_965, 2_424_515]
    told = " ".join(result.segment.manifest.notes)
    assert "30 books were known outside the hours of trading" in told
    assert "32 states have a last trade of an earlier day" in told
    assert [gap.reason for gap in result.segment.manifest.gaps] == ["no line for 516 s"]


def test_messages_become_trades_depth_and_quotes(tmp_path: Path) -> None:
    lines = [
        line(0, {PUT: put(), NIFTY: index(24_000.05)}),
        b"",
        line(900, {PUT: put("390", 5), "NSE_FO|1": put()}),
        line(600, {NIFTY: index(24_000.05)}, "initial_feed"),
        line(1_000, {}, "market_info", marketInfo={"segmentStatus": {"NSE_FO": "NORMAL_OPEN"}}),
        line(1_100, {PUT: put("400", 0), NIFTY: {"ltpc": {"ltp": 5}}}),
        line(1_200, {PUT: put("420", [{}, {}]), NIFTY: index(24_001)}),
        line(1_300, {PUT: {"firstLevelWithGreeks": {"firstDepth": {"bidQ": "30", "bidP": 99}}}}),
    ]
    result = imported(tmp_path / "in", *lines)
    assert compare(result, b"\n".join(lines)) == {}
    trades = result.segment.columns("trades")
    assert trades["qty"].tolist() == [0, 30, 10, 20, 0]
    assert set(result.segment.columns("quotes")["exch_ts_ns"].tolist()) == {0}
    told = " ".join(result.segment.manifest.notes)
    assert "1 state is of keys that the mapping does not have" in told
    assert "1 state tells the last price alone" in told and "60 units were traded between" in told
    assert [one.symbol for one in result.segment.instruments] == [
        "BANKNIFTY-20260330-60000-PE", "NIFTY",
    ]  # fmt: skip


def book(**changes: Any) -> dict[str, Any]:
    level = {"bidQ": "30", "bidP": 100.0, "askQ": "30", "askP": 100.05}
    return {PUT: put(levels=[level | changes])}


FAULTS = [
    (b'{"type":', "not-json"),
    (b"\xff\xfe", "not-json"),
    (b"[]", "wrong-shape"),
    (line(0, {PUT: put(ltq=30)}), "wrong-shape: Expected `str`, got `int`"),
    (line(0, {PUT: put(levels=6)}), "wrong-shape: has 6 levels, expected at most 5"),
    (line(0, {}, "order_update"), "unknown-stream: type was 'order_update'"),
    (line(0, {}, currentTs="17725x"), "bad-stamp: currentTs was '17725x', expected a whole number"),
    (line(0, {}, currentTs="9" * 15), "bad-stamp: currentTs"),
    (line(0, {PUT: put()}, currentTs="0"), "bad-stamp: neither line nor packet has a time"),
    (line(0, {PUT: put(ltt="-5")}), "bad-stamp: ltt was '-5'"),
    (
        line(0, {PUT: put(ltt=str(START_MS + 5_001))}),
        "exchange-ahead: 5001000000 ns after the line",
    ),
    (line(0, {PUT: put("1.5")}), "bad-number: vtt was '1.5'"),
    (line(0, {PUT: put("9" * 16, levels=6)}), "bad-number: vtt"),
    (line(0, book(askQ="")), "bad-quantity: askQ was ''"),
    (line(0, book(askP=100.051)), "too-fine: askP was 100.051, expected at most two decimals"),
    (line(0, book(askP=1e300)), "overflow: askP was 1e+300"),
    (line(0, book(askP=99.95)), "crossed-book: bid above ask: was 10000 over 9995"),
    (line(0, book(bidQ="0")), "bad-quantity: a level has a price without a size"),
    (line(0, {NIFTY: put()}), "wrong-shape: index and traded instrument"),
    (line(0, {NIFTY: index(0)}), "price-not-positive: last: was 0"),
    (line(-1_001, {PUT: put()}), "time-reversal: 1001000000 ns before the latest line"),
]


@pytest.mark.parametrize(("bad", "says"), FAULTS)
def test_a_faulty_line_is_set_aside_or_ends_the_import_in_one_line(
    tmp_path: Path, bad: bytes, says: str
) -> None:
    lines = [line(0, {PUT: put()}), b"", bad, line(1_000, {PUT: put("330")})]
    result = imported(tmp_path / "in", *lines, max_quarantine=Fraction(1, 2))
    assert compare(result, b"\n".join(lines)) == {3: says.partition(":")[0]}
    with pytest.raises(InputError) as found:
        imported(tmp_path / "no", *lines)
    assert str(found.value).count("\n") == 0 and f"first at line 3, {says}" in str(found.value)
    assert sorted(path.name for path in (tmp_path / "no").iterdir()) == ["feed.jsonl", "m.toml"]


def test_a_feed_without_the_instruments_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no state of an instrument of the mapping; it has 'N\\n'$"
    ):
        imported(tmp_path / "in", line(0, {"N\n": put()}))
    with pytest.raises(InputError, match="needs --mapping FILE for upstox-json"):
        import_capture("upstox-json", inputs=[tmp_path / "in/feed.jsonl"], out=tmp_path / "s")
