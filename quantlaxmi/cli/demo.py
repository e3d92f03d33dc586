"""``demo``: the whole road, on one segment with a planted edge and one without any."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.gate_table import report_lines
from quantlaxmi.cli.output import money_text
from quantlaxmi.cli.run_files import check_new_folder
from quantlaxmi.cli.steps import Steps

if TYPE_CHECKING:
    from quantlaxmi.importers.synthetic import SyntheticKind

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
    from quantlaxmi.importers.synthetic import SyntheticKind
    from quantlaxmi.trials.ledger import without_ledger

    threads = threads_of(args)
    with ExitStack() as stack:
        if args["--out"]:
            check_new_folder("--out", args["--out"])
            out = Path(args["--out"])
            out.mkdir()
        else:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quantlaxmi-demo-")))
        with without_ledger(), Steps() as steps:
            walks = {
                kind.value: _walk(kind, out, threads, steps, verbose=args["--verbose"])
                for kind in SyntheticKind
            }
    for kind, (_, lines) in walks.items():
        print(f"{kind}: {STORY[kind]}")
        print("\n".join(lines))
        print()
    expected = walks["planted"][0] == "PASS" and walks["edgeless"][0] != "PASS"
    print(
        "As it should be: the planted edge passes, the edgeless segment does not."
        if expected
        else "NOT as it should be: the planted edge must pass and the edgeless segment must not."
    )
    if args["--out"]:
        print(f"Everything is in {out}.")
    return 0 if expected else 1


def _walk(
    kind: SyntheticKind, out: Path, threads: int | None, steps: Steps, *, verbose: bool
) -> tuple[str, list[str]]:
    """Verdict of a segment, and the lines that say how it came about."""
    from quantlaxmi.importers.synthetic import DEMO_SEED, generate_segment
    from quantlaxmi.report import bind_report, report_of
    from quantlaxmi.run.replay import backtest, replay
    from quantlaxmi.strategies.registry import StrategyRegistry
    from quantlaxmi.trace.parity import verify_replay_parity

    name = kind.value
    steps(f"{name}: generate the segment")
    segment = generate_segment(kind, out / name)
    strategy = StrategyRegistry().create(STRATEGY)
    steps(f"{name}: backtest")
    run = backtest(segment, strategy)
    steps(f"{name}: replay")
    again = replay(segment, strategy)
    for route, trace in (("backtest", run.trace), ("replay", again.trace)):
        trace.save(out / f"{name}-{route}.json")
    parity = verify_replay_parity(run.trace, again.trace)
    report = report_of(run, threads=threads, progress=steps.named(name))
    report.save(out / f"{name}-g2.json")
    bind_report(report, segment, out)
    verdict = report.verdict if parity.matched else "PARITY_BROKEN"
    sentence = report.verdict_text if parity.matched else verdict
    scale = run.ledger_exponent
    fees = sum(account.fees for account in run.exact.accounts)
    return verdict, [
        f"  segment   {segment.n_messages:,} messages, seed {DEMO_SEED[kind]}, "
        f"digest {segment.digest[:16]}",
        f"  backtest  {STRATEGY}, default settings: {run.n_decisions} decisions, "
        f"{run.n_fills} fills",
        f"            gross {money_text(run.exact.gross_pnl, scale - 1)}, "
        f"fees {money_text(fees, scale)}, net {money_text(run.exact.net_pnl, scale - 1)} USDT",
        f"  replay    {parity.text()}",
        *report_lines(report, verbose=verbose, indent=2),
        f"  verdict   {sentence}",
        *([f"  unseen    {unseen}"] if (unseen := report.unseen_text) else []),
        f"  report    {report.report_hash[:16]}",
    ]
