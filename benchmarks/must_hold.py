"""What the verdict has to hold at least, one line a claim: what was asked, what was found, holds.

    python benchmarks/must_hold.py [--work DIR] [--runs N] [--threads N] [--only TEXT]

Claims on real data read the rows of `real_verdicts.py` (made where they are not there yet) and are
left out, and said so, without the data. Exit code 1 where a claim does not hold.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import real_verdicts
from harness import ROOT, WORK

from quantlaxmi.calibrate.markets import COSTS, MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import BELL_SD, Draws, run_key
from quantlaxmi.calibrate.worlds.catalogue import NO_EDGE
from quantlaxmi.report import GateReport, run_gates
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies import StrategyRegistry

#: Found, and whether it holds; None where it could not be asked.
Answer = tuple[str, bool | None]
HOURS, TREND_HOURS = 15_000, 240
#: Drift of an hour over its standard deviation, which is about 20 bps.
DRIFT = 0.1


def trend_market(seed: int) -> MemorySegment:
    """Hourly quotes whose drift has one of two signs for 240 hours, then another draw of it."""
    rng = np.random.default_rng([2024, seed])
    sides = np.repeat(rng.choice([-1, 1], HOURS // TREND_HOURS + 1), TREND_HOURS)[:HOURS]
    noise = rng.normal(0, BELL_SD, HOURS) + DRIFT * BELL_SD * sides
    return make_quotes(np.rint(noise).astype(np.int64), unit=22 * MOVE, step_ns=3600 * 10**9)


def judged_trend(seed: int, threads: int | None) -> GateReport:
    """The verdict on a planted trend, SMA 12/96, at 0.1 bps a fill."""
    rule = StrategyRegistry().create(real_verdicts.TREND, sets=["fast=12", "slow=96"])
    return run_gates(trend_market(seed), rule, costs=COSTS["paid"], threads=threads)


def shown(report: GateReport) -> str:
    """Verdict and edge."""
    return report.verdict if report.edge is None else f"{report.verdict} ({report.edge})"


def planted_trend(asked: argparse.Namespace) -> Answer:
    """Most planted trends pass as timing."""
    found = [shown(judged_trend(seed, asked.threads)) for seed in range(asked.runs // 10)]
    passed = found.count("PASS (timing)")
    return f"{passed} of {len(found)} PASS (timing)", 5 * passed >= 4 * len(found)


def level_volatility(asked: argparse.Namespace) -> Answer:
    """`basis_capture` on a basis of the capture's volatility law passes at most 5 %."""
    from scipy.stats import binomtest

    world = next(one for one in NO_EDGE if one.name == "basis-level")
    passed = judged = 0
    for run in range(asked.runs):
        case = world.make(Draws(run_key(11, world.name, run)), False)
        report = run_gates(case.segment, case.strategy, costs=COSTS["free"], threads=asked.threads)
        judged += report.verdict != "INCONCLUSIVE"
        passed += report.verdict == "PASS"
    if not judged:
        return f"none of {asked.runs} judged", None
    p = float(binomtest(passed, judged, 0.05, alternative="greater").pvalue)
    text = f"{passed} of {judged} judged runs pass (of {asked.runs}), p of more than 5 %: {p:.3g}"
    return text, p > 0.05


def demo(name: str, expected: str, asked: argparse.Namespace) -> Answer:
    """A bundled segment gives its verdict."""
    found = shown(run_gates(ROOT / "data" / name, "basis_capture", threads=asked.threads))
    return found, found == expected


def real_rows(asked: argparse.Namespace, only: str) -> list[dict[str, Any]]:
    """Rows of the real table whose name has a text; none without the data."""
    rows = real_verdicts.rows(asked.work, asked.threads, only)
    return [row for row in rows if "absent" not in row]


def on_real(
    only: str, holds: Callable[[dict[str, Any]], bool], asked: argparse.Namespace
) -> Answer:
    """A condition on each of some rows of the real table."""
    found = real_rows(asked, only)
    if not found:
        return "no real data", None
    texts = [f"{row['name']}: {row['verdict']} ({row['edge'] or 'no edge'})" for row in found]
    return "; ".join(texts), all(map(holds, found))


def same_for_everybody(asked: argparse.Namespace) -> Answer:
    """Two runs without a seed, on other numbers of threads, give one report."""
    name = "hourly-pair basis_capture threshold_bps=3 exit_threshold_bps=0"
    found = real_rows(asked, name)
    if not found:
        return "no real data", None
    market = next(one for one, _ in real_verdicts.CASES if one.name == "hourly-pair")
    sets = {"threshold_bps": "3", "exit_threshold_bps": "0"}
    hashes = {
        real_verdicts.judge(market, asked.work, real_verdicts.BASIS, sets, threads)["report_hash"]
        for threads in (1, 2)
    }
    return f"{found[0]['verdict']}, {len(hashes)} report hash of 2 runs", len(hashes) == 1


def not_about_blocks(row: dict[str, Any]) -> bool:
    """A verdict that no reason blames on blocks."""
    return "block" not in row["why"].lower()


def by_a_number(row: dict[str, Any]) -> bool:
    """PASS as a premium, or FAIL with a reason that has a number."""
    if row["verdict"] == "PASS":
        return bool(row["edge"] == "premium")
    return row["verdict"] == "FAIL" and any(letter.isdigit() for letter in row["why"])


def all_asked(row: dict[str, Any]) -> bool:
    """Equity has its p, and the premium its verdict."""
    return bool(row["equity"]) and row["premium"] in ("PASS", "FAIL")


CLAIMS: tuple[tuple[str, Callable[[argparse.Namespace], Answer]], ...] = (
    ("planted demo is PASS (timing)", functools.partial(demo, "planted", "PASS (timing)")),
    ("edgeless demo FAILs", functools.partial(demo, "edgeless", "FAIL")),
    ("planted trend of 240 h on 15,000 hours, SMA 12/96, passes", planted_trend),
    ("edgeless basis on the capture's volatility law passes at most 5 %", level_volatility),
    (
        "GOOG daily: a verdict that is not about blocks",
        functools.partial(on_real, "goog-daily", not_about_blocks),
    ),
    (
        "hourly carry of 9 days: PASS (premium), or FAIL by a number",
        functools.partial(on_real, "hourly-pair funding_carry", by_a_number),
    ),
    (
        "passive maker on the capture: guards, equity and a verdict on the premium",
        functools.partial(on_real, "capture-2024-perp passive_maker", all_asked),
    ),
    ("hourly 3/0: the same report for everybody", same_for_everybody),
)


def lines(asked: argparse.Namespace) -> Iterator[tuple[str, bool | None]]:
    """Ask every claim."""
    for text, ask in CLAIMS:
        if asked.only in text:
            found, holds = ask(asked)
            word = {True: "holds", False: "DOES NOT HOLD", None: "not asked"}[holds]
            yield f"{word}: {text}: {found}", holds


def main() -> int:
    """Print a line a claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=WORK / "real-verdicts")
    parser.add_argument("--runs", type=int, default=200, help="of simulated claims")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", default="", help="claims that have this text")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    wrong = False
    for line, holds in lines(asked):
        print(line, flush=True)
        wrong = wrong or holds is False
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
