"""CSV files of every form, those that cannot be imported, and instruments that need a mapping."""

from __future__ import annotations

import gzip
import io
import json
import threading
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi._ext.csv_fields import FAULTS, ROLES
from quantlaxmi._ext.depth_book import DepthBook
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.schema import InstrumentKind
from tests.csv_texts import T0_MS, clean_rows, header

AGG = "BTCUSDT-aggTrades-2023-11-14"


def text_of(layout: str, rows: list[str] | None = None, with_header: bool = True) -> bytes:
    rows = clean_rows(layout) if rows is None else rows
    return "".join(f"{row}\n" for row in [header(layout)] * with_header + rows).encode()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def run(tmp_path: Path, format: str, *paths: Path, **options: Any) -> ImportResult:
    options.setdefault("out", tmp_path / "seg")
    return import_capture(format, inputs=list(paths), **options)


def refuse(tmp_path: Path, match: str, format: str, *paths: Path, **options: Any) -> None:
    n_threads = threading.active_count()
    with pytest.raises(InputError, match=match) as caught:
        run(tmp_path, format, *paths, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "seg").exists()
    assert threading.active_count() == n_threads


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def reasons(tmp_path: Path) -> list[tuple[int, str]]:
    text = (tmp_path / "seg" / "quarantine.jsonl").read_text()
    return [(r["line"], r["reason"]) for r in map(json.loads, text.splitlines())]


def test_codes_of_faults_stand_at_their_place() -> None:
    assert FAULTS[22:] == (
        "column-count", "comment-line", "missing-value", "bad-number", "bad-word", "outside-day",
        "time-apart", "message-mismatch", "incomplete-message",
    )  # fmt: skip
    assert len(set(ROLES.values())) == len(ROLES)


# --- forms of a file --------------------------------------------------------------------------


def test_plain_gzip_zip_and_with_or_without_header_give_one_segment(tmp_path: Path) -> None:
    digests = set()
    for k, with_header in enumerate((True, False)):
        text = text_of("aggTrades", with_header=with_header)
        for name, content in (
            (f"{AGG}.csv", text),
            (f"{AGG}.csv.gz", gzip.compress(text)),
            (f"{AGG}.zip", zipped((f"{AGG}.csv", text))),
            (f"{AGG}.csv.zip", zipped((f"{AGG}.csv", text), method=zipfile.ZIP_STORED)),
        ):
            path = put(tmp_path / name, content)
            result = run(tmp_path, "binance-vision", path, out=tmp_path / f"{k}{name}.seg")
            assert (result.header_lines, result.lines) == (with_header, 24 + with_header)
            assert result.segment.manifest.sources[0].bytes == len(content)
            digests.add(result.segment.digest)
            path.unlink()
    assert len(digests) == 1


def test_stamps_in_ms_and_us_give_the_same_times(tmp_path: Path) -> None:
    rows = clean_rows("aggTrades")
    micro = [row.replace(row.split(",")[5], row.split(",")[5] + "000") for row in rows]
    results = [
        run(tmp_path, "binance-vision", put(tmp_path / f"{AGG}.csv", text_of("aggTrades", r)),
            out=tmp_path / f"seg{k}")
        for k, r in enumerate((rows, micro))
    ]  # fmt: skip
    assert results[0].segment.digest == results[1].segment.digest


def test_spot_and_perpetual_are_told_by_their_columns(tmp_path: Path) -> None:
    spot = [f"{row},True" for row in clean_rows("aggTrades")]
    a = put(tmp_path / f"{AGG}.csv", text_of("aggTrades"))
    (tmp_path / "spot").mkdir()
    b = put(tmp_path / "spot" / f"{AGG}.csv", "".join(f"{r}\n" for r in spot).encode())
    result = run(tmp_path, "binance-vision", a, b)
    assert [i.symbol for i in result.segment.instruments] == ["BTCUSDT", "BTCUSDT-PERP"]
    assert result.messages_by_kind["trades"] == 48


def test_spot_trades_with_the_venues_other_names_of_columns(tmp_path: Path) -> None:
    names = "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch"
    rows = [f"{k},100.{k:02},0.5,50,{T0_MS + k},true,true" for k in range(5)]
    path = put(tmp_path / "BTCUSDT-trades-2023-11.csv", "\n".join([names, *rows]).encode())
    result = run(tmp_path, "binance-vision", path, strict=True)
    assert result.segment.instruments[0].kind == InstrumentKind.SPOT
    trades = result.segment.columns("trades")
    assert set(trades["side"].tolist()) == {-1}
    assert trades["exch_ts_ns"].tolist() == trades["ts_ns"].tolist()


