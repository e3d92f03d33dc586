"""``demo``: the whole road, on one segment with a planted edge and one without any."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import Progress, money_text
from quantlaxmi.cli.run_files import check_new_folder

if TYPE_CHECKING:
    from quantlaxmi.importers.synthetic import SyntheticKind

USAGE = """
The whole road on two generated segments: backtest, replay, parity, gates.

Usage:
  {program} demo [--out DIR] [--threads N]

Options:
  --out DIR    Folder to create with the segments, traces and reports; by default they are made in a
               temporary folder and removed.
  --threads N  Threads for the draws; the result does not depend on it.

Exits 0 when the planted edge passes the gates and the edgeless segment does not.
"""
STORY = {
    "planted": "The perpetual's basis jumps away from zero and comes back: an edge is there.",
    "edgeless": "The basis is a random walk: no rule on past prices can have an edge.",
}
STRATEGY = "basis_capture"


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.run_gates import threads_of
    from quantlaxmi.importers.synthetic import SyntheticKind

    threads = threads_of(args)
    with ExitStack() as stack:
        if args["--out"]:
            check_new_folder("--out", args["--out"])
            out = Path(args["--out"])
            out.mkdir()
        else:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quantlaxmi-demo-")))
        verdicts = {kind.value: _walk(kind, out, threads) for kind in SyntheticKind}
        kept = f"Everything is in {out}." if args["--out"] else ""
    expected = verdicts["planted"] == "PASS" and verdicts["edgeless"] != "PASS"
    print(
        "As it should be: the planted edge passes, the edgeless segment does not."
        if expected
        else "NOT as it should be: the planted edge must pass and the edgeless segment must not."
    )
    if kept:
        print(kept)
    return 0 if expected else 1


def _walk(kind: SyntheticKind, out: Path, threads: int | None) -> str:
    from quantlaxmi.cli.run_gates import gate_rows
    from quantlaxmi.importers.synthetic import DEMO_SEED, generate_segment
    from quantlaxmi.report import bind_report, report_of
    from quantlaxmi.run.replay import backtest, replay
    from quantlaxmi.strategies.registry import StrategyRegistry
    from quantlaxmi.trace.parity import verify_replay_parity

    print(f"{kind.value}: {STORY[kind.value]}")
    segment = generate_segment(kind, out / kind.value)
    print(
        f"  segment    {segment.n_messages:,} messages, seed {DEMO_SEED[kind]}, "
        f"digest {segment.digest[:16]}"
    )
    strategy = StrategyRegistry().create(STRATEGY)
    run = backtest(segment, strategy)
    scale = run.ledger_exponent
    fees = sum(account.fees for account in run.accounts)
    print(
        f"  backtest   {STRATEGY}, default settings: {run.n_decisions} decisions, "
        f"{run.n_fills} fills"
    )
    print(
        f"             gross {money_text(run.gross_pnl, scale - 1)}, "
        f"fees {money_text(fees, scale)}, net {money_text(run.net_pnl, scale - 1)} USDT"
    )
    again = replay(segment, strategy)
    for name, trace in (("backtest", run.trace), ("replay", again.trace)):
        trace.save(out / f"{kind.value}-{name}.json")
    parity = verify_replay_parity(run.trace, again.trace)
    print(f"  replay     {parity.text()}")
    with Progress("  gates") as progress:
        report = report_of(run, threads=threads, progress=progress.named)
    path = out / f"{kind.value}-g2.json"
    report.save(path)
    bind_report(report, segment, out)
    for gate, role, verdict, why in gate_rows(report):
        print(f"  {role:<10} {gate}: {verdict}; {why}")
    verdict = report.verdict if parity.matched else "PARITY_BROKEN"
    print(f"  verdict    {verdict}, report {report.report_hash[:16]}")
    print()
    return verdict
