"""False discoveries and power of sweeps that run: families of segments, through engine and gates.

    python benchmarks/calibrate_sweeps.py FOLDER [SEEDS] [FULL]

A family has 200 segments without an edge and 20 with one, of 600 quotes each. Every five rows a
compiled kernel takes the side of the last five moves, or none where they were small: 35 to 50 round
trips a segment, half of the time, without fees and with a spread of next to nothing. That is the
hardest case, since half of what has no edge earns something. Moves are independent and symmetric;
where there is an edge, those after a decision lean to its side, so that the t of the whole segment
is 4 on average.

Each family is swept as users do it, by every gate of G2 that decides, with the market null in
stages, and its discoveries are those of `quantlaxmi.batch.family` at q = 0.1. FOLDER keeps the
figures of each family that is done and the catalog of the one under way: the same command goes on
there. For the first FULL families (2 by default) every item's draws are also made at full length,
in one go, and Benjamini-Hochberg is computed on them from the definition; a family in which the two
differ ends the script.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.batch import Catalog, FamilyResult, Plan, family, plan
from quantlaxmi.batch.family_draws import family_draws
from quantlaxmi.batch.inference import rejected
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.records import FIRST, KindCounts
from quantlaxmi.batch.sweep import Sweep
from quantlaxmi.batch.tasks import task_of
from quantlaxmi.calibrate.markets import COSTS, MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import BELL_SD, NOISE, bell, run_key
from quantlaxmi.calibrate.rules.strategies import Rule, RuleConfig
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.suites import gates_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.schema import I64
from quantlaxmi.segment import SegmentWriter, open_segment

EDGELESS, PLANTED = 200, 20
Q = Fraction(1, 10)
ROWS = 600
#: Rows of a decision's look back, and from one decision to the next.
PACE = 5
#: The t of a whole segment that has an edge, on average.
STRENGTH = 4.0
#: Every gate of G2 that decides; diagnoses only show.
DECIDING = [
    gate.name for gate in gates_of("g2") if any(one.role != "diagnosis" for one in gate.results)
]
#: Few draws of random entry and beginnings of the prefix guard, and as few draws of the market null
#: as its test can pass with: the family makes its own from the first one on, where it needs them.
POLICY = GatePolicy(
    suites={"g2": DECIDING},
    look_ahead={"n_beginnings": 4},
    random_entry={"n_sims": 999, "n_neutral_pairs": 499},
    market_null={"n_draws": 19, "n_draws_extended": 19},
)
#: Of twice the mid: the rule is flat after a move over the last rows of less than this, which half
#: of them are. A rule that is always in the market has no other places for random entry.
THRESHOLD = round(0.6745 * 2 * MOVE * BELL_SD * float(np.sqrt(PACE)))
CONFIG = RuleConfig(rule="momentum", lookback=PACE, every=PACE, rows=ROWS, threshold=THRESHOLD)


def moves_of(key: int, strength: float) -> I64:
    """Increments of the mid, leaning to the side of the rule's last decision."""
    noise = bell(key, NOISE, ROWS)
    lean = round(strength * BELL_SD / float(np.sqrt(ROWS / 2)))  # half of the rows are held
    moves, levels = np.zeros(ROWS, np.int64), np.zeros(ROWS, np.int64)
    level = side = 0
    for row in range(ROWS):
        moves[row] = int(noise[row]) + side * lean
        level += int(moves[row]) if row else 0  # the first is not used
        levels[row] = level
        if row >= PACE and row % PACE == 0:
            move = 2 * MOVE * int(level - levels[row - PACE])
            side = int(np.sign(move)) if abs(move) > THRESHOLD else 0
    return moves


def write_segments(folder: Path, seed: int, edgeless: int, planted: int) -> None:
    """The segments of a family; those with an edge are named so."""
    folder.mkdir(parents=True)
    for k in range(edgeless + planted):
        name, strength = ("planted", STRENGTH) if k >= edgeless else ("edgeless", 0.0)
        made = make_quotes(moves_of(run_key(seed, f"sweeps.{name}", k), strength))
        with SegmentWriter(
            folder / f"{name}-{k:03d}", venue="generated", instruments=made.instruments
        ) as writer:
            writer.append("quotes", made.columns("quotes"))
            writer.seal(notes=(f"{name}, seed {seed}, number {k}",))


