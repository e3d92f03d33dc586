"""Files that cannot be imported: one line that names the file, and nothing left behind."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi._ext import binance_rows
from quantlaxmi.errors import InputError
from quantlaxmi.importers import FORMATS, import_binance_stream, import_capture
from quantlaxmi.importers.binance.symbols import split_symbol
from quantlaxmi.importers.delimited.text_source import PIECE_BYTES, TextSource
from quantlaxmi.segment import open_segment
from tests.captures import T0, line, perp_lines, snapshot, spot_lines, ticker, trade, write

GZ = gzip.compress(b"\n".join(spot_lines()) + b"\n", mtime=0)


def refuse(tmp_path: Path, match: str, **options: Any) -> None:
    """The import fails in one line and leaves the folder as it was."""
    before = sorted(p.name for p in tmp_path.iterdir())
    n_threads = threading.active_count()
    options.setdefault("out", tmp_path / "seg")
    with pytest.raises(InputError, match=match) as caught:
        import_capture("binance-stream", **{"spot": None, "perp": None} | options)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert threading.active_count() == n_threads


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"\n", "no acceptable line; first at line 1, empty-line"),
        (b"rubbish\nmore\n", "no acceptable line; first at line 1, bad-stamp"),
        (b"\x00" * 1000, "no acceptable line"),
        (GZ[:-9], "truncated gzip"),
        (GZ[:100], "truncated gzip"),
        (GZ[:5], "truncated gzip"),
        (GZ[:200] + bytes([GZ[200] ^ 0xFF]) + GZ[201:], "corrupt gzip"),
        (GZ[:-6] + b"\x00" + GZ[-5:], "corrupt gzip"),
        (GZ + b"rubbish", "corrupt gzip"),
        (gzip.compress(b"", mtime=0), "has no line"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "zstd"),
        (b"PK\x03\x04" + b"x" * 50, "zip data; expected plain text or gzip"),
        (b"PAR1" + b"x" * 50, "Parquet"),
        (snapshot(T0, 5, [["1", "1"]]) + b"\n", "names its symbol"),
    ],
    ids=lambda x: repr(x)[:20] if isinstance(x, bytes) else x,
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "spot.gz"
    path.write_bytes(content)
    refuse(tmp_path, rf"spot.gz.*{match}", spot=path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    refuse(tmp_path, "nothing.gz: cannot be read: No such file", spot=tmp_path / "nothing.gz")
    (tmp_path / "folder").mkdir()
    refuse(tmp_path, "folder: is a folder", perp=tmp_path / "folder")
    refuse(tmp_path, "needs --spot FILE")
    good = write(tmp_path / "spot.txt", spot_lines())
    refuse(tmp_path, "nothing.gz: cannot be read", spot=good, perp=tmp_path / "nothing.gz")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path, "pipe: is not a regular file", spot=tmp_path / "pipe")


def test_an_output_folder_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "spot.txt", spot_lines())
    (tmp_path / "seg").mkdir()
    (tmp_path / "seg" / "mine").write_text("mine")
    refuse(tmp_path, "seg: exists already", spot=path)
    assert (tmp_path / "seg" / "mine").read_text() == "mine"


def test_an_output_folder_without_parent_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "spot.txt", spot_lines())
    refuse(tmp_path, "cannot be made", spot=path, out=tmp_path / "no" / "seg")


@pytest.mark.parametrize("strict", [False, True])
def test_captures_given_as_the_other_market_are_refused(tmp_path: Path, strict: bool) -> None:
    spot = write(tmp_path / "s.txt", spot_lines())
    perp = write(tmp_path / "p.txt", perp_lines())
    match = "s.txt: has spot streams .* was given as --perp; expected perpetual streams"
    refuse(tmp_path, match, perp=spot, strict=strict)
    match = "p.txt: has perpetual streams .* was given as --spot; expected spot streams"
    refuse(tmp_path, match, spot=perp, strict=strict)
    refuse(tmp_path, "was given as", spot=perp, perp=spot, strict=strict)
    refuse(tmp_path, "s.txt: has spot streams", spot=spot, perp=spot, strict=strict)


@pytest.mark.parametrize("perp", [False, True])
def test_quotes_alone_tell_the_market_by_their_times(tmp_path: Path, perp: bool) -> None:
    lines = [ticker(T0 + k, k, "1", "2", perp) for k in range(9)]
    path = write(tmp_path / "x.txt", lines)
    right, wrong = ("perp", "spot") if perp else ("spot", "perp")
    refuse(tmp_path, f"was given as --{wrong}", **{wrong: path})
    result = import_capture(
        "binance-stream", **{"spot": None, "perp": None, right: path, "out": tmp_path / "seg"}
    )
    assert result.messages_by_kind["quotes"] == 9


def test_quotes_with_times_beside_spot_trades_are_spot(tmp_path: Path) -> None:
    lines = [ticker(T0 + k, k, "1", "2", True) for k in range(9)] + [trade(T0 + 10, 1)]
    result = import_binance_stream(write(tmp_path / "x.txt", lines), None, tmp_path / "seg")
    assert result.quarantined == 0


def test_two_symbols_in_one_file_are_refused(tmp_path: Path) -> None:
    lines = spot_lines()
    other = lines[2].replace(b"btcusdt", b"ethusdt").replace(b"BTCUSDT", b"ETHUSDT")
    path = write(tmp_path / "spot.txt", [*lines, other])
    match = r"spot.txt \(line 41\): holds two symbols, BTCUSDT and ETHUSDT; expected one"
    refuse(tmp_path, match, spot=path)


def test_captures_of_different_underlying_are_refused(tmp_path: Path) -> None:
    spot = write(tmp_path / "spot.txt", spot_lines())
    other = [
        text.replace(b"btcusdt", b"ethusdt").replace(b"BTCUSDT", b"ETHUSDT")
        for text in perp_lines()
    ]
    perp = write(tmp_path / "perp.txt", other)
    refuse(tmp_path, "perp.txt: has ETHUSDT, the spot capture has BTCUSDT", spot=spot, perp=perp)
    refuse(tmp_path, "perp.txt: has ETHUSDT; expected BTC, as --underlying", perp=perp,
           underlying="BTC")  # fmt: skip
    for k, name in enumerate(("ETHUSDT", "eth", "ETH")):
        result = import_binance_stream(None, perp, tmp_path / f"seg{k}", underlying=name)
        assert result.segment.instruments[0].symbol == "ETHUSDT-PERP"


def test_symbols_are_split_at_the_longest_currency(tmp_path: Path) -> None:
    assert split_symbol(tmp_path, "BTCUSDT") == ("BTC", "USDT")
    assert split_symbol(tmp_path, "BTCFDUSD") == ("BTC", "FDUSD")
    assert split_symbol(tmp_path, "1000PEPEUSDC") == ("1000PEPE", "USDC")
    for symbol in ("BTCUSDT_240927", "USDT", "ABCXYZ", "", "ÄUSDT"):
        with pytest.raises(InputError):
            split_symbol(tmp_path, symbol)


@pytest.mark.parametrize("share", [Fraction(-1), Fraction(2)])
def test_a_share_outside_its_range_is_refused(tmp_path: Path, share: Fraction) -> None:
    path = write(tmp_path / "spot.txt", spot_lines())
    refuse(tmp_path, "--max-quarantine: was", spot=path, max_quarantine=share)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        import_capture("csv", spot=None, perp=None, out=tmp_path / "seg")
    assert str(told.value) == f"--format: was 'csv'; expected one of {', '.join(FORMATS)}"


def test_packed_plain_and_many_members_give_one_segment(tmp_path: Path) -> None:
    lines = spot_lines()
    text = b"\n".join(lines) + b"\n"
    parts = {
        "plain": text,
        "gzip": gzip.compress(text),
        "members": b"".join(gzip.compress(text[k : k + 999]) for k in range(0, len(text), 999)),
        "padded": gzip.compress(text) + b"\0" * 700,
        "empty member": gzip.compress(b"") + gzip.compress(text),
    }
    digests = set()
    for name, content in parts.items():
        path = tmp_path / name
        path.write_bytes(content)
        result = import_binance_stream(path, None, tmp_path / f"{name}.seg")
        [source] = result.segment.manifest.sources
        assert source.sha256 == hashlib.sha256(content).hexdigest()
        assert (source.bytes, source.lines, source.stream) == (len(content), len(lines), "spot")
        assert source.name == name
        digests.add(result.segment.digest)
    assert len(digests) == 1


def test_a_name_that_is_not_text_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.txt")
    write(path, [*spot_lines(120), b""])
    result = import_binance_stream(path, None, tmp_path / "seg")
    assert result.segment.manifest.sources[0].name == r"\xff.txt"
    assert result.captures[0].quarantined == 1


def test_a_segment_says_what_was_set_aside_and_verifies(tmp_path: Path) -> None:
    lines = spot_lines(150)
    lines.insert(50, line(T0, "x"))
    path = write(tmp_path / "spot.gz", lines, packed=True)
    seen: list[tuple[int, int]] = []
    result = import_binance_stream(
        path, None, tmp_path / "seg", progress=lambda done, total: seen.append((done, total))
    )
    segment = open_segment(tmp_path / "seg", verify="all")
    assert segment.manifest.quarantine.lines == result.quarantined == 1
    assert seen[-1] == (path.stat().st_size,) * 2
    (tmp_path / "seg" / "quarantine.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match=r"quarantine\.jsonl"):
        open_segment(tmp_path / "seg", verify="all")


def test_pieces_of_any_size_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = line(T0, '{"a":"' + "x" * (binance_rows.MAX_LINE + 5000) + '"}')
    lines = [*spot_lines(60), long, b"", *spot_lines(61)[60:], long[: binance_rows.MAX_LINE - 1]]
    path = write(tmp_path / "spot.txt", lines)
    digests = set()
    for n in (1 << 21, 100_000, 997, 64):
        if n < 1000:
            lines = [text for text in lines if len(text) < 1000]
            path = write(tmp_path / "short.txt", lines, end=b"")
        monkeypatch.setattr("quantlaxmi.importers.delimited.text_source.PIECE_BYTES", n)
        result = import_binance_stream(
            path, None, tmp_path / f"seg{n}", max_quarantine=Fraction(1, 10)
        )
        assert result.lines == len(lines)
        digests.add(result.segment.digest)
    assert len(digests) == 1


def test_a_span_without_newline_ends_the_import_early(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
    refuse(tmp_path, r"bomb.gz \(line 1\): has 67108864 bytes without a newline", spot=path)


@pytest.mark.parametrize("packed", ["plain", "gzip", "zip"])
def test_files_read_side_by_side_share_the_pieces_of_two(tmp_path: Path, packed: str) -> None:
    text = b"0123456789abcde\n" * (1 << 18)
    path = tmp_path / "text"
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("text", text)
    else:
        path.write_bytes(gzip.compress(text) if packed == "gzip" else text)
    for together, most in ((2, PIECE_BYTES), (16, PIECE_BYTES // 8), (64, PIECE_BYTES // 32)):
        parts, end = [], False
        with TextSource(path, zipped=True, together=together) as source:
            while not end:
                part, end = source.read()
                parts.append(part)
        assert b"".join(parts) == text
        assert max(map(len, parts)) <= most


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_import_that_is_ended_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    path = tmp_path / "trades.csv"
    head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    stamps = ((k, 17 * 10**14 + k * 10**6) for k in range(600_000))
    lines = (f"binance,BTCUSDT,{t},{t},{k},buy,42000.1,0.001\n" for k, t in stamps)
    path.write_text(head + "".join(lines))
    words = ["import", "--format", "tardis", "--input", str(path), "--out", str(tmp_path / "seg")]
    text = "from quantlaxmi.cli import main_crypto as main; raise SystemExit(main())"
    with subprocess.Popen([sys.executable, "-c", text, *words], stderr=subprocess.PIPE) as process:
        limit = time.monotonic() + 60
        while not any(tmp_path.glob(".seg.*.partial/seg/wal/trades*")):
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.005)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    assert said == b"quantlaxmi-crypto: %s\n" % (b"terminated" if code == 143 else b"interrupted")
    assert list(tmp_path.iterdir()) == [path]


def test_text_source_stops_its_thread_when_closed_early(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"x\n" * (1 << 23))
    with TextSource(path) as source:
        source.read()
    assert not any(t.name.startswith("read ") for t in threading.enumerate())


def test_many_faults_are_a_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantlaxmi.importers.quarantine.MAX_FAULTS", 100)
    path = write(tmp_path / "spot.txt", spot_lines() + [b""] * 200)
    refuse(tmp_path, "more than 100 faulty lines; first at line 41, empty-line", spot=path)
