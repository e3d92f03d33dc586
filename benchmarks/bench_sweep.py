"""Sweeps: what the main process costs an item, and what a catalog of many items costs to read.

Processor time of this process alone. Items of the first part run two guards and a test on short
parts of the bundled segment; their gates run in the workers. The catalog of the second part is
written by this script: its rows are those of a sweep, without reports.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_robustness import medians
from harness import ROOT, Results, resident_bytes

from quantlaxmi.batch import Catalog, compact, family, plan
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.page import sweep_page
from quantlaxmi.batch.records import Figures, Finished, KindCounts, Planned, Timings
from quantlaxmi.batch.summary import family_summary
from quantlaxmi.batch.sweep import Sweep
from quantlaxmi.batch.worker import Outcome
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy
from quantlaxmi.parallel.work_queue import Limits
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.split import split_segment
from quantlaxmi.strategies.basis_capture import BasisCaptureConfig

ITEMS = int(os.environ.get("QUANTLAXMI_BENCH_ITEMS", "10000"))
PARTS = 40
FEW = GatePolicy(suites={"g2": ["net_positive", "equity"]})


def cpu() -> float:
    """Processor time of this process without its children."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main_process(results: Results, folder: Path) -> None:
    """What planning, giving out and writing down costs an item."""
    planted = open_segment(ROOT / "data" / "planted")
    split_segment(planted, folder / "parts", rows=-(-planted.n_rows // PARTS))
    segments = [folder / "parts" / "*"]
    plan(segments, ["basis_capture"], policy=FEW)  # what is loaded once is no item's
    catalog = Catalog.create(folder / "small")
    compact(catalog)  # so is what Arrow loads for its first table
    begun = cpu()
    made = plan(segments, ["basis_capture"], policy=FEW)
    planned = cpu()
    Sweep(made, catalog, SweepOptions(workers=2)).run()
    done = cpu()
    n = len(made.items)
    results.add("main process, an item", 1000 * (done - begun) / n, "ms CPU", "≤ 5 ms")
    note = "opening the segment's manifest"
    results.add("of it planning", 1000 * (planned - begun) / n, "ms CPU", note=note)


class NoWork:
    """In place of workers: every item is done when it is taken, and failed a guard."""

    def __init__(self, figures: Figures) -> None:
        self._done = Outcome("done", figures=figures, report="f" * 64)

    def run(
        self,
        *,
        take: Callable[[Any], Any],
        packed: Callable[[Any], bytes],
        answered: Callable[[Any, Any], None],
        beat: Callable[[], float | None],
        limits: Limits,
        first: bytes,
    ) -> None:
        """As a sweep's workers."""
        item = None
        while (item := take(item)) is not None:
            packed(item)
            answered(item, self._done)
            beat()


def no_op_items(results: Results, folder: Path) -> None:
    """What a whole sweep of items that take no time adds to the main process."""
    parts = sorted((folder / "parts").iterdir())
    settings = -(-ITEMS // len(parts))
    configs = [BasisCaptureConfig(threshold_bps=FixedPoint(k + 300, -2)) for k in range(settings)]
    figures = Figures(
        verdict="FAIL",
        g2="FAIL",
        excluded="net_positive",
        funnel="net_positive",
        config_hash="d" * 64,
        report_hash="e" * 64,
    )
    gc.collect()
    before, begun = resident_bytes() / 1e6, cpu()
    made = plan(parts, ["basis_capture"], configs=configs, policy=FEW)
    catalog = Catalog.create(folder / "no-op")
    options = SweepOptions(cluster=NoWork(figures))
    state = Sweep(made, catalog, options).run()
    assert state.done == len(made.items) >= ITEMS
    n = f"{len(made.items):,} no-op items"
    added = resident_bytes() / 1e6 - before
    results.add(f"main process, {n}", added, "MB more", "≤ 50 MB", "resident, at the end")
    results.add(f"the same, an item of {n}", 1000 * (cpu() - begun) / len(made.items), "ms CPU")


def written(folder: Path, items: int) -> Path:
    """A catalog of many items, most of which failed a guard."""
    rng = random.Random(1)
    catalog = Catalog.create(folder)
    writer = catalog.writer()
    for k in range(items):
        key = f"{rng.getrandbits(256):064x}"
        planned = Planned(
            key=key,
            segment_id=f"BTCUSDT-{k % 2000:05d}",
            segment_digest=key,
            strategy_id=f"strategy_{k // 2000}",
            code_digest="a" * 64,
            run_hash="b" * 64,
            policy_hash="c" * 64,
            engine_version="0.1.0/5",
            gates="g2",
            rows=100_000,
            first_ts_ns=k % 2000 * 86_400 * 10**9,
            last_ts_ns=(k % 2000 + 1) * 86_400 * 10**9 - 1,
        )
        guarded = rng.random() < 0.9
        counts = KindCounts(draws=199, exceedances=rng.choice([0, 5, 12, 16]))
        figures = Figures(
            verdict="FAIL",
            g2="FAIL",
            excluded="net_positive" if guarded else "",
            funnel="net_positive" if guarded else "equity",
            config_hash="d" * 64,
            drifting=None if guarded else counts,
            driftless=None if guarded else counts,
            p_equity=rng.random(),
            mean=f"{rng.gauss(0, 1):.9g}",
            sd="1.5",
            buckets=200,
            trips=120,
            net="-12.5",
            gross="3.25",
            currency="USDT",
            report_hash="e" * 64,
        )
        timings = Timings(wall_s=0.2, cpu_s=0.2, peak_bytes=10**8, host="bench")
        item = Finished(key=key, status="done", figures=figures, report="f" * 64, timings=timings)
        writer.add([planned, item])
    writer.flush()
    writer.close()
    return folder


def main() -> None:
    """Measure a sweep's main process and a large catalog."""
    results = Results(f"Sweeps; a catalog of {ITEMS:,} items")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        main_process(results, folder)
        no_op_items(results, folder)
        where = written(folder / "large", ITEMS)
        gc.collect()
        before = resident_bytes() / 1e6
        catalog = Catalog.open(where)
        results.add(
            "memory of the rows", resident_bytes() / 1e6 - before, "MB", "≤ 50 MB", "resident"
        )

        def report() -> None:
            found = family(Catalog.open(where))
            sweep_page(found, family_summary(found))

        scan, whole, view = medians(
            [lambda: Catalog.open(where), report, lambda: compact(catalog, gates=False)]
        )
        results.add("resume scan", scan, "s CPU", "≤ 2 s", "every line's hash is checked")
        results.add("sweep-report with its page", whole, "s CPU", "≤ 3 s", "the scan in it")
        results.add("compaction", view, "s CPU")
    results.done()


if __name__ == "__main__":
    main()
