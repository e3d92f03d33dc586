"""``run-gates``: try to break a result, and write down what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.gate_table import report_lines
from quantlaxmi.cli.output import Progress, print_facts
from quantlaxmi.cli.run_options import RUN_OPTIONS, RUN_USAGE, make_strategy, run_keywords
from quantlaxmi.cli.values import whole_number

if TYPE_CHECKING:
    from quantlaxmi.report import GateReport

USAGE = f"""
Run a strategy over a segment and try to break the result.

Usage:
  {{program}} run-gates {RUN_USAGE}
                 --gates LIST [--policy TOML] [--threads N]
                 [--output-report FILE] [--checkpoint FILE] [--verbose | --json]

Options:
{RUN_OPTIONS}
  --gates LIST          Suites to run, separated by commas: g2.
  --policy TOML         Thresholds and draws; the report records them.
  --threads N           Threads for the draws; the result does not depend on it.
  --output-report FILE  Write the report as JSON and bind it to the segment in bindings.jsonl.
  --checkpoint FILE     Keep the counts of draws there; the same command goes on from them after an
                        interruption, and comes to the same report.
  --verbose             Print the reasons of every gate too, as sentences.
  --json                Print the report instead of a summary.

Exit codes: 0 passed, 1 failed, 2 bad input, 3 inconclusive.
"""
EXIT = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}


def threads_of(args: dict[str, Any]) -> int | None:
    """The number of threads asked for, or None for all."""
    text = args["--threads"]
    return None if text is None else whole_number("--threads", text, 1, 1024)


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.gates import load_policy
    from quantlaxmi.gates.checkpoint import check_place
    from quantlaxmi.report import bind_report, run_gates
    from quantlaxmi.segment import open_whole

    target = args["--output-report"]
    if target:
        check_output("--output-report", target, (".json",))
    gates = tuple(name.strip() for name in args["--gates"].split(","))
    policy = None if args["--policy"] is None else load_policy(args["--policy"])
    if args["--checkpoint"] is not None:
        check_place(args["--checkpoint"])
    strategy, keywords, threads = make_strategy(args), run_keywords(args), threads_of(args)
    segment = open_whole(args["--segment-dir"])
    with Progress("gates") as progress:
        report = run_gates(
            segment,
            strategy,
            gates=gates,
            policy=policy,
            threads=threads,
            progress=progress.named,
            checkpoint=args["--checkpoint"],
            **keywords,
        )
    bound = None
    if target:
        report.save(target)
        bound = bind_report(report, segment, Path(target).resolve().parent)
    if args["--json"]:
        print(report.to_bytes().decode().rstrip("\n"))
        return EXIT[report.verdict]
    print_report(report, verbose=args["--verbose"])
    if target:
        print_facts({"report": target, "bound in": str(bound)})
    return EXIT[report.verdict]


def print_report(report: GateReport, *, verbose: bool = False) -> None:
    """Print the table of gates, then the verdict and what it rests on."""
    print("\n".join(report_lines(report, verbose=verbose)))
    print_facts(
        {
            "verdict": report.verdict,
            "suites": list(report.suites),
            "strategy": report.strategy_id,
            "seed": str(report.seed),
            "trace_hash": report.trace_hash,
            "report_hash": report.report_hash,
        }
    )
