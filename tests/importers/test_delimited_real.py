"""Real CSV dumps: clean twins import whole, every planted corruption of the others is reported."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi._ext.depth_book import DepthBook
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.segment import Segment, open_segment

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
TWINS = REAL / "crypto" / "binance_csv_pos_neg"
TARDIS = REAL / "crypto" / "nautilus"
SNAPSHOT = "binance_depth_snapshot_spot_btcusdt_14-04-2025.csv"
DIFFERENCE = "binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv"
TRADE = "binance_trade_stream_spot_trxusdt_04-03-2025.csv"


def real(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is not here; set QUANTLAXMI_REAL_DATA")
    return path


def run(tmp_path: Path, format: str, *paths: Path, **options: Any) -> ImportResult:
    inputs = [real(path) for path in paths]
    return import_capture(format, inputs=inputs, out=tmp_path / "seg", **options)


def reported(tmp_path: Path) -> list[tuple[int, str, str]]:
    text = (tmp_path / "seg" / "quarantine.jsonl").read_text()
    return [(r["line"], r["reason"], r["detail"]) for r in map(json.loads, text.splitlines())]


def book_of(segment: Segment) -> DepthBook:
    book, depth = DepthBook(), segment.columns("depth")
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    book.apply(*(depth[name] for name in names))
    return book


@pytest.mark.parametrize(
    ("name", "table", "messages", "rows"),
    [
        (SNAPSHOT, "depth", 2, 20_000),
        (DIFFERENCE, "depth", 2_833, 10_000),
        (TRADE, "trades", 10_000, 10_000),
    ],
)
def test_a_clean_twin_imports_whole(
    tmp_path: Path, name: str, table: str, messages: int, rows: int
) -> None:
    result = run(tmp_path, "binance-csv", TWINS / f"test_positive_{name}", strict=True)
    assert result.quarantined == 0
    assert result.messages_by_kind[table] == sum(result.messages_by_kind.values()) == messages
    assert result.message_lines == rows
    assert len(result.segment.columns(table)["seq"]) == rows
    # Excerpts: the last message of two of them is of the day's other end.
    assert all(gap.reason.startswith("no depth for") for gap in result.segment.manifest.gaps)
    open_segment(tmp_path / "seg", verify="all")


def test_the_corrupt_trades_are_reported(tmp_path: Path) -> None:
    result = run(tmp_path, "binance-csv", TWINS / f"test_negative_{TRADE}")
    assert reported(tmp_path) == [
        (4, "duplicate-id", "348656871 after 348656871"),
        (10_001, "time-apart", "receive and exchange time are more than 600 s apart"),
    ]
    [gap] = result.segment.manifest.gaps
    assert (gap.table, gap.after_seq) == ("trades", 1)
    assert result.captures[0].trade_gaps == 1
    assert result.lines == result.header_lines + result.message_lines + result.quarantined == 10_001


def test_the_corrupt_differences_are_reported(tmp_path: Path) -> None:
    result = run(tmp_path, "binance-csv", TWINS / f"test_negative_{DIFFERENCE}")
    found = {line: (reason, detail) for line, reason, detail in reported(tmp_path)}
    assert found[2] == ("bad-stamp", "EventTime '0'; price-not-positive: Price '-1'")
    for line in (3, 4, 5):  # what is left of the update would leave a level out
        assert found[line] == ("incomplete-message", "line 2 of the same message is faulty")
    reason, detail = found[9]
    assert reason == "incomplete-message"
    assert detail.endswith("its id 5434434571 does not follow 5434434569")
    reason, detail = found[10]
    assert reason == "message-mismatch"
    assert "1741046400462601000 is not 1741046400464222000 as in line 9" in detail
    assert found[10_001][0] == "outside-day"
    assert sorted(found) == [2, 3, 4, 5, 9, 10, 10_001]
    [gap] = result.segment.manifest.gaps
    assert (gap.table, gap.after_seq) == ("depth", 1)


def test_the_corrupt_snapshot_is_refused_with_every_fault(tmp_path: Path) -> None:
    path = TWINS / f"test_negative_{SNAPSHOT}"
    with pytest.raises(InputError) as caught:
        run(tmp_path, "binance-csv", path, max_quarantine=1)
    text = str(caught.value)
    assert "line 32, bad-stamp: TimestampOfReceive '0000000000001'" in text
    assert "line 10031, comment-line" in text
    assert "\n" not in text and str(path) in text
    assert not (tmp_path / "seg").exists()


def test_twins_of_one_day_make_one_segment(tmp_path: Path) -> None:
    names = (TRADE, DIFFERENCE)
    result = run(tmp_path, "binance-csv", *(TWINS / f"test_positive_{name}" for name in names))
    assert result.messages_by_kind == {"trades": 10_000, "depth": 2_833, "quotes": 0, "funding": 0}
    assert [i.symbol for i in result.segment.instruments] == ["TRXUSDT"]
    assert result.segment.n_messages == 12_833


@pytest.mark.parametrize(
    ("name", "symbol", "table", "messages", "rows"),
    [
        ("binance-futures_book_snapshot_25_BTCUSDT.csv", "BTCUSDT-PERP", "depth", 10, 500),
        ("binance-futures_book_snapshot_5_BTCUSDT.csv", "BTCUSDT-PERP", "depth", 10, 100),
    ],
)
def test_tardis_samples_import_whole(
    tmp_path: Path, name: str, symbol: str, table: str, messages: int, rows: int
) -> None:
    result = run(tmp_path, "tardis", TARDIS / name, strict=True)
    assert result.messages_by_kind[table] == messages == result.segment.n_messages
    assert len(result.segment.columns(table)["seq"]) == rows
    assert [i.symbol for i in result.segment.instruments] == [symbol]


INVERSE = [
    ("bitmex_trades_XBTUSD.csv", "bitmex", "XBTUSD", "trades", 10, 10),
    ("deribit_incremental_book_L2_BTC-PERPETUAL.csv", "deribit", "BTC-PERPETUAL", "depth", 1, 15),
    ("huobi-dm-swap_quotes_BTC-USD.csv", "huobi-dm-swap", "BTC-USD", "quotes", 10, 10),
]


@pytest.mark.parametrize("sample", INVERSE, ids=lambda s: s[0])
def test_inverse_samples_are_refused(tmp_path: Path, sample: tuple[Any, ...]) -> None:
    name, exchange, symbol, *_ = sample
    text = rf"{name}: '{symbol}' of {exchange} is an inverse \(coin-margined\) contract"
    with pytest.raises(InputError, match=text):
        run(tmp_path, "tardis", TARDIS / name)
    assert not (tmp_path / "seg").exists()


@pytest.mark.parametrize("sample", INVERSE, ids=lambda s: s[0])
def test_their_layouts_import_whole(tmp_path: Path, sample: tuple[Any, ...]) -> None:
    """The same rows under the name of a venue whose contract is linear."""
    name, exchange, symbol, table, messages, rows = sample
    text = real(TARDIS / name).read_text().replace(f"{exchange},{symbol},", "elsewhere,BTCUSD,")
    (tmp_path / name).write_text(text)
    (tmp_path / "m.toml").write_text(
        '[instruments."elsewhere/BTCUSD"]\nkind = "perp"\ncurrency = "USD"\nbase = "BTC"\n'
    )
    options = {"mapping": tmp_path / "m.toml", "strict": True}
    result = run(tmp_path, "tardis", tmp_path / name, **options)
    assert result.messages_by_kind[table] == messages == result.segment.n_messages
    assert len(result.segment.columns(table)["seq"]) == rows


def test_a_tardis_snapshot_gives_the_book_it_shows(tmp_path: Path) -> None:
    result = run(tmp_path, "tardis", TARDIS / "binance-futures_book_snapshot_5_BTCUSDT.csv")
    book = book_of(result.segment)
    assert book.valid and book.gaps == 0
    last = (TARDIS / "binance-futures_book_snapshot_5_BTCUSDT.csv").read_text().splitlines()[-1]
    cells = last.split(",")[4:]
    asks = [
        [round(float(cells[k]) * 1e8), round(float(cells[k + 1]) * 1e8)] for k in range(0, 20, 4)
    ]
    bids = [
        [round(float(cells[k]) * 1e8), round(float(cells[k + 1]) * 1e8)] for k in range(2, 20, 4)
    ]
    assert book.levels(-1).tolist() == asks
    assert book.levels(1).tolist() == bids


@pytest.mark.parametrize("name", ["btcusdt-depth-snap.csv", "btcusdt-depth-update.csv"])
def test_depth_dumps_of_the_archive_import_whole(tmp_path: Path, name: str) -> None:
    result = run(tmp_path, "binance-vision", TARDIS / name, strict=True)
    assert result.messages_by_kind["depth"] == 1
    assert result.message_lines == 100
