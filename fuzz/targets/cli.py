"""Command lines, words edited: an exit code, at most one line of error, nothing half-written."""

from __future__ import annotations

import contextlib
import io
import shutil
from functools import cache
from pathlib import Path

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes
from fuzz.targets import klines_json
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import MAX_MESSAGE
from quantlaxmi.importers.synthetic import generate_segment
from tests import bars_files, captures, csv_texts

ALLOWED = ()
TOKENS = (
    *(w for w in WORDS if b"\0" not in w and b"/" not in w and len(w) < 1000),
    b"--json", b"--strict", b"--help", b"-h", b"--", b"=", b"--set", b"--seed", b"threshold_bps=1",
    b"--latency-ns", b"1e9", b"1/0", b"0.5", b"x.json", b"x.arrow", b"new", b".", b"g2", b"g3",
)  # fmt: skip
RUN = "--segment-dir seg --strategy basis_capture"
COMMANDS = (
    "import --format binance-stream --spot spot.txt --perp perp.txt --out new",
    "import --format binance-stream --spot spot.txt --out new --max-quarantine 0.5 --strict --json",
    "import --format tardis --input quotes.csv --out new --mapping map.toml --underlying BTCUSDT",
    "import --format bars --input bars.csv --mapping bars.toml --out new --max-quarantine 1",
    "import --format klines-json --input klines.json --mapping klines.toml --out new",
    "import --format binance-vision --input BTCUSDT-aggTrades-2023-11.csv --input . --out new",
    "segment info --segment-dir seg --json",
    "segment verify --segment-dir seg",
    "bindings list --bind seg --json",
    "bindings verify --bind seg --segment-dir seg --last 0",
    "segment quality --segment-dir seg --stale-ms 100 --json",
    "segment split --segment-dir seg --rows 300 --out new",
    "segment split --segment-dir seg --by-day --out new",
    "segment export --segment-dir seg --out new",
    f"backtest {RUN} --set threshold_bps=5 --latency-ns 1000 --seed 3 --output-trace new.json",
    f"backtest {RUN} --costs costs.toml --risk risk.toml --run-dir new --flatten --json",
    f"replay {RUN} --config strategy.toml --interpreted --output-trace new.arrow",
    "verify-parity --original trace.json --replay trace.arrow",
    "strategies basis_capture --json",
    "strategies",
    "--version",
    "--help",
)
FILES = {
    "quotes.csv": "\n".join([csv_texts.header("quotes"), *csv_texts.clean_rows("quotes")]).encode(),
    "BTCUSDT-aggTrades-2023-11.csv": "\n".join(csv_texts.clean_rows("aggTrades")).encode(),
    "map.toml": b'[instruments."bybit/X"]\nkind = "perp"\ncurrency = "USDT"\nbase = "X"\n',
    "bars.toml": bars_files.MAPPING.encode(),
    "bars.csv": "\n".join([bars_files.HEADER, *bars_files.random_lines(20), ""]).encode(),
    "klines.toml": klines_json.MAPPING,
    "costs.toml": b'[spot]\nmaker_bps = 1\ntaker_bps = "2"\n[perp]\nmaker_bps = 1\ntaker_bps = 2\n',
    "risk.toml": b"max_orders_per_second = 5\nmax_book_age_ms = 500\n",
    "strategy.toml": b"threshold_bps = 5\nexit_threshold_bps = 4\n",
}


@cache
def base() -> Path:
    """A folder with one of everything that commands read."""
    path = scratch.folder() / "cli" / "a" / "b" / "c"
    path.mkdir(parents=True)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "klines.json").write_text(
        str([klines_json.kline(hour, 3600, False) for hour in range(5)]).replace("'", '"')
    )
    (path / "spot.txt").write_bytes(b"\n".join(captures.spot_lines(20)) + b"\n")
    (path / "perp.txt").write_bytes(b"\n".join(captures.perp_lines(20)) + b"\n")
    generate_segment("planted", path / "seg", rows=400, seed=1)
    for name in ("trace.json", "trace.arrow"):
        with scratch.inside(path), contextlib.redirect_stdout(io.StringIO()):
            assert main_crypto(["backtest", *RUN.split(), "--output-trace", name]) == 0
    return path


def edited(draw: Draw) -> list[str]:
    """A command line after edits of its words."""
    words = [word.encode() for word in draw.pick(COMMANDS).split()]
    for _ in range(draw.number(4)):
        at = draw.number(len(words))
        how = draw.number(6)
        if how == 0 and len(words) > 1:
            del words[at]
        elif how == 1:
            words.insert(at, draw.pick(TOKENS))
        elif how == 2:
            words[at] = draw.pick(TOKENS)
        elif how == 3:
            words[at] = edit_bytes(draw, words[at], TOKENS, 2)
        else:
            words[at] = draw.pick([word.encode() for line in COMMANDS for word in line.split()])
    return [word.decode(errors="surrogateescape").replace("\0", "") for word in words]


def one(draw: Draw) -> None:
    words = edited(draw)
    # Whatever is written lies in the folder of the case: no absolute path, few steps upwards.
    if any(w.startswith(("/", "~")) or "=/" in w or w.count("..") > 3 for w in words):
        return
    if "demo" in words[:1] or any(word.startswith("run-") for word in words[:1]):
        return
    path = base()
    before = listing(path)
    said, told = io.StringIO(), io.StringIO()
    with scratch.inside(path), contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        code = main_crypto(words)
    made = listing(path) - before
    for name in made:
        remove(path / name)
    line = told.getvalue()
    assert code in (0, 1, 2, 3), code
    assert "internal error" not in line, line
    assert listing(path) == before, "a file of the folder is gone"
    hidden = [name for name in made if name.startswith(".")]
    assert not hidden or any(word.startswith(".") for word in words), hidden
    if code == 2:
        assert line.count("\n") == 1, line
        assert len(line) <= MAX_MESSAGE + 100, len(line)
        assert not made, (made, line)


def listing(path: Path) -> set[str]:
    """Names in the folder."""
    return {found.name for found in path.iterdir()}


def remove(path: Path) -> None:
    """Remove what a command made."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