def planned(folder: Path) -> Plan:
    """The items of a family."""
    return plan(
        [folder / "*"],
        [Rule],
        configs=[CONFIG],
        policy=POLICY,
        run=RunConfig.of(costs=COSTS["free"]),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What the sweep of a family gave.

    Attributes
    ----------
    false, true : int
        Discoveries without an edge, and with one.
    draws : float
        Draws an item, of both kinds: the gate's, and the family's from the first one on.
    cpu_s : float
        Processor time of the items and draws.
    full : bool
        Whether it was compared with full length.
    """

    false: int
    true: int
    draws: float
    cpu_s: float
    full: bool = False


def at_full_length(made: Plan, folder: Path, found: FamilyResult) -> set[str]:
    """Discoveries by definition: every draw that a p of full length may take, in one go.

    Raises
    ------
    AssertionError
        An item cannot be drawn to its end.
    """
    values = {}
    for item in made.items:
        one = next(one for one in found.items if one.key == item.key)
        values[item.key] = Fraction(1)
        if one.why:
            continue
        figures = one.row.finished.figures if one.row.finished is not None else None
        if figures is None or figures.p_equity is None:
            raise AssertionError(f"{item.segment.name} has no p")
        task = replace(task_of(item, made, folder), draws=found.length, length=found.length)
        drawn = family_draws(task, open_segment(item.segment))
        p = Fraction(repr(figures.p_equity))
        for kind in (drawn.drifting, drawn.driftless):
            assert kind is not None, item.segment.name
            if len(kind.first) == FIRST:
                p = max(p, Fraction(FIRST, kind.first[-1]))
            elif kind.draws == found.length:
                p = max(p, Fraction(len(kind.first) + 1, found.length + 1))
            else:
                raise AssertionError(f"{item.segment.name} ended after {kind.draws} draws")
        values[item.key] = p
    most = rejected(list(values.values()), Q)
    return {key for key, p in values.items() if most is not None and p <= most}


def _made(counts: KindCounts | None) -> int:
    return 0 if counts is None else counts.draws


def judge(place: Path, seed: int, *, full: bool, sizes: tuple[int, int]) -> Found:
    """Sweep a family in `place`, which keeps what is done, and say what it found.

    Raises
    ------
    AssertionError
        Stages and full length differ, or an item failed to run.
    """
    segments = place / "segments"
    if not (place / "written").exists():
        shutil.rmtree(segments, ignore_errors=True)
        write_segments(segments, seed, *sizes)
        (place / "written").touch()
    made = planned(segments)
    catalog = Catalog.create(place / "catalog")
    state = Sweep(made, catalog, SweepOptions(workers=1)).run()
    if state.failed or state.left:
        raise AssertionError(f"seed {seed}: {state.failed} items failed, {state.left} are left")
    found = family(catalog, q=Q)
    if found.unresolved:
        raise AssertionError(f"seed {seed}: {len(found.unresolved)} items are open")
    names = {item.key: item.segment.name for item in made.items}
    keys = {one.key for one in found.discoveries}
    if full and keys != at_full_length(made, place / "catalog", found):
        raise AssertionError(f"seed {seed}: stages differ from full length")
    draws, seconds = 0, 0.0
    for one in found.items:
        finished, drawn = one.row.finished, one.row.drawn
        if finished is not None and finished.figures is not None:
            draws += _made(finished.figures.drifting) + _made(finished.figures.driftless)
            seconds += finished.timings.cpu_s
        if drawn is not None:
            draws += _made(drawn.drifting) + _made(drawn.driftless)
            seconds += drawn.timings.cpu_s
    false = sum(names[key].startswith("edgeless") for key in keys)
    return Found(false, len(keys) - false, draws / len(names), seconds, full)


def study(folder: Path, seeds: int, full: int, sizes: tuple[int, int]) -> list[Found]:
    """Families one after another; what `folder` has is not done again."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in range(1, seeds + 1):
        kept = folder / f"{seed:04d}.json"
        if not kept.exists():
            begun = time.monotonic()
            place = folder / f"{seed:04d}"
            one = judge(place, seed, full=seed <= full, sizes=sizes)
            plain: dict[str, Any] = {name: getattr(one, name) for name in Found.__slots__}
            part = kept.with_suffix(".part")
            part.write_text(json.dumps(plain))
            part.rename(kept)
            shutil.rmtree(place)
            print(f"seed {seed}: {plain}, {time.monotonic() - begun:.0f} s", flush=True)
        results.append(Found(**json.loads(kept.read_text())))
    return results


def main() -> None:
    """Print the row of docs/CALIBRATION.md."""
    folder = Path(sys.argv[1])
    seeds, full = (int(text) for text in (*sys.argv[2:], *("50", "2")[len(sys.argv) - 2 :]))
    results = study(folder, seeds, full, (EDGELESS, PLANTED))
    shares = [one.false / max(one.false + one.true, 1) for one in results]
    n = len(results)
    error = float(np.std(shares, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    print(f"{n} families, q = {float(Q)}, {EDGELESS} + {PLANTED} items of {ROWS} rows\n")
    print("| false discoveries | families without one | power | draws an item | CPU a family |")
    print("|---|---|---|---|---|")
    print(
        f"| {100 * float(np.mean(shares)):.2f} ± {100 * error:.2f} % "
        f"| {100 * float(np.mean([s == 0 for s in shares])):.1f} % "
        f"| {100 * float(np.mean([one.true for one in results])) / PLANTED:.1f} % "
        f"| {float(np.mean([one.draws for one in results])):.0f} "
        f"| {float(np.mean([one.cpu_s for one in results])):.0f} s |"
    )
    print(f"\nfull length gave the same discoveries in {sum(one.full for one in results)} families")


if __name__ == "__main__":
    main()
