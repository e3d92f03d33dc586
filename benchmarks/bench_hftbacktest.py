"""hftbacktest from PyPI replaying the same quotes, in an environment of its own.

Both engines see the quotes of both instruments and evaluate the basis rule at every one.
hftbacktest is given each quote as depth events: the new levels, and the removal of the old.
"""

from __future__ import annotations

import json
import subprocess
import venv
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from harness import WORK, Results, generated, median_seconds, real_segment, segments

from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import Segment, SegmentWriter, open_segment
from quantlaxmi.strategies import StrategyRegistry

PEERS = WORK / "peers"
PEER = Path(__file__).with_name("peer_hftbacktest.py")
SETS = ("threshold_bps=4 exit_threshold_bps=3.5 cooldown_ms=100",)


def environment() -> Path | None:
    """Python with hftbacktest; made once. None where it cannot be installed."""
    python = PEERS / "bin" / "python"
    if not (PEERS / "ready").exists():
        venv.create(PEERS, with_pip=True, clear=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "hftbacktest==2.4.4"], check=False
        )
        if done.returncode:
            return None
        (PEERS / "ready").touch()
    return python


def quotes_only(segment: Segment, out: Path) -> Segment:
    """The segment's quotes alone, so that both engines have the same to do."""
    if not (out / "segment.json").exists():
        with SegmentWriter(
            out, venue=segment.manifest.venue, instruments=segment.instruments
        ) as writer:
            writer.append("quotes", segment.columns("quotes"))
            writer.seal()
    return open_segment(out)


def main() -> None:
    """Measure."""
    results = Results("hftbacktest beside quantlaxmi, the same quotes")
    python = environment()
    real = real_segment()
    cases = [("a million generated quotes", open_segment(generated(1_000_000)))]
    if real is not None:
        cases.insert(
            0, ("real quotes", quotes_only(open_segment(real), segments() / "real-quotes"))
        )
    for name, segment in cases:
        columns = segment.columns("quotes")
        n = len(columns["seq"])
        strategy = StrategyRegistry().create("basis_capture", sets=SETS)
        decisions = len(backtest(segment, strategy).exact.decisions)
        # The real ones take two milliseconds, so more often than other work.
        seconds = median_seconds(partial(backtest, segment, strategy), repeats=51)
        results.add(
            f"quantlaxmi, {name}",
            n / seconds / 1e6,
            "million quotes/s",
            "",
            f"{n:,} quotes, {decisions:,} decisions, exact money and attribution",
        )
        if python is None:
            results.skip(f"hftbacktest, {name}", "could not be installed")
            continue
        path = WORK / "quotes.npz"
        units = [[10.0**one.price_exponent, 10.0**one.qty_exponent] for one in segment.instruments]
        held: dict[str, Any] = {k: np.asarray(v) for k, v in columns.items()}
        np.savez(path, units=np.array(units), **held)
        for depth in ("ROIVector", "HashMap"):
            done = subprocess.run(
                [python, PEER, path, depth], capture_output=True, text=True, check=False
            )
            what = f"hftbacktest 2.4.4 {depth}, {name}"
            if done.returncode:
                results.skip(what, (done.stderr.strip().splitlines() or ["failed"])[-1][:200])
                continue
            seen = json.loads(done.stdout.splitlines()[-1])
            note = f"{seen['events']:,} feed events, {seen['orders']:,} orders sent"
            results.add(what, n / seen["seconds"] / 1e6, "million quotes/s", "", note)
        path.unlink()
    results.done()


if __name__ == "__main__":
    main()
