"""The crossover of examples/sma_bars.py over a million bars, beside backtesting.py from PyPI.

Both hold one unit on the side of the last crossing, from the open of the bar after it. Entries,
exits and sides must be the same and prices no further apart than half a spread; else the subject
ends in an error. Three things differ and are left out of the comparison: backtesting.py has no
spread, ours is half a basis point; it does not ask at the first bar of all indicators, on which
nothing can have crossed; and an open position at the end is no trade there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np
from bench_from_frame import bars
from harness import ROOT, WORK, Results

from quantlaxmi import CostModel, Run, backtest, from_frame

sys.path.insert(0, str(ROOT / "examples"))

from sma_bars import SmaCross

ROWS, RUNS = 1_000_000, 3
PEER = Path(__file__).with_name("peer_backtesting.py")
HALF_SPREAD_BPS = 0.5
START_NS = 1_577_836_800 * 10**9


def environment() -> Path | None:
    """Python with backtesting.py; made once. None where it cannot be installed."""
    folder = WORK / "peers-backtesting"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        wanted: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "backtesting==0.6.5"]
        if subprocess.run(wanted, check=False).returncode:
            return None
        (folder / "ready").touch()
    return python


def peer_run(python: Path, table: Any) -> dict[str, Any] | str:
    """What the peer measured, or why it did not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bars.npz")
        names = ("open", "high", "low", "close")
        np.savez(path, **{name: table[name].to_numpy() for name in names})
        words: list[str | Path] = [python, PEER, path, str(RUNS)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def trades_of(run: Run) -> list[tuple[int, int, float]]:
    """Bar, side and price of each turn to another side."""
    unit = 10.0 ** run.instruments[0].price_exponent
    fills = run.exact.fills
    at = (fills["ts_ns"] - START_NS) // (60 * 10**9)
    rows = (at.tolist(), fills["side"].tolist(), (fills["price"] * unit).tolist())
    return list(zip(*rows, strict=True))


def check_same(run: Run, seen: dict[str, Any]) -> int:
    """Hold turn against turn; how many there were."""
    ours = trades_of(run)
    last = len(seen["entries"])
    if [t[0] for t in ours[:last]] != seen["entries"]:
        sys.exit("the entries of backtesting.py are others")
    if [t[1] for t in ours[:last]] != [1 if size > 0 else -1 for size in seen["sizes"]]:
        sys.exit("the sides of backtesting.py are others")
    if [t[0] for t in ours[1 : last + 1]] != seen["exits"]:
        sys.exit("the exits of backtesting.py are others")
    apart = [abs(t[2] / p - 1) for t, p in zip(ours[:last], seen["prices"], strict=True)]
    if max(apart) > 1.01e-4 * HALF_SPREAD_BPS:
        sys.exit("the prices of backtesting.py are others")
    return last


def main() -> None:
    """Measure both, and compare what they did."""
    results = Results("strategies over bars")
    # The peer fills whole orders whatever was traded: no volume may cut one here.
    table = bars(ROWS, 2).drop_columns(["volume"])
    segment = from_frame(
        table, "BTCUSDT", "perp", costs={"half_spread_bps": HALF_SPREAD_BPS, "size": 1000}
    )
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        run = backtest(segment, SmaCross, costs=CostModel.binance())
        seconds.append(time.process_time() - start)
    ours = ROWS / min(seconds)
    note = f"processor time; {run.n_fills:,} fills, indicators and their check in it"
    results.add(f"quantlaxmi, SMA 10/20, {ROWS:,} bars", ours, "bars/s", ">= 300,000", note)
    python = environment()
    seen = "could not be installed" if python is None else peer_run(python, table)
    if isinstance(seen, str):
        results.skip("backtesting.py, the same", seen)
        results.done()
        return
    n = check_same(run, seen)
    peer = ROWS / seen["seconds"]
    note = f"processor time; the same {n:,} entries and exits"
    results.add(f"backtesting.py {seen['version']}, the same", peer, "bars/s", "", note)
    results.add("times as fast", ours / peer, "times")
    results.done()


if __name__ == "__main__":
    main()
