"""Counts of what was run: kept by each run in a file of its own, added up over all runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

#: Engines in the order of the table.
ENGINES = ("atheris", "hypothesis", "random")
TOTALS = "totals.json"
#: Seconds between two writes; what came after the last one is not counted.
EVERY = 1.0


class Tally:
    """Counts of one run, written every second: a process that dies has counted all the same.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path, self.cases, self.accepted = path, 0, 0
        self.started = self.written = time.monotonic()
        self.write()

    def count(self, outcome: str) -> None:
        """Count one case that ended with ``outcome`` (empty: accepted)."""
        self.cases += 1
        self.accepted += not outcome
        if time.monotonic() - self.written >= EVERY:
            self.write()

    def write(self) -> None:
        """Write the counts so far."""
        self.written = time.monotonic()
        seconds = round(self.written - self.started, 1)
        counts = {"seconds": seconds, "cases": self.cases, "accepted": self.accepted}
        self.path.write_text(json.dumps(counts))


def add(out: Path, target: str, engine: str, counts: dict[str, Any], found: bool) -> None:
    """Add one run to the totals under ``out``."""
    totals = read(out)
    row = totals.setdefault(target, {}).setdefault(engine, {})
    for name in ("seconds", "cases", "accepted"):
        row[name] = round(row.get(name, 0) + counts[name], 1)
    row["finds"] = row.get("finds", 0) + found
    made = out / f".{TOTALS}"
    made.write_text(json.dumps(totals, indent=1, sort_keys=True) + "\n")
    made.replace(out / TOTALS)


def read(out: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Totals by target and engine; empty where nothing was run."""
    path = out / TOTALS
    found: dict[str, dict[str, dict[str, Any]]] = (
        json.loads(path.read_text()) if path.exists() else {}
    )
    return found


def table(out: Path, targets: tuple[str, ...]) -> str:
    """The totals as a Markdown table."""
    totals = read(out)
    lines = [
        f"| target | {' | '.join(f'{name}, s' for name in ENGINES)} | cases | accepted | finds |",
        "|---|" + "---:|" * (len(ENGINES) + 3),
    ]
    sums = dict.fromkeys((*ENGINES, "cases", "accepted", "finds"), 0.0)
    for target in targets:
        rows = totals.get(target, {})
        seen = {name: rows.get(name, {}).get("seconds", 0) for name in ENGINES}
        for name in ("cases", "accepted", "finds"):
            seen[name] = sum(row.get(name, 0) for row in rows.values())
        for name, value in seen.items():
            sums[name] += value
        lines.append(_line(f"`{target}`", seen))
    return "\n".join([*lines, _line("all", sums)]) + "\n"


def _line(name: str, seen: dict[str, float]) -> str:
    share = f"{100 * seen['accepted'] / seen['cases']:.0f} %" if seen["cases"] else ""
    cells = [f"{seen[engine]:,.0f}" for engine in ENGINES]
    cells += [f"{seen['cases']:,.0f}", share, f"{seen['finds']:.0f}"]
    return f"| {name} | {' | '.join(cells)} |"
