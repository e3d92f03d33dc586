"""Sweeps over many segments of an hour with a hundred settings each, on one worker and on two.

Nearly all items fail a guard, so that ``early`` skips what is dear: the case in which starting,
giving out and writing down weigh most. The two that pass their guards draw what their gate asks
for and the family's first stage, 199 of each kind, and stay unresolved: to be discoveries among 200
items would take them up to 10,000 draws of each kind (`docs/SCALING.md`), a quarter of an hour of
one processor each, however many items fail. QUANTLAXMI_BENCH_SEGMENTS takes another number of
segments; the whole is then predicted from it.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from harness import Results, segments

from quantlaxmi.batch import Catalog, plan
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.sweep import Sweep
from quantlaxmi.importers.synthetic import generate_segment
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.registry import StrategyRegistry

WHOLE = 200
SEGMENTS = int(os.environ.get("QUANTLAXMI_BENCH_SEGMENTS", WHOLE))
#: Quotes, with which come trades, depth and funding: 17,500 rows.
ROWS = 16_000
SETTINGS = 100
#: Every so manieth segment has an edge: its guards pass, and its market null is drawn.
PLANTED_EACH = 100
#: Most draws of each kind for the family: its first stage.
MOST_DRAWS = 199
GRID = 'strategy = "basis_capture"\n[values]\nthreshold_bps = [{}]\nexit_threshold_bps = [{}]\n'


def hours(folder: Path) -> list[Path]:
    """The segments; made once."""
    folder.mkdir(exist_ok=True)
    places = []
    for k in range(SEGMENTS):
        kind = "planted" if k % PLANTED_EACH == PLANTED_EACH - 1 else "edgeless"
        places.append(folder / f"hour-{k:03d}")
        if not places[-1].exists():
            generate_segment(kind, places[-1], rows=ROWS, seed=1000 + k)
    return places


def grid(folder: Path) -> Grid:
    """A hundred settings."""
    path = folder / "grid.toml"
    entries = ", ".join(str(k) for k in range(3, 13))
    exits = ", ".join(f'"{k / 10:g}"' for k in range(5, 15))
    path.write_text(GRID.format(entries, exits))
    found = Grid.load(path, StrategyRegistry().get("basis_capture"))
    assert len(found.configs) == SETTINGS
    return found


def used() -> float:
    """Processor time of this process and of all that it waited for."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, both))


def main() -> None:
    """Measure a sweep on one worker, and on two."""
    results = Results(f"Sweeps; {SEGMENTS} segments of an hour, {SETTINGS} settings")
    places = hours(segments() / "hours" if SEGMENTS == WHOLE else segments() / "few-hours")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = plan(places, ["basis_capture"], grid=grid(folder))
        walls: dict[int, float] = {}
        spent: dict[int, float] = {}
        hashes = set()
        guarded: list[float] = []
        for workers in (1, 2):
            catalog = Catalog.create(folder / f"catalog-{workers}")
            begun, cpu = time.perf_counter(), used()
            state = Sweep(made, catalog, SweepOptions(workers=workers, max_draws=MOST_DRAWS)).run()
            walls[workers], spent[workers] = time.perf_counter() - begun, used() - cpu
            assert state.done == SEGMENTS, state
            hashes.add(catalog.verify())
            rows = [row.finished for row in catalog.rows.values() if row.finished is not None]
            failed = [one for one in rows if one.figures is not None and one.figures.excluded]
            guarded += [one.timings.cpu_s for one in failed]
            if workers == 2:
                note = f"{len(failed)} of {SEGMENTS} fail a guard"
                results.add("two workers, all items", walls[2], "s", "≤ 240 s", note)
            shutil.rmtree(catalog.folder)
        assert len(hashes) == 1, "the rows depend on the number of workers"
    results.add("one worker, all items", walls[1], "s")
    results.add("1 → 2 workers, wall time", walls[1] / walls[2], "times as fast", "≥ 1.8")
    note = "starting a second process and its kernels"
    ratio = 2 * spent[1] / spent[2]
    results.add("1 → 2 workers, by processor time", ratio, "times as fast", "≥ 1.8", note)
    results.add("an item that fails a guard", statistics.median(guarded), "s CPU")
    if SEGMENTS != WHOLE:
        whole = spent[2] * WHOLE / SEGMENTS / 2
        results.add(f"{WHOLE} segments on two workers, predicted", whole, "s", "≤ 240 s")
    results.done()


if __name__ == "__main__":
    main()
