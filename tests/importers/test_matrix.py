"""Every fault in every kind of file: set aside with line and reason, or refused in one line.

The table says what becomes of a clean file that is spoiled in one way:

``whole``
    all of it is taken, and where only the writing differs it is the same segment;
``gap TABLE``
    all of it is taken, and the manifest lists a gap of that table;
``line REASON``
    the spoiled line is set aside for that reason, with the rest of its message and nothing else;
``exit WORDS``
    the command ends with exit code 2 and one line that names the file and holds the words (a
    regular expression);
``-``
    such a file cannot have the fault.

Kinds are matched as file names are; of several patterns the last one counts.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Set
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.importers import FORMATS
from tests.import_faults import FAULTS, clean
from tests.import_samples import SAMPLES, Sample

#: Written another way, a file is the same.
WRITING = ("byte order mark", "CRLF", "quoted fields")
_CUT_JSON = "exit is no JSON array of klines"
_CUT_PARQUET = "exit cannot be read as Parquet"
_NO_ROOM = "exit has no acceptable line; (first at )?line [12], "
TABLE: dict[str, dict[str, str]] = {
    "none": {"*": "whole"},
    "wrong column": {
        "*": r"exit \(line 1\): lacks column '.+' of \w+, has unknown column '\w+'",
        "binance-stream*": "line wrong-shape",
        "*bare": "-",
        "*klines": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "klines-json": "-",
        "bars*": r"exit \(line 1\): lacks column 's_open', which spot.open names; did you mean",
        "ohlcv json": "-",
        "ohlcv feather": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "kraken": "-",
        "lean": "-",
        "okx candles": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "okx candles json": "-",
        "bybit book json": "-",
    },
    "missing column": {
        "*": r"exit \(line 1\): lacks column '.+' of \w+",
        "binance-stream*": "line wrong-shape",
        "*bare": r"exit \(line 1\): has 6 columns; expected 8, 7 for aggTrades",
        "*klines": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "*klines bare": "exit 48 of 48 lines are faulty.* has 11 cells, expected 12",
        "klines-json": "line wrong-shape",
        "bars*": r"exit \(line 1\): lacks column 's_open', which spot.open names",
        "ohlcv json": "line wrong-shape",
        "ohlcv feather": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "kraken": "exit 48 of 48 lines are faulty.* has 6 cells, expected 7",
        "lean": r"exit \(line 1\): has 5 columns; expected 6 of trade bars: time,open",
        "okx candles": r"exit \(line 1\): lacks column 'open', which spot.open names",
        "okx candles json": "line wrong-shape",
        "bybit book json": "line wrong-shape",
    },
    "one stamp a thousand times": {
        "*": "line stamp-unit",
        "binance-stream*": "line bad-stamp",
        "klines-json": "whole",  # every kline may be in ms or µs,
        "ohlcv feather": "line bad-stamp",
        "lean": "line bad-stamp",
        "bybit trading": "line bad-stamp",
        "bybit book json": "whole",
    },
    "one stamp a thousandth": {
        "*": "line bad-stamp",  # seconds, which no format has
        "binance-stream*": "line stamp-unit",
        "binance-csv trade": "line stamp-unit",
        "binance-csv diff*": "line stamp-unit",
        "tardis*": "line stamp-unit",
        "*klines*": "line stamp-unit",
        "klines-json": "line bad-stamp",
        "ohlcv json": "line stamp-unit",
        "lean": "line time-reversal",
        "okx candles*": "line stamp-unit",
    },
    "all stamps a thousand times": {
        "*": "whole",  # of ms they are µs, which is a unit of the format
        "binance-stream*": _NO_ROOM + "bad-stamp: was '1700000000000000000000 .*, expected",
        "binance-csv trade": _NO_ROOM + "stamp-unit: TimestampOfReceive '1700000000000900000'",
        "binance-csv diff*": _NO_ROOM + "stamp-unit: TimestampOfReceive '1700000000000900000'",
        "tardis*": _NO_ROOM + "stamp-unit: timestamp '1700000000000000000' .*expected one unit in",
        "klines-json": "exit first at line 1, open time was 1704067200000000.*expected",
        "bars*": r"exit \(line [12]\): column 'time' was '1704067200000', expected .*millis",
        "ohlcv*": r"exit \(line 1\): column 'date' was '1704067200000000', expected .*microseconds",
        "ohlcv feather": "exit 48 of 48 lines are faulty.*bad-stamp: column 'date' was '',",
        "kraken": r"exit \(line 1\): column 'time' was '1704067200000', expected .*millis",
        "lean": "exit 46 of 48 lines are faulty",
        "okx trades": _NO_ROOM + "stamp-unit: created_time '1700000000000000'",
        "bybit spot": _NO_ROOM + "stamp-unit: timestamp '1700000000000000'",
        "bybit trading": _NO_ROOM + "bad-stamp: timestamp '1700000000000.0000'",
        "okx candles*": r"exit \(line [12]\): column 'open_time' was '17040672000+', .*micros",
        "bybit book json": "whole",
    },
    "all stamps a thousandth": {
        "*": _NO_ROOM + r"bad-stamp: \w+ '1700000000'.*expected a time",
        "binance-stream*": "whole",  # of ns they are µs
        "binance-csv trade": "whole",
        "binance-csv diff*": "whole",
        "tardis*": _NO_ROOM + "stamp-unit: timestamp '1700000000000' .*expected",
        "*klines*": r"exit \(line [12]\): column 'open_time' was '17040672+0+', expected .*sec",
        "klines-json": "exit first at line 1, open time was 1704067200, expected milli- or micros",
        "bars*": "exit 48 of 48 lines are faulty.*bad-stamp: column 'time' was '1704067', expected",
        "ohlcv*": r"exit \(line 1\): column 'date' was '1704067200', expected .*seconds",
        "ohlcv feather": "exit 48 of 48 lines are faulty.*bad-stamp: column 'date' was '1970",
        "kraken": "exit 48 of 48 lines are faulty.*bad-stamp: column 'time' was '1704067',",
        "lean": "exit 47 of 48 lines are faulty",
        "bybit trading": _NO_ROOM + "bad-stamp: timestamp '1700000.*",
        "okx candles*": r"exit \(line [12]\): column 'open_time' was '17040672+0+', expected .*sec",
        "bybit book json": _NO_ROOM + "bad-stamp: exchange time ts 1700000000",
    },
    "mixed symbols": {
        "*": "-",
        "binance-stream*": "line wrong-symbol",
        "binance-csv trade": "line wrong-symbol",
        "binance-csv diff*": "line wrong-symbol",
        "*T_DEPTH": "line wrong-symbol",
        "tardis*": "line wrong-symbol",
        "okx trades": "line wrong-symbol",
        "okx candles": r"exit \(line 26\): column 'instrument_name' was 'ETH-USDT', expected",
        "bybit trading": "line wrong-symbol",
        "bybit book json": "line wrong-symbol",
    },
    "another underlying": {
        "*": "exit has BTCUSDT; expected ETHUSDT, as --underlying says",
        "*klines*": r"exit \(spot.symbol\): names BTCUSDT; expected ETHUSDT",
        "bars*": r"exit \(spot.symbol\): names BTCUSDT; expected ETHUSDT",
        "ohlcv*": r"exit \(spot.symbol\): names BTCUSDT; expected ETHUSDT",
        "kraken": r"exit \(spot.symbol\): names BTCUSDT; expected ETHUSDT",
        "lean": r"exit \(spot.symbol\): names BTCUSDT; expected ETHUSDT",
        "okx trades": "exit has BTC-USDT; expected ETHUSDT, as --underlying says",
        "okx candles*": r"exit \(spot.symbol\): names BTC-USDT; expected ETHUSDT",
    },
    "reversed time": {
        "*": "line time-reversal",
        "lean": "line bad-stamp",
        "okx trades": "line outside-day",
    },
    "duplicate id": {
        "*": "line duplicate-id",
        "binance-csv d*": "line message-mismatch",  # lines of one id are one message
        "*T_DEPTH": "line message-mismatch",
        "tardis*": "whole",  # it has no ids but those of trades
        "tardis trades": "line duplicate-id",
        "*klines*": "line duplicate-time",
        "bars*": "line duplicate-time",
        "ohlcv*": "line duplicate-time",
        "kraken": "line duplicate-time",
        "lean": "line duplicate-time",
        "okx candles*": "line duplicate-time",
        "bybit book json": "gap depth",
    },
    "gap": {
        "*": "gap depth",
        "binance-csv trade": "gap trades",
        "binance-csv depth_snapshot": "whole",
        "*rades*": "gap trades",
        "*bookTicker": "whole",  # update ids of quotes have holes
        "*fundingRate": "gap funding",
        "tardis*": "whole",
        "*klines*": "gap quotes",
        "bars*": "gap funding,quotes",
        "ohlcv*": "gap quotes",
        "kraken": "gap quotes",
        "lean": "gap quotes",
        "okx trades": "whole",
        "bybit*": "whole",
        "okx candles*": "gap quotes",
        "bybit book json": "gap depth",
    },
    "half a line at the end": {
        "*": "line half-line",
        "klines-json": _CUT_JSON,
        "*parquet": _CUT_PARQUET,
        "ohlcv json": "exit is no JSON list of date, open",
        "ohlcv feather": "exit cannot be read as Feather",
        "okx candles json": "exit is no JSON list of open_time",
    },
    "a character less at the end": {
        "*": "line half-line",
        "*klines*": "whole",  # in a column that is not read
        "klines-json": _CUT_JSON,
        "*parquet": _CUT_PARQUET,
        "ohlcv json": "exit is no JSON list of date, open",
        "ohlcv feather": "exit cannot be read as Feather",
        "kraken": "whole",
        "okx candles json": "exit is no JSON list of open_time",
        "bybit trading": "whole",
    },
    "empty file": {"*": "exit is empty; expected"},
    "truncated gzip": {
        "*": r"exit \(byte \d+\): is truncated gzip",
        "klines-json": "exit ended before the end-of-stream marker was reached; expected",
        "*parquet": r"exit \(line 1\): has no whole header; expected bars",
    },
    "truncated zip": {
        "*": "exit is truncated zip; it has no table of contents",
        "binance-stream*": "exit is zip data; expected plain text or gzip",
        "klines-json": "exit cannot be read: .*; expected a tar or a JSON file",
        "ohlcv*": "exit is zip data; expected plain text or gzip",
        "okx candles json": "exit is zip data; expected plain text or gzip",
    },
    "folder": {
        "*": "exit has no file that ends in one of .csv",
        "binance-stream*": "exit is a folder; expected a",
        "klines-json": "exit is a folder; expected an archive",
        "bars*": "exit is a folder; expected a",
        "ohlcv*": "exit is a folder; expected a file of bars",
    },
    "binary garbage": {
        "*": r"exit \(line 1\): has columns .*; expected ",
        "binance-stream*": "exit has no acceptable line; first at line 1, not-utf-8",
        "*klines*": r"exit \(line 1\): has no whole header; expected bars",
        "klines-json": "exit cannot be read: .*; expected a tar or a JSON file",
        "bars*": r"exit \(line 1\): has no whole header; expected bars",
        "ohlcv*": "exit is no JSON list of date, open",
        "kraken": "exit 18 of 18 lines are faulty.*not-utf-8",
        "lean": r"exit \(line 1\): has 1 column; expected 6 of trade bars",
        "okx candles json": "exit is no JSON list of open_time",
        "bybit book json": "exit has no acceptable line; first at line 1, not-utf-8",
    },
    "a line of garbage": {
        "*": "line not-utf-8",
        "klines-json": _CUT_JSON,
        "*parquet": "-",
        "ohlcv json": "exit is no JSON list of date, open",
        "*feather": "-",
        "okx candles json": "exit is no JSON list of open_time",
    },
    "byte order mark": {
        "*": "whole",
        "*parquet": "-",
        "*feather": "-",
    },
    "CRLF": {
        "*": "whole",
        "*parquet": "-",
        "*feather": "-",
    },
    "quoted fields": {
        "*": r"exit \(line [12]\): has quoted fields \(\".*\"\); expected plain comma-separated",
        "binance-stream*": "-",
        "klines-json": "-",
        "bars csv": "whole",
        "*parquet": "-",
        "ohlcv*": "-",
        "okx candles json": "-",
        "bybit book json": "-",
    },
    "price of 20 digits": {"*": "line overflow"},
    "price of 1e400": {
        "*": "line overflow",
        "*parquet": "line bad-decimal",
        "*feather": "line bad-decimal",
    },  # an infinity
    "price of nan": {
        "*": "line bad-decimal",
        "*parquet": "line empty-cell",
        "*feather": "line empty-cell",
    },
    "price below zero": {"*": "line price-not-positive", "*fundingRate": "line overflow"},
    "no price": {
        "*": "line missing-value",
        "binance-stream*": "line bad-decimal",
        "*klines*": "line empty-cell",
        "bars*": "line empty-cell",
        "ohlcv*": "line empty-cell",
        "kraken": "line empty-cell",
        "lean": "line empty-cell",
        "okx candles*": "line empty-cell",
        "bybit book json": "line bad-decimal",
    },
    "price of ten decimals": {
        "*": "line too-fine",
        "tardis*": r"exit \(line 26\): holds '1.1234567891', finer than",
        "okx trades": r"exit \(line 26\): holds '1.1234567891', finer than",
        "bybit*": r"exit \(line 26\): holds '1.1234567891', finer than",
        "bybit book json": "line too-fine",
    },
}


def outcome(
    folder: Path, sample: Sample, fault: str, beside: Set[str] = frozenset()
) -> tuple[int, Any, int]:
    """Exit code; what was said, or the command's JSON; the row at fault."""
    path = folder / sample.name
    at, more = 0, list[str]()
    if fault == "folder":
        path.mkdir()
    elif fault in FAULTS:
        spoiled = FAULTS[fault](sample)
        if spoiled is None:
            return -1, None, 0
        path.write_bytes(spoiled[0])
        at = spoiled[1]
    else:
        path.write_bytes(clean(sample))
        more = ["--underlying", "ETHUSDT"] * (fault == "another underlying")
    stream = {"binance-stream spot": "--spot", "binance-stream perp": "--perp"}
    words = ["import", "--format", sample.format, stream.get(sample.kind, "--input"), str(path)]
    words += ["--out", str(folder / "seg"), "--max-quarantine", "0.5", "--json", *more]
    kept = {path.name, *beside}
    if sample.mapping:
        (folder / "m.toml").write_text(sample.mapping)
        words += ["--mapping", str(folder / "m.toml")]
        kept.add("m.toml")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main_crypto(words)
    left = {p.name for p in folder.iterdir()}
    if code:
        assert left == kept, "something is left behind"
        assert out.getvalue() == ""
        return code, err.getvalue(), at
    assert left == kept | {"seg"}
    told = json.loads(out.getvalue())
    assert told["lines"] == told["header_lines"] + told["message_lines"] + told["quarantined"]
    return 0, told, at


