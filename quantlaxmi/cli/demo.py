"""``demo``: the whole road, on one segment with a planted edge and one without any."""

from __future__ import annotations

from functools import partial
from typing import Any

from quantlaxmi.cli.demo_walk import Sample, walk_all

USAGE = """
The whole road on two generated segments: backtest, replay, parity, gates.

Usage:
  {program} demo [--out DIR] [--threads N] [--verbose]

Options:
  --out DIR    Folder to create with the segments, traces and reports; by default they are made in a
               temporary folder and removed.
  --threads N  Threads for the draws; the result does not depend on it.
  --verbose    Print the reasons of every gate too, as sentences.

What it is at is said on stderr. Exits 0 when the planted edge passes the gates and the edgeless
segment does not.
"""
STORY = {
    "planted": "The perpetual's basis jumps away from zero and comes back: an edge is there.",
    "edgeless": "The basis is a random walk: no rule on past prices can have an edge.",
}
STRATEGY = "basis_capture"


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.run_gates import threads_of
    from quantlaxmi.importers.synthetic import DEMO_SEED, SyntheticKind, generate_segment
    from quantlaxmi.strategies.registry import StrategyRegistry

    threads = threads_of(args)
    samples = [
        Sample(
            name=kind.value,
            story=STORY[kind],
            seed=DEMO_SEED[kind],
            generate=partial(generate_segment, kind),
            strategy=StrategyRegistry().create(STRATEGY),
            settings="default settings",
            currency="USDT",
        )
        for kind in SyntheticKind
    ]
    verdicts = walk_all(samples, args, threads)
    expected = verdicts["planted"] == "PASS" and verdicts["edgeless"] != "PASS"
    print(
        "As it should be: the planted edge passes, the edgeless segment does not."
        if expected
        else "NOT as it should be: the planted edge must pass and the edgeless segment must not."
    )
    if args["--out"]:
        print(f"Everything is in {args['--out']}.")
    return 0 if expected else 1
