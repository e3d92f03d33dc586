"""How often the gates that strike bundles anew pass: on fair option sessions, and on planted ones.

    python benchmarks/calibrate_bundles.py FOLDER [RUNS]

A run is a generated session (`importers.synthetic_chain`) of 10 days of 120 snapshots, sold and
bought through the engine at its quotes, an order taking one snapshot. Rules: *random* trades the
front's straddle, the back's or both, long or short, at random times and for random times;
*clock* is calendar_carry without target and stop, which leaves by the clock alone; *reacts* is
calendar_carry at its defaults, which reacts to prices. FOLDER keeps what each seed gave, and the
same command goes on there. Printed: the share of the judged runs (30 bundles) whose p is at most
5 %, by gate. Predicted before: at most 5 % where a rule does not react to prices, on fair sessions;
more where it does.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import quantlaxmi as ql
from quantlaxmi.calibrate.rules.bundles import BundleConfig, RandomStraddles
from quantlaxmi.files import write_whole
from quantlaxmi.gates import GatePolicy, label_permutation, random_entry, random_sides, time_shift
from quantlaxmi.gates.observation import context_of
from quantlaxmi.importers.synthetic_chain import synthetic_chain
from quantlaxmi.importers.synthetic_session import session_rows
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig

DAYS, SNAPSHOTS, DRAWS = 10, 120, 199
KINDS = ("fair", "planted")
GATES = (random_entry, label_permutation, time_shift, random_sides)

#: Kind of session, rule, gate, and p; None where the run has too few bundles to be judged.
Row = tuple[str, str, str, float | None]


def rules(seed: int, snapshots: int) -> dict[str, Any]:
    """Strategies by name."""
    drawn = RandomStraddles(BundleConfig(seed=seed, snapshots=snapshots))
    blind = CalendarCarryConfig(target="0", stop="0", max_hold_s=1_800)  # type: ignore[arg-type]
    return {"random": drawn, "clock": CalendarCarry(blind), "reacts": CalendarCarry()}


def judged(
    seed: int,
    days: int = DAYS,
    snapshots: int = SNAPSHOTS,
    draws: int = DRAWS,
    min_trades: int = 30,
) -> list[Row]:
    """What the gates say of every rule on both sessions of a seed."""
    policy = GatePolicy(
        extend_factor=1,
        min_trades=min_trades,
        random_entry={"n_sims": draws, "n_neutral_pairs": 2},
        label_permutation={"n_perms": draws},
        time_shift={"n_shifts": draws},
        random_sides={"n_draws": draws},
    )
    rows: list[Row] = []
    for kind in KINDS:
        made = synthetic_chain(kind, seed=seed, days=days, snapshots=snapshots)
        instruments, table = session_rows(made)
        segment = MemorySegment(instruments, {"chain": table}, cadence="snapshots")
        for rule, strategy in rules(seed, snapshots).items():
            context = context_of(ql.backtest(segment, strategy), policy, threads=1)
            for gate in GATES:
                found = gate.GATE.judge(context)[0]
                count = found.monte_carlo
                rows.append(
                    (kind, rule, found.gate, None if count is None else float(count.p_value))
                )
    return rows


def kept(folder: Path, seed: int) -> list[Row]:
    """What a seed gave, from the folder or made now."""
    path = folder / f"{seed}.json"
    if not path.exists():
        write_whole(path, json.dumps(judged(seed)).encode())
    return [tuple(row) for row in json.loads(path.read_bytes())]


def table_of(rows: Iterable[Row], level: float = 0.05) -> list[str]:
    """A line of Markdown for every kind of session, rule and gate."""
    passes: dict[tuple[str, ...], list[bool]] = defaultdict(list)
    for kind, rule, gate, p in rows:
        judged_runs = passes[kind, rule, gate]
        if p is not None:
            judged_runs.append(p <= level)
    lines = []
    for name, found in passes.items():
        n = len(found)
        share = sum(found) / n if n else 0.0
        error = math.sqrt(share * (1 - share) / n) if n else 0.0
        shown = f"{100 * share:.1f} ± {100 * error:.1f} %"
        lines.append(f"| {' | '.join(name)} | {sum(found)} of {n} | {shown} |")
    return lines


def main() -> None:
    """Make the runs that are missing, and print the table."""
    folder, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for seed in range(1, runs + 1) for row in kept(folder, seed)]
    print("\n".join(table_of(rows)))


if __name__ == "__main__":
    main()