def test_consecutive_files_are_one_stream_in_the_order_of_their_times(tmp_path: Path) -> None:
    rows = clean_rows("aggTrades")
    names = ("BTCUSDT-aggTrades-2023-11.csv", f"{AGG}.csv")  # the later one sorts first by name
    late = put(tmp_path / names[0], text_of("aggTrades", rows[12:]))
    early = put(tmp_path / names[1], text_of("aggTrades", rows[:12]))
    result = run(tmp_path, "binance-vision", late, early)
    assert result.segment.columns("trades")["trade_id"].tolist() == list(range(700, 724))
    assert result.segment.manifest.gaps == ()
    assert [c.file for c in result.captures] == [names[1], names[0]]
    # A segment is made beside the folder that is read, never in it.
    folder = run(tmp_path, "binance-vision", tmp_path, out=tmp_path.with_name("beside"))
    assert folder.segment.digest == result.segment.digest


def test_a_missing_file_between_two_shows_as_a_gap(tmp_path: Path) -> None:
    rows = clean_rows("aggTrades")
    first = put(tmp_path / f"{AGG}.csv", text_of("aggTrades", rows[:8]))
    second = put(tmp_path / "BTCUSDT-aggTrades-2023-11.csv", text_of("aggTrades", rows[16:]))
    result = run(tmp_path, "binance-vision", first, second)
    [gap] = result.segment.manifest.gaps
    assert gap.table == "trades" and "after 707 is missing, the next is 716" in gap.reason


@pytest.mark.parametrize("size", [1 << 21, 997, 64])
def test_pieces_of_any_size_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rows = clean_rows("incremental_book_L2", 90)
    rows[40] = rows[40].replace("binance", "x")
    path = put(tmp_path / "file.csv", text_of("incremental_book_L2", rows))
    whole = run(tmp_path, "tardis", path, out=tmp_path / "whole", max_quarantine=Fraction(1))
    monkeypatch.setattr("quantlaxmi.importers.delimited.text_source.PIECE_BYTES", size)
    result = run(tmp_path, "tardis", path, max_quarantine=Fraction(1))
    assert result.segment.digest == whole.segment.digest
    assert len(reasons(tmp_path)) == 3


# --- what a line can be set aside for ---------------------------------------------------------


def test_a_faulty_level_takes_its_whole_update_and_breaks_the_book(tmp_path: Path) -> None:
    rows = clean_rows("incremental_book_L2", 30)
    rows[10] = rows[10].replace(",bid,", ",bid,-") if ",bid," in rows[10] else rows[10] + "x"
    path = put(tmp_path / "file.csv", text_of("incremental_book_L2", rows))
    result = run(tmp_path, "tardis", path, max_quarantine=Fraction(1))
    assert [line for line, _ in reasons(tmp_path)] == [11, 12, 13]
    depth = result.segment.columns("depth")
    book = DepthBook()
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    book.apply(*(depth[name] for name in names))
    assert not book.valid and book.gaps == 1
    [gap] = result.segment.manifest.gaps
    assert gap.table == "depth"


def test_a_line_out_of_its_window_is_a_reversal_and_within_it_is_put_back(tmp_path: Path) -> None:
    rows = clean_rows("quotes", 40)
    rows.append(rows.pop(5))
    rows.insert(6, rows.pop(4))
    path = put(tmp_path / "file.csv", text_of("quotes", rows))
    result = run(tmp_path, "tardis", path, max_quarantine=Fraction(1))
    assert reasons(tmp_path) == [(41, "time-reversal")]
    assert result.captures[0].reordered == 1
    assert any("put in their place" in note for note in result.segment.manifest.notes)


def test_a_file_that_ends_inside_a_line(tmp_path: Path) -> None:
    text = text_of("depth_snapshot")
    path = put(tmp_path / "x_spot_btcusdt.csv", text[:-2])  # "1.5" where all others print "1.50"
    run(tmp_path, "binance-csv", path, max_quarantine=Fraction(1))
    assert reasons(tmp_path)[-1] == (25, "half-line")
    assert [line for line, _ in reasons(tmp_path)] == [23, 24, 25]


