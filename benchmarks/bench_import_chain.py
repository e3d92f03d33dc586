"""Importing a day of option-chain snapshots, and `segment info` of it, in processor time.

64 generated snapshots of 1,528 contracts (18 expiries), written as Parquet in the recorded form,
and the recorded morning where it is here.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import REAL_DATA, REPEATS, WORK, Results

from quantlaxmi.cli import main_india
from quantlaxmi.importers import ImportResult, import_capture

N_SNAPSHOTS = 64
#: Pairs of a call and a put at a strike, in 18 expiries.
N_PAIRS = 764
N_EXPIRIES = 18
LOT = 75
RECORDED = REAL_DATA / "india" / "chain_1m_bidask" / "20250829"
START = datetime(2025, 8, 29, 9, 24, 16)


def snapshot(k: int, n_pairs: int = N_PAIRS) -> pa.Table:
    """The snapshot of a number: all that changes from one to the next is drawn."""
    rng = np.random.Generator(np.random.PCG64(100 + k))
    collected = START + timedelta(seconds=65 * k)
    day = collected.date()
    expiry = np.arange(n_pairs) % N_EXPIRIES
    days = [f"{day + timedelta(days=4 + 7 * one):%d-%b-%Y}" for one in range(N_EXPIRIES)]
    columns = {
        "Fetch_Time": [f"{collected - timedelta(seconds=76):%d-%b-%Y %H:%M:%S}"] * n_pairs,
        "Symbol": ["NIFTY"] * n_pairs,
        "Expiry_Date": [days[one] for one in expiry.tolist()],
        "Strike_Price": 23_500 + 50 * (np.arange(n_pairs) // N_EXPIRIES),
        "collection_timestamp": [f"{collected:%Y%m%d_%H%M%S}"] * n_pairs,
        "index_name": ["NIFTY"] * n_pairs,
        "date": [day] * n_pairs,
    }
    for side in ("CALLS", "PUTS"):
        bid = rng.integers(1, 20_000, n_pairs) * (rng.random(n_pairs) > 0.15)
        ask = (bid + rng.integers(1, 20, n_pairs)) * (rng.random(n_pairs) > 0.2)
        columns |= {
            f"{side}_OI": rng.integers(0, 10**6, n_pairs) / 3 // 1
            + rng.integers(0, 3, n_pairs) / 3,
            f"{side}_Chng_in_OI": rng.integers(-900, 900, n_pairs),
            f"{side}_Volume": rng.integers(0, 10**6, n_pairs),
            f"{side}_IV": rng.integers(0, 3_000, n_pairs) / 100,
            f"{side}_LTP": rng.integers(1, 20_000, n_pairs) / 20,
            f"{side}_Net_Chng": rng.integers(-900, 900, n_pairs) / 20,
            f"{side}_Bid_Qty": np.where(bid > 0, LOT * rng.integers(1, 40, n_pairs), 0),
            f"{side}_Bid_Price": bid / 20,
            f"{side}_Ask_Price": ask / 20,
            f"{side}_Ask_Qty": np.where(ask > 0, LOT * rng.integers(1, 40, n_pairs), 0),
        }
    return pa.table(columns)


def generated(n_pairs: int = N_PAIRS) -> Path:
    """Folder of the generated snapshots; made once."""
    folder = WORK / f"chain-{N_SNAPSHOTS}-{2 * n_pairs}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for k in range(N_SNAPSHOTS):
            table = snapshot(k, n_pairs)
            stamp = table["collection_timestamp"][0].as_py()
            pq.write_table(table, folder / f"NIFTY_{stamp}.parquet")
        (folder / "ready").touch()
    return folder


def best_seconds(work: Callable[[], object], before: Callable[[], object]) -> float:
    """Least processor time of some turns, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        before()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times[1:])


def measure(results: Results, what: str, folder: Path, target: str) -> None:
    """Add the import of a folder, and of its segment `segment info`."""
    out = WORK / "import-chain"
    last: list[ImportResult] = []

    def work() -> None:
        last[:] = [import_capture("nse-chain", inputs=[folder], underlying="NIFTY", out=out)]

    seconds = best_seconds(work, lambda: shutil.rmtree(out, ignore_errors=True))
    segment = last[0].segment
    rows = len(segment.columns("chain")["seq"])
    size = f"{last[0].lines} snapshots, {rows:,} rows, {len(segment.instruments):,} contracts"
    note = f"{rows / seconds / 1e3:,.0f} thousand rows/s; {size}"
    results.add(f"import of {what} snapshots, sealed", seconds, "s", target, note)

    def info() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            if main_india(["segment", "info", "--session-dir", str(out)]):
                raise SystemExit("segment info failed")

    seconds = best_seconds(info, lambda: None)
    results.add(f"segment info of {what} snapshots", 1e3 * seconds, "ms", "", size)
    shutil.rmtree(out)


def main() -> None:
    """Measure."""
    results = Results("import of option chains")
    measure(results, "generated", generated(), "<= 1.5 s")
    if RECORDED.exists():
        measure(results, "recorded", RECORDED, "<= 1.5 s")
    else:
        results.skip("recorded snapshots", "they are not here; set QUANTLAXMI_REAL_DATA")
    results.done()


if __name__ == "__main__":
    main()
