"""Books from depth messages: this engine and hftbacktest over the same levels.

The real capture's depth (what the sequence rule takes), and generated messages of eight levels.
Both sides must end with the same best prices. hftbacktest gets each level as one event, already in
its own arrays; our rows are the segment's columns.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from bench_hftbacktest import environment
from harness import WORK, Results, median_seconds, real_segment, segments
from numpy.typing import NDArray

from quantlaxmi._ext.depth_book import DepthBook
from quantlaxmi.importers.synthetic import PERP, SPOT
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import TABLES, DepthFlag
from quantlaxmi.segment import Segment, SegmentWriter, open_segment
from quantlaxmi.strategies import StrategyRegistry

PEER = Path(__file__).with_name("peer_depth.py")
MESSAGES, PER_MESSAGE, SHOWN = 500_000, 8, 400
NAMES = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
Columns = dict[str, NDArray[Any]]


def depth_only(segment: Segment, out: Path) -> Segment:
    """The segment's depth alone."""
    if not (out / "segment.json").exists():
        with SegmentWriter(
            out, venue=segment.manifest.venue, instruments=segment.instruments
        ) as writer:
            writer.append("depth", segment.columns("depth"))
            writer.seal()
    return open_segment(out)


def generated_depth(out: Path) -> Segment:
    """A snapshot of each instrument, then differences near the touch, the same every time."""
    if not (out / "segment.json").exists():
        rng = np.random.Generator(np.random.PCG64(7))
        with SegmentWriter(out, venue="binance", instruments=(SPOT, PERP)) as writer:
            for first in range(0, MESSAGES, 50_000):
                writer.append("depth", _messages(rng, first, min(MESSAGES, first + 50_000)))
            writer.seal()
    return open_segment(out)


def _messages(rng: np.random.Generator, start: int, stop: int) -> Columns:
    number = np.arange(start, stop)
    sizes = np.where(number < 2, 2 * SHOWN, PER_MESSAGE)
    m = np.repeat(number, sizes)
    place = np.arange(len(m)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    snapshot, own = m < 2, m // 2  # messages of the two instruments alternate
    side = np.where(place % 2 == 0, 1, -1)
    near = np.minimum(rng.geometric(0.05, len(m)), SHOWN)
    level = np.where(snapshot, place // 2 + 1, near)
    tick = np.where(m % 2 == 0, SPOT.tick, PERP.tick)
    middle = 60_000 * 100  # at SPOT's and PERP's 10**-2
    gone = (rng.integers(0, 4, len(m)) == 0) & ~snapshot
    last = 10 * own + 10
    ts_ns = 1_700_000_000_000_000_000 + 1_000_000 * m
    is_last = np.append(m[1:] != m[:-1], True)
    flags = np.where(snapshot, int(DepthFlag.SNAPSHOT), 0) | np.where(
        is_last, int(DepthFlag.LAST), 0
    )
    columns = {
        "seq": m,
        "ts_ns": ts_ns,
        "instrument": m % 2,
        "exch_ts_ns": ts_ns,
        "first_id": np.where(snapshot, last, last - 9),
        "last_id": last,
        "prev_id": np.where(snapshot | (m % 2 == 0), -1, last - 10),
        "side": side,
        "price": middle - side * level * tick,
        "qty": np.where(gone, 0, rng.integers(1, 10**6, len(m))),
        "flags": flags,
    }
    return {name: columns[name].astype(dtype) for name, dtype in TABLES["depth"].items()}


def taken(depth: Columns) -> Columns:
    """One instrument's rows as the sequence rule takes them: the snapshot, then what it lacks.

    A capture's snapshot comes some messages late; those that follow on it are held until then.
    """
    is_snapshot = (depth["flags"] & int(DepthFlag.SNAPSHOT)) != 0
    (held,) = np.unique(depth["last_id"][is_snapshot])
    later = ~is_snapshot & (depth["last_id"] > held)
    order = np.concatenate([np.flatnonzero(is_snapshot), np.flatnonzero(later)])
    rows = {name: np.ascontiguousarray(column[order]) for name, column in depth.items()}
    rows["ts_ns"] = np.maximum.accumulate(rows["ts_ns"])
    return rows


def book_of(depth: Columns) -> DepthBook:
    """The book after all rows."""
    book = DepthBook()
    book.apply(*(depth[name] for name in NAMES))
    return book


def best_of(book: DepthBook) -> list[int]:
    """Best bid and ask."""
    return [int(book.levels(side)[0][0]) for side in (1, -1)]


def measure(results: Results, name: str, segment: Segment, python: Path | None) -> None:
    """Add both sides on one segment."""
    columns = segment.columns("depth")
    legs = [
        taken({k: np.asarray(v)[columns["instrument"] == i] for k, v in columns.items()})
        for i in (0, 1)
    ]
    rows = sum(len(leg["seq"]) for leg in legs)
    messages = sum(int(((leg["flags"] & int(DepthFlag.LAST)) != 0).sum()) for leg in legs)
    books = [book_of(leg) for leg in legs]
    for i, book in enumerate(books):
        whole = {k: np.ascontiguousarray(v[columns["instrument"] == i]) for k, v in columns.items()}
        assert best_of(book) == best_of(book_of(whole)), "not the book of the segment as it stands"
        assert book.valid and book.gaps == 0, "the book was lost"

    def add(what: str, seconds: float, target: str, note: str) -> None:
        per_message = f"{messages / seconds / 1e6:.2f} million messages/s; {messages:,} messages, "
        note = f"{per_message}{rows:,} levels{note}"
        results.add(f"{what}, {name}", rows / seconds / 1e6, "million levels/s", target, note)

    add("quantlaxmi, the book alone", median_seconds(lambda: [*map(book_of, legs)]), "≥ 20", "")
    strategy = StrategyRegistry().create("basis_capture", sets=("threshold_bps=100000",))
    seconds = median_seconds(lambda: backtest(segment, strategy))
    add("quantlaxmi, a run at every message", seconds, "≥ 10", ", features and strategy")
    if python is None:
        results.skip(f"hftbacktest, {name}", "could not be installed")
        return
    path = WORK / "depth.npz"
    units = [[10.0**one.price_exponent, 10.0**one.qty_exponent] for one in segment.instruments]
    held: dict[str, Any] = {f"{k}{i}": leg[k] for i, leg in enumerate(legs) for k in leg}
    np.savez(path, units=np.array(units), **held)
    for depth in ("ROIVector", "HashMap"):
        for form in ("elapse", "feed"):
            what = f"hftbacktest 2.4.4 {depth}, {PEER_FORMS[form]}"
            done = subprocess.run(
                [python, PEER, path, depth, form], capture_output=True, text=True, check=False
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["failed"])[-1]
                results.skip(f"{what}, {name}", last[:200])
                continue
            seen = json.loads(done.stdout.splitlines()[-1])
            same = seen["best"] == [best_of(book) for book in books]
            add(what, seen["seconds"], "", f", {'the same' if same else 'ANOTHER'} book at the end")
    path.unlink()


PEER_FORMS = {"elapse": "every 10 ms", "feed": "at every event"}


def main() -> None:
    """Measure."""
    results = Results("books from depth messages, beside hftbacktest")
    python = environment()
    real = real_segment()
    if real is None:
        results.skip("real depth", "the real capture is not here; set QUANTLAXMI_REAL_DATA")
    else:
        measure(results, "real", depth_only(open_segment(real), segments() / "real-depth"), python)
    measure(results, "generated", generated_depth(segments() / "generated-depth"), python)
    results.done()


if __name__ == "__main__":
    main()
