"""Runs every subject in a process of its own and writes RESULTS.json and RESULTS.md.

make bench            everything
make bench ONLY=trace one subject, printed and not written
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import REPEATS, machine

HERE = Path(__file__).parent
SUBJECTS: dict[str, list[str]] = {
    "import": ["bench_import.py"],
    "import-csv": ["bench_import_csv.py"],
    "replay-real": ["bench_replay.py", "real"],
    "replay-generated": ["bench_replay.py", "10000000"],
    "trace": ["bench_trace.py"],
    "random-entry": ["bench_random_entry.py"],
    "ablation": ["bench_ablation.py"],
    "cold-start": ["bench_cold_start.py"],
    "hftbacktest": ["bench_hftbacktest.py"],
}


def measure(name: str) -> dict[str, Any]:
    """Run one subject."""
    script, *words = SUBJECTS[name]
    done = subprocess.run(
        [sys.executable, HERE / script, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def markdown(found: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Measured",
        "",
        "Written by `make bench`; medians of "
        f"{found['repeats']} warm runs unless a line says otherwise.",
        "",
    ]
    lines += [f"- {name}: {value}" for name, value in found["machine"].items()]
    for subject in found["subjects"]:
        lines += [
            "",
            f"## {subject['subject']}",
            "",
            "| what | figure | target | |",
            "|---|---|---|---|",
        ]
        for row in subject["rows"]:
            value = "not measured" if row["value"] is None else f"{row['value']:.3g} {row['unit']}"
            lines.append(f"| {row['what']} | {value} | {row['target']} | {row['note']} |")
        lines += ["", f"Peak memory of the process: {subject['peak_mb']:.0f} MB."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what ONLY names, or everything."""
    only = os.environ.get("ONLY", "")
    names = [only] if only else list(SUBJECTS)
    found: dict[str, Any] = {"machine": machine(), "repeats": REPEATS, "subjects": []}
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        found["subjects"].append(measure(name))
    text = markdown(found)
    print(text)
    if not only:
        (HERE / "RESULTS.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
