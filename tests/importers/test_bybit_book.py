"""Bybit's order book files: rows, faults and gaps as the naive reading; trades beside them."""

from __future__ import annotations

import io
import json
import zipfile
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.schema import DepthFlag
from tests.naive.bybit_book import read

T0 = 1_700_000_000_000
NAME = "2023-11-14_BTCUSDT_ob500.data"


def line(k: int, kind: str = "delta", u: int | None = None, **more) -> str:
    """One message; bids about 100, asks about 101."""
    random = Random(k)
    levels = {
        side: [[f"{base + sign * random.randrange(9) / 10:.1f}", f"{random.randrange(3)}.5"]
               for _ in range(3)]
        for side, base, sign in (("b", 100, -1), ("a", 101, 1))
    }  # fmt: skip
    data = {"s": "BTCUSDT", **levels, "u": 500 + k if u is None else u, "seq": 9000 + k}
    content = {"topic": "orderbook.500.BTCUSDT", "type": kind, "ts": T0 + 100 * k, "data": data,
               "cts": T0 + 100 * k - 7}  # fmt: skip
    return json.dumps(content | more, separators=(",", ":"))


def clean(n: int = 20) -> list[str]:
    return [line(k, "snapshot" if k == 0 else "delta") for k in range(n)]


def imported(folder: Path, text: bytes, name: str = NAME, *others: Path, **options):
    path = folder / "linear" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    options.setdefault("max_quarantine", Fraction(1))
    return import_capture("bybit", inputs=[path, *others], out=folder / "seg", **options)


def compare(folder: Path, text: bytes) -> None:
    result = imported(folder, text)
    books, faults, n_gaps = read(text, "BTCUSDT")
    rows = result.segment.columns("depth")
    wanted = []
    for seq, book in enumerate(books):
        levels = book.levels or [(0, 0, 0)]
        for k, (side, price, qty) in enumerate(levels):
            flags = int(DepthFlag.SNAPSHOT) * book.snapshot
            flags |= int(DepthFlag.LAST) * (k == len(levels) - 1)
            wanted.append((seq, book.ts, book.exch, book.id, book.id - 1, side, price, qty, flags))
    names = ("seq", "ts_ns", "exch_ts_ns", "last_id", "prev_id", "side", "price", "qty", "flags")
    found = list(zip(*(rows[name].tolist() for name in names), strict=True))
    assert found == wanted
    path = result.segment.path / "quarantine.jsonl"
    told = [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []
    assert [(f["line"], f["reason"]) for f in told] == faults
    assert len(result.segment.manifest.gaps) == n_gaps
    assert result.lines == result.message_lines + result.quarantined


def test_a_clean_file(tmp_path: Path) -> None:
    compare(tmp_path, ("\n".join(clean()) + "\n").encode())


FAULTS = {
    "gap": lambda lines: lines.pop(9),
    "no json": lambda lines: lines.__setitem__(5, lines[5][:-3]),
    "half": lambda lines: lines.__setitem__(-1, lines[-1][:-30]),
    "restart": lambda lines: lines.__setitem__(8, line(8, "snapshot", 1)),
    "symbol": lambda lines: lines.__setitem__(4, lines[4].replace('"BTCUSDT"', '"ETHUSDT"')),
    "topic": lambda lines: lines.__setitem__(4, lines[4].replace("orderbook", "trade")),
    "type": lambda lines: lines.__setitem__(4, lines[4].replace("delta", "other")),
    "back": lambda lines: lines.__setitem__(6, line(6, ts=T0 - 5000, cts=0)),
    "clocks": lambda lines: lines.__setitem__(6, line(6, cts=1)),
    "apart": lambda lines: lines.__setitem__(6, line(6, cts=T0 - 10**9)),
    "number": lambda lines: lines.__setitem__(6, lines[6].replace('[["', '[[100.5,"')),
    "fine": lambda lines: lines.__setitem__(6, lines[6].replace('[["', '[["0.000000001')),
    "nan": lambda lines: lines.__setitem__(6, lines[6].replace('"b":[["', '"b":[["nan')),
    "id": lambda lines: lines.__setitem__(6, line(6, u=-4)),
    "huge id": lambda lines: lines.__setitem__(6, line(6, u=2**63)),
    "no cts": lambda lines: lines.__setitem__(6, line(6, cts=0)),
    "empty book": lambda lines: lines.__setitem__(6, line(6).split('"b"')[0]
        + '"b":[],"a":[],"u":506},"cts":0}'),
    "empty line": lambda lines: lines.insert(3, ""),
    "words": lambda lines: lines.__setitem__(6, lines[6].replace('"u":506', '"u":"506"')),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("ended", ["\n", ""])
def test_each_fault(tmp_path: Path, fault: str, ended: str) -> None:
    lines = clean()
    FAULTS[fault](lines)
    compare(tmp_path, ("\n".join(lines) + ended).encode())


@pytest.mark.parametrize("seed", range(12))
def test_damaged_files(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    lines = clean(30)
    for _ in range(4):
        k = random.randrange(1, len(lines))
        at = random.randrange(len(lines[k]))
        lines[k] = lines[k][:at] + random.choice('09",[]{}ab. -') + lines[k][at + 1 :]
    compare(tmp_path, ("\n".join(lines) + "\n").encode())


def test_trades_beside_a_book_and_several_days(tmp_path: Path) -> None:
    trades = tmp_path / "BTCUSDT2023-11-14.csv"
    trades.write_text(
        "timestamp,symbol,side,size,price,trdMatchID\n"
        f"{T0 // 1000}.05,BTCUSDT,Buy,1,101,a\n{T0 // 1000}.15,BTCUSDT,Sell,2,100,b\n"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, "\n".join(clean()) + "\n")
    later = tmp_path / "linear" / "2023-11-15_BTCUSDT_ob500.data"
    later.parent.mkdir()
    later.write_text(line(1000, "snapshot", 7) + "\n" + line(1001, u=8) + "\n")
    result = imported(tmp_path, made.getvalue(), NAME + ".zip", later, trades)
    (one,) = result.segment.instruments
    assert (one.symbol, one.venue, one.currency) == ("BTCUSDT-PERP", "bybit", "USDT")
    assert result.messages_by_kind == {"trades": 2, "depth": 22, "quotes": 0, "funding": 0}
    assert result.segment.manifest.gaps == ()
    depth, trade = result.segment.columns("depth"), result.segment.columns("trades")
    assert sorted({*depth["seq"].tolist(), *trade["seq"].tolist()}) == list(range(24))
    assert trade["seq"].tolist() == [1, 3]


def test_what_a_file_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text("\n".join(clean()) + "\n")
    with pytest.raises(InputError, match=r"does not name its market; expected it in a folder"):
        import_capture("bybit", inputs=[path], out=tmp_path / "seg")
    rules = tmp_path / "m.toml"
    rules.write_text(
        '[instruments."bybit/BTCUSDT"]\nkind = "spot"\ncurrency = "USDT"\nbase = "BTC"\n'
    )
    result = import_capture("bybit", inputs=[path], out=tmp_path / "seg", mapping=rules)
    assert result.segment.instruments[0].symbol == "BTCUSDT"
    path.write_text("x\n")
    with pytest.raises(InputError, match=r"has no acceptable line; first at line 1, not-json"):
        import_capture("bybit", inputs=[path], out=tmp_path / "other", mapping=rules)