def test_a_strict_import_ends_at_the_first_fault(tmp_path: Path) -> None:
    rows = clean_rows("trade")
    rows[7] = rows[7].replace("BTCUSDT", "ETHUSDT")
    path = put(tmp_path / "x_spot_btcusdt.csv", text_of("trade", rows))
    refuse(
        tmp_path, r"\(line 9\): wrong-symbol: Symbol 'ETHUSDT'", "binance-csv", path, strict=True
    )


def test_mixed_symbols_are_refused_by_their_share(tmp_path: Path) -> None:
    rows = clean_rows("quotes", 20)
    rows[1::4] = [row.replace("BTCUSDT", "ETHUSDT") for row in rows[1::4]]
    path = put(tmp_path / "file.csv", text_of("quotes", rows))
    refuse(tmp_path, r"5 of 20 lines are faulty .* line 3, wrong-symbol", "tardis", path)


# --- files that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (zipped(), "empty zip data|has 0 files"),
        (zipped(("a.csv", b"1"), ("b.csv", b"2")), "has 2 files"),
        (zipped(("QQ", b"1")).replace(b"QQ", b"\0Q"), "has a member without a name"),
        (zipped(("../a.csv", b"1")), "leaves its folder"),
        (zipped(("/a.csv", b"1")), "leaves its folder"),
        (zipped(("c:\\a.csv", b"1")), "leaves its folder"),
        (zipped(("a.csv", text_of("aggTrades")), method=zipfile.ZIP_BZIP2), "zip method 12"),
        (zipped(("a.csv", text_of("aggTrades")))[:-30], "truncated zip"),
        (lambda: zipped(*((f"{k}", b"") for k in range(25_000))), "bytes of contents"),
        (zipped(("a.csv", text_of("aggTrades"))).replace(b"700,100", b"700,900"), ""),
        (gzip.compress(text_of("aggTrades"), mtime=0)[:-9], "truncated gzip"),
        (b"", "is empty"),
        (b"\n\n", "has columns ''"),
        (header("aggTrades").encode() + b"\n", "no line behind"),
        (text_of("aggTrades").replace(b"price", b"cost"), "lacks column 'price'.*'cost'"),
        (text_of("aggTrades").replace(b"quantity", b"price"), "lacks column 'quantity'"),
        (text_of("aggTrades").replace(b"agg_trade_id,price", b"price,price"), "lacks column 'agg_"),
        (b"open,high,low\n1,2,3\n", "has columns 'open,high,low'"),
        (b"1,2,3\n4,5,6\n", "has 3 columns; expected 8, 7 for aggTrades"),
        (b"PAR1" + bytes(90), "Parquet"),
    ],
    ids=lambda x: x[:30] if isinstance(x, str) else "",
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes | Callable[[], bytes], match: str
) -> None:
    # A large one is not made where tests are collected.
    path = put(tmp_path / f"{AGG}.zip", content() if callable(content) else content)
    if not match:  # stored bytes are packed, so nothing was replaced
        assert run(tmp_path, "binance-vision", path).quarantined == 0
        return
    refuse(tmp_path, match, "binance-vision", path)


def test_a_damaged_zip_member_is_refused(tmp_path: Path) -> None:
    content = zipped(("a.csv", text_of("aggTrades")), method=zipfile.ZIP_STORED)
    path = put(tmp_path / f"{AGG}.zip", content.replace(b"700,100", b"700,900"))
    refuse(tmp_path, "corrupt zip: Bad CRC-32", "binance-vision", path)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("BTCUSDT-1m-2023-11.csv", "has klines; expected --mapping FILE"),
        ("BTCUSDT-klines-1m-2023-11.csv", "has klines; expected --mapping"),
        ("BTCUSDT-premiumIndexKlines-2023-11.csv", "has premiumIndexKlines, expected one"),
        ("BTCUSDT-liquidationSnapshot-2023-11.csv", "has liquidationSnapshot"),
        ("BTCUSD_PERP-aggTrades-2023-11.csv", "a coin-margined"),
        ("trades.csv", "neither a header nor a name"),
    ],
)
def test_names_that_the_archive_does_not_have(tmp_path: Path, name: str, match: str) -> None:
    path = put(tmp_path / name, text_of("aggTrades", with_header=False))
    refuse(tmp_path, match, "binance-vision", path)


