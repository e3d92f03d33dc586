"""Runs every subject in a process of its own and writes RESULTS.json and RESULTS.md.

    make bench                     everything
    make bench ONLY="trace depth"  some subjects, printed and not written
    python benchmarks/run.py --only NAME [--only NAME]... [--write] [--provisional]

With ``--write`` the subjects named take the place of what stands in the files. One that ends in an
error keeps its former figures, is named at the end, and the exit code is 1. Everything takes
about a quarter of an hour on two cores, half of it to write the files that are read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import REPEATS, machine, yardstick

HERE = Path(__file__).parent
SUBJECTS: dict[str, list[str]] = {
    "import": ["bench_import.py"],
    "import-formats": ["bench_import_formats.py"],
    "import-chain": ["bench_import_chain.py"],
    "chain": ["bench_chain.py"],
    "memory": ["bench_memory.py"],
    "depth": ["bench_depth.py"],
    "depth-index": ["bench_depth_index.py"],
    "replay-real": ["bench_replay.py", "real"],
    "replay-rows": ["bench_replay.py", "rows"],
    "replay-generated": ["bench_replay.py", "10000000"],
    "trace": ["bench_trace.py"],
    "random-entry": ["bench_random_entry.py"],
    "market-null": ["bench_market_null.py"],
    "walk-forward": ["bench_walk_forward.py"],
    "robustness": ["bench_robustness.py"],
    "lanes": ["bench_lanes.py"],
    "one-lane": ["bench_one_lane.py"],
    "g2": ["bench_g2.py"],
    "random-entry-vectorbt": ["bench_random_entry_vectorbt.py"],
    "ablation": ["bench_ablation.py"],
    "time-shift": ["bench_time_shift.py"],
    "statistics": ["bench_statistics.py"],
    "options": ["bench_options.py"],
    "fair-variance": ["bench_fair_variance.py"],
    "from-frame": ["bench_from_frame.py"],
    "bar-strategy": ["bench_bar_strategy.py"],
    "html": ["bench_html.py"],
    "sweep": ["bench_sweep.py"],
    "sweep-workers": ["bench_sweep_workers.py"],
    "fixed-cost": ["bench_fixed_cost.py"],
    "cold-start": ["bench_cold_start.py"],
    "hftbacktest": ["bench_hftbacktest.py"],
}


def measure(name: str) -> dict[str, Any] | None:
    """Run one subject; None where it ended in an error, which it has printed itself."""
    script, *words = SUBJECTS[name]
    done = subprocess.run(
        [sys.executable, HERE / script, *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return found | {"name": name, "date": today, "yardstick": yardstick()}


def markdown(found: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Measured",
        "",
        "Written by `make bench`; medians of "
        f"{found['repeats']} warm runs unless a line says otherwise. The target of a line was "
        "written down before it was measured.",
        "",
    ]
    lines += [f"- {name}: {value}" for name, value in found["machine"].items()]
    lines += [
        "",
        "A part says when it was measured and what a core did then: days are compared by that.",
    ]
    for subject in found["subjects"]:
        lines += ["", f"## {subject['subject']}", ""]
        if subject.get("provisional"):
            lines += ["**Provisional: measured beside other work.**", ""]
        lines += [
            "| what | figure | target | |",
            "|---|---|---|---|",
        ]
        for row in subject["rows"]:
            value = "not measured" if row["value"] is None else f"{row['value']:.3g} {row['unit']}"
            lines.append(f"| {row['what']} | {value} | {row['target']} | {row['note']} |")
        peak = f"Peak memory of the process: {subject['peak_mb']:.0f} MB."
        lines += ["", f"Measured on {subject['date']}. {peak} {subject['yardstick']}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SUBJECTS, action="append")
    parser.add_argument("--write", action="store_true", help="keep the figures of --only, too")
    parser.add_argument("--provisional", action="store_true", help="say so beside the figures")
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "repeats": REPEATS, "subjects": []}
    measured, failed = {}, []
    for name in options.only or SUBJECTS:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        if (subject := measure(name)) is None:
            failed.append(name)
            continue
        measured[name] = subject
        if options.provisional:
            measured[name]["provisional"] = True
    if options.only and not options.write:
        print(markdown(found | {"subjects": list(measured.values())}))
        _end(failed)
        return
    kept = HERE / "RESULTS.json"
    before = json.loads(kept.read_text(encoding="utf-8"))["subjects"]
    known = {subject["name"]: subject for subject in before} | measured
    found["subjects"] = [known[name] for name in SUBJECTS if name in known]
    text = markdown(found)
    print(text)
    kept.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    _end(failed)


def _end(failed: list[str]) -> None:
    if failed:
        sys.exit(f"ended in an error, their figures stay as they were: {', '.join(failed)}")


if __name__ == "__main__":
    main()
