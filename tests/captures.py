"""Lines of made-up Binance captures for the import tests."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.importers import ImportResult, import_binance_stream
from quantlaxmi.schema import TABLES
from tests.naive.binance_stream import Result, naive_import

T0 = 1_700_000_000_000_000_000
MS = 10**6


def line(ts: int, content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return f"{ts} {text}".encode()


def ticker(ts: int, u: int, bid: str, ask: str, perp: bool = False, /, **more: Any) -> bytes:
    data: dict[str, Any] = {"u": u, "s": "BTCUSDT", "b": bid, "B": "1.5", "a": ask, "A": "2"}
    if perp:
        data = {"e": "bookTicker", **data, "T": ts // MS, "E": ts // MS + 3}
    return line(ts, {"stream": "btcusdt@bookTicker", "data": data | more})


def trade(ts: int, t: int, perp: bool = False, /, **more: Any) -> bytes:
    data = {"e": "trade", "E": ts // MS + 2, "T": ts // MS, "s": "BTCUSDT", "t": t}
    data |= {"p": "100.5", "q": "0.25", "m": False}
    data |= {"X": "MARKET"} if perp else {"M": True}
    return line(ts, {"stream": "btcusdt@trade", "data": data | more})


def diff(
    ts: int, first: int, last: int, prev: int | None = None, bids: Any = (), asks: Any = (),
    /, **more: Any,
) -> bytes:  # fmt: skip
    data = {"e": "depthUpdate", "E": ts // MS, "s": "BTCUSDT", "U": first, "u": last}
    if prev is not None:
        data |= {"pu": prev, "T": ts // MS - 1}
    data |= {"b": bids, "a": asks}
    speed = "100ms" if prev is None else "0ms"
    return line(ts, {"stream": f"btcusdt@depth@{speed}", "data": data | more})


def snapshot(ts: int, last: int, bids: Any = (), asks: Any = (), /, **more: Any) -> bytes:
    return line(ts, {"lastUpdateId": last, "bids": bids, "asks": asks} | more)


def mark(ts: int, /, **more: Any) -> bytes:
    data = {"e": "markPriceUpdate", "E": ts // MS, "s": "BTCUSDT", "p": "100.12345678"}
    data |= {"P": "100.2", "i": "100.1", "r": "-0.00002754", "T": ts // MS + 5_000}
    return line(ts, {"stream": "btcusdt@markPrice@1s", "data": data | more})


def spot_lines(n: int = 40, ts: int = T0) -> list[bytes]:
    """A clean spot capture: snapshot, then quotes, diffs and trades every 10 ms."""
    lines = [snapshot(ts, 1000, [["100.00", "3"]], [["100.02", "4"]])]
    for k in range(1, n):
        at = ts + k * 10 * MS
        if k % 4 == 0:
            lines.append(trade(at, 500 + k))
        elif k % 4 == 1:
            lines.append(diff(at, 1001 + k, 1004 + k, None, [["99.5", "1"]], [["101", "0"]]))
        else:
            lines.append(ticker(at, 2000 + k, "100.00", "100.01000000"))
    return lines


def perp_lines(n: int = 40, ts: int = T0) -> list[bytes]:
    """A clean perpetual capture, with mark prices."""
    lines = [snapshot(ts, 9000, [["99.9", "3"]], [["100.1", "4"]], E=ts // MS, T=ts // MS)]
    prev = 9000
    for k in range(1, n):
        at = ts + k * 10 * MS + 5
        if k % 5 == 0:
            lines.append(trade(at, 700 + k, True))
        elif k % 5 == 1:
            lines.append(diff(at, prev + 1, prev + 7, prev, [["99.5", "1"]], []))
            prev += 7
        elif k % 5 == 2:
            lines.append(mark(at))
        else:
            lines.append(ticker(at, 8000 + k, "99.9", "100", True))
    return lines


def write(path: Path, lines: list[bytes], packed: bool = False, end: bytes = b"\n") -> Path:
    text = b"\n".join(lines) + end
    path.write_bytes(gzip.compress(text, mtime=0) if packed else text)
    return path


def columns_of(result: ImportResult) -> dict[str, dict[str, list[int]]]:
    return {
        table: {name: c.tolist() for name, c in result.segment.columns(table).items()}
        for table in TABLES
    }


def check_against_naive(
    folder: Path, texts: list[tuple[bytes, bool]], **options: Any
) -> tuple[ImportResult, Result]:
    """Import texts and hold every row, fault, gap and count equal to the naive import's."""
    paths: dict[str, Path | None] = {"spot": None, "perp": None}
    for text, perp in texts:
        path = folder / f"{'perp' if perp else 'spot'}.txt"
        path.write_bytes(text)
        paths["perp" if perp else "spot"] = path
    result = import_binance_stream(paths["spot"], paths["perp"], folder / "seg", **options)
    expected = naive_import(texts, options.get("reorder_window_ns", 10**9))
    for table in TABLES:
        for name, column in result.segment.columns(table).items():
            want = np.array(expected.tables[table][name], dtype=np.int64)
            np.testing.assert_array_equal(column, want, err_msg=f"{table}.{name}")
    streams = [capture.stream for capture in result.captures]
    assert [(streams.index(s), n, r) for s, n, r in quarantined(result)] == expected.quarantined
    assert result.lines == expected.lines
    assert result.quarantined == len(expected.quarantined)
    assert sum(result.messages_by_kind.values()) == expected.messages
    assert sum(c.reordered for c in result.captures) == expected.reordered
    symbols = [capture.symbol for capture in result.captures]
    gaps = [
        (symbols.index(g.symbol), g.after_seq, g.start_ns, g.end_ns)
        for g in result.segment.manifest.gaps
    ]
    assert gaps == expected.gaps
    return result, expected


def quarantined(result: ImportResult) -> list[tuple[str, int, str]]:
    """(stream, line, reason) of each line of the quarantine file."""
    path = Path(result.segment.path) / "quarantine.jsonl"
    if not path.exists():
        return []
    records = [json.loads(text) for text in path.read_text().splitlines()]
    return [(r["stream"], r["line"], r["reason"]) for r in records]