def quarantine(folder: Path) -> list[dict[str, Any]]:
    path = folder / "seg" / "quarantine.jsonl"
    return [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []


def gaps(folder: Path) -> list[str]:
    return [g["table"] for g in json.loads((folder / "seg" / "segment.json").read_text())["gaps"]]


def wanted(fault: str, kind: str) -> str:
    return [text for pattern, text in TABLE[fault].items() if fnmatch(kind, pattern)][-1]


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {"none", "folder", "another underlying", *FAULTS}
    assert {row["*"] for row in TABLE.values()}


def test_every_format_has_a_clean_file_to_spoil() -> None:
    """Option chains and feeds have tables of faults of their own, in tests/importers/."""
    chains = {"nse-chain", "udiff", "kite-frames", "upstox-json", "india-bars"}
    assert {sample.format for sample in SAMPLES.values()} == set(FORMATS) - chains


@pytest.mark.parametrize("fault", TABLE)
def test_every_kind_of_file_with_one_fault(tmp_path: Path, fault: str) -> None:
    for k, (kind, sample) in enumerate(SAMPLES.items()):
        folder = tmp_path / str(k)
        folder.mkdir()
        what, _, words = wanted(fault, kind).partition(" ")
        code, said, row = outcome(folder, sample, fault)
        told = f"{kind}: {said}"
        if what == "-":
            assert code == -1, told
        elif what == "exit":
            assert code == 2, told
            assert said.count("\n") == 1 and said.startswith("quantlaxmi-crypto: "), told
            assert sample.name in said or "m.toml" in said, told
            assert re.search(words, said), told
            assert len(said) < 2000, told
        else:
            assert code == 0, told
            found = quarantine(folder)
            own = [f for f in found if f["reason"] != "incomplete-message"]
            lines = [f["line"] for f in found]
            assert lines == sorted(set(lines)), told
            assert {f["file"] for f in found} <= {sample.name}
            if what == "line":
                line = row + sample.n_header + 1
                assert (own[0]["line"], {f["reason"] for f in own}) == (line, {words}), told
                assert lines == list(range(lines[0], lines[0] + len(lines))), told
            else:
                assert found == [], told
                held = sorted(set(gaps(folder)))
                assert held == (words.split(",") if what == "gap" else []), told
        if fault in WRITING and what == "whole":
            (folder / "seg").rename(folder / "other")
            _, again, _ = outcome(folder, sample, "none", {"other"})
            assert again["digest"] == said["digest"], kind