def test_a_file_of_another_day_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "BTCUSDT-aggTrades-2023-11-16.csv", text_of("aggTrades"))
    refuse(tmp_path, "no acceptable line; line 2, outside-day", "binance-vision", path)


def test_one_instrument_told_twice_is_refused(tmp_path: Path) -> None:
    a = put(tmp_path / f"{AGG}.csv", text_of("aggTrades"))
    rows = [f"{k},100,1,100,{T0_MS + k},true" for k in range(5)]
    b = put(tmp_path / "BTCUSDT-trades-2023-11.csv", "\n".join(rows).encode())
    refuse(tmp_path, "repeat the aggTrades", "binance-vision", a, b)
    refuse(tmp_path, "is given twice", "binance-vision", a, a)
    c = put(tmp_path / "BTCUSDT-aggTrades-2023-11.csv", text_of("aggTrades"))
    options = {"max_quarantine": Fraction(1)}
    refuse(tmp_path, "no acceptable|same bytes", "binance-vision", a, c, **options)


def test_nothing_to_import_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, "needs --input PATH", "tardis")
    refuse(tmp_path, "cannot be read", "tardis", tmp_path / "nothing.csv")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path, "has no file that ends in", "tardis", tmp_path / "empty")
    refuse(tmp_path, "cannot be read", "tardis", Path("a\0b"))


def test_a_snapshot_without_symbol_or_market_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", text_of("depth_snapshot"))
    refuse(tmp_path, "does not name its symbol", "binance-csv", path)
    refuse(tmp_path, "does not name its market", "binance-csv", path, underlying="BTCUSDT")
    path = put(tmp_path / "x_coin_m_futures_btcusd_14-11-2023.csv", text_of("depth_snapshot"))
    refuse(tmp_path, "coin-margined|no known quote", "binance-csv", path)
    comment = b"# DEPTH_SNAPSHOT SPOT BTCUSDT 14-11-2023\n"
    path = put(tmp_path / "x.csv", comment + text_of("depth_snapshot"))
    assert run(tmp_path, "binance-csv", path).segment.instruments[0].symbol == "BTCUSDT"


# --- command line -----------------------------------------------------------------------------


def test_the_command_line_takes_files_again_and_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a = put(tmp_path / f"{AGG}.csv", text_of("aggTrades"))
    b = put(tmp_path / "BTCUSDT-bookTicker-2023-11.csv", text_of("bookTicker"))
    words = ["import", "--format", "binance-vision", "--input", str(a), "--input", str(b)]
    words += ["--out", str(tmp_path / "seg"), "--json"]
    monkeypatch.setattr("sys.argv", ["quantlaxmi-crypto", *words])
    assert main_crypto() == 0
    told = json.loads(capsys.readouterr().out)
    assert told["messages_by_kind"] == {"trades": 24, "quotes": 24, "depth": 0, "funding": 0}
    assert told["lines"] == told["header_lines"] + told["message_lines"] + told["quarantined"]
    for more in (["--spot", "x"], ["--perp", "x"]):
        words[words.index("--out") + 1] = str(tmp_path / "none")
        monkeypatch.setattr("sys.argv", ["quantlaxmi-crypto", *words, *more])
        assert main_crypto() == 2
        assert "is not for binance-vision" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("format", "layout", "name"),
    [
        ("binance-vision", "aggTrades", "BTCUSDT-aggTrades-2023-11-{day:02}.csv"),
        ("tardis", "trades", "binance-futures_trades_2023-11-{day:02}_BTCUSDT.csv"),
    ],
)
def test_a_day_of_a_header_alone_is_an_empty_day(
    tmp_path: Path, format: str, layout: str, name: str
) -> None:
    days = {14: text_of(layout), 15: header(layout).encode() + b"\n"}
    days[16] = days[15]  # the same content, and yet no file given twice
    paths = [put(tmp_path / name.format(day=day), text) for day, text in days.items()]
    result = run(tmp_path, format, *paths)
    assert (result.lines, result.header_lines, result.message_lines) == (27, 3, 24)
    empty = [note for note in result.segment.manifest.notes if "a header and no line" in note]
    assert [note.partition(":")[0] for note in empty] == [path.name for path in paths[1:]]
    with pytest.raises(InputError, match="no line behind its header"):
        run(tmp_path, format, paths[1], out=tmp_path / "none")
