"""``run-gates``: try to break a result, and write down what was found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.ending import flush_output
from quantlaxmi.cli.gate_table import report_lines
from quantlaxmi.cli.output import Progress, print_facts
from quantlaxmi.cli.run_options import (
    RUN_OPTIONS,
    RUN_USAGE,
    make_strategy,
    run_keywords,
    segment_of,
)
from quantlaxmi.cli.values import utc_text, whole_number
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.report import GateReport

USAGE = f"""
Run a strategy over a segment and try to break the result.

Usage:
  {{program}} run-gates {RUN_USAGE.replace("{seed}", "--run-seed")}
                 [--seed N] --gates LIST [--policy TOML] [--threads N] [--convert FILE]...
                 [--grid TOML] [--trials DIR] [--open-seal] [--output-report FILE] [--html FILE]
                 [--bind DIR] [--checkpoint FILE] [--verbose | --json]

Options:
{RUN_OPTIONS.replace("--seed N    ", "--run-seed N")}
  --gates LIST          Suites to run, separated by commas: g2,g3.
  --policy TOML         Thresholds and draws; the report records them.
  --seed N              Seed of the gates' draws. The report is then a diagnosis and no verdict: a
                        verdict takes a hash of segment, settings searched and policy.
  --threads N           Threads for the draws; the result does not depend on it.
  --convert FILE        Rates for a strategy that trades in several currencies: CSV with ts,rate, or
                        CURRENCY=FILE; may be repeated. Without it the gates are inconclusive.
  --grid TOML           Settings to search, in place of those that the strategy declares. Where no
                        setting is given, the one with the largest Z on the data is judged.
  --trials DIR          Folder of the trial ledger: what is run is written there, and its seals
                        hold. By default that of QUANTLAXMI_TRIALS, where it is set.
  --open-seal           Open the sealed rows of the segment, once, for this setting, and judge them
                        by the equity test alone.
  --output-report FILE  Write the report as JSON.
  --html FILE           Write the report as a page that needs no other file and has no script.
  --bind DIR            Append segment, verdict and hashes to the chain DIR/bindings.jsonl; DIR may
                        be the segment's folder, which nothing else is written to.
  --checkpoint FILE     Keep the counts of draws there; the same command goes on from them after an
                        interruption, and comes to the same report.
  --verbose             Print the reasons of every gate too, as sentences.
  --json                Print the report instead of a summary.

Exit codes: 0 passed, 1 failed, 2 bad input, 3 inconclusive or no verdict.
"""
#: Settings that fail their own check, named in the terminal; the report names all.
_MOST_NAMED = 5
EXIT = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "DIAGNOSIS": 3}


def threads_of(args: dict[str, Any]) -> int | None:
    """The number of threads asked for, or None for all."""
    text = args["--threads"]
    return None if text is None else whole_number("--threads", text, 1, 1024)


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.gates import load_policy
    from quantlaxmi.report import bind_report, judged_rows, run_gates

    gates = tuple(name.strip() for name in args["--gates"].split(","))
    policy = None if args["--policy"] is None else load_policy(args["--policy"])
    _check_outputs(args)
    strategy, threads = _strategy(args), threads_of(args)
    keywords = run_keywords(args, "--run-seed")
    keywords["run_seed"] = keywords.pop("seed")
    if args["--seed"] is not None:
        keywords["seed"] = whole_number("--seed", args["--seed"], 0, 2**63 - 1)
    if args["--open-seal"] and args["--until"] is not None:
        raise InputError("--open-seal", "judges all sealed rows, expected no --until")
    segment = segment_of(args)
    with Progress("gates") as progress:
        report = run_gates(
            segment,
            strategy,
            gates=gates,
            policy=policy,
            threads=threads,
            progress=progress.named,
            checkpoint=args["--checkpoint"],
            convert=args["--convert"],
            grid=args["--grid"],
            trials=args["--trials"],
            open_seal=args["--open-seal"],
            **keywords,
        )
    # Said before it is written: a full disk does not take the verdict with it.
    if args["--json"]:
        print(report.to_bytes().decode().rstrip("\n"))
    else:
        print_report(report, verbose=args["--verbose"])
    flush_output()
    made: dict[str, str] = {}
    if args["--output-report"]:
        report.save(args["--output-report"])
        made["report"] = args["--output-report"]
    if args["--html"]:
        from quantlaxmi.report.html import save_page
        from quantlaxmi.report.verify import judged_run

        run = judged_run(report, segment, strategy=args["--strategy"], convert=args["--convert"])
        save_page(report.to_html(run), args["--html"])
        made["page"] = args["--html"]
    if args["--bind"]:
        rows = judged_rows(report, segment)
        made["bound in"] = str(bind_report(report, rows, args["--bind"]))
    if made and not args["--json"]:
        print_facts(made)
    return EXIT[report.verdict]


def _strategy(args: dict[str, Any]) -> Any:
    """The strategy with its settings; its class where a grid is to give them."""
    if args["--grid"] is None or args["--config"] is not None or args["--set"]:
        return make_strategy(args)
    from quantlaxmi.strategies.registry import StrategyRegistry

    return StrategyRegistry().get(args["--strategy"])


def _check_outputs(args: dict[str, Any]) -> None:
    """Refuse outputs before the gates run.

    Raises
    ------
    InputError
        If one must not or cannot be written, or two have one name.
    """
    from quantlaxmi.bindings import check_chain
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.files import one_line_errors
    from quantlaxmi.gates.checkpoint import check_place
    from quantlaxmi.report import chain_in
    from quantlaxmi.report.gate_report import KIND

    target, checkpoint, bind = (args[f"--{k}"] for k in ("output-report", "checkpoint", "bind"))
    if target:
        check_output("--output-report", target, (".json",), KIND)
    if args["--html"]:
        from quantlaxmi.report.html.page import KIND as PAGE

        check_output("--html", args["--html"], (".html",), PAGE)
    if checkpoint:
        check_place(checkpoint)
        if target and os.path.realpath(target) == os.path.realpath(checkpoint):
            raise InputError("--checkpoint", f"was {checkpoint}, which --output-report names too")
    if bind:
        with one_line_errors(bind, "cannot be read", InputError):
            if not Path(bind).is_dir():
                raise InputError("--bind", f"was {bind}, expected a folder that exists")
        check_chain(chain_in(bind))


def print_report(report: GateReport, *, verbose: bool = False) -> None:
    """Print the table of gates, then the verdict and what it rests on."""
    print("\n".join(report_lines(report, verbose=verbose)))
    facts: dict[str, Any] = {
        "verdict": report.verdict_text,
        **({"unseen": unseen} if (unseen := report.unseen_text) else {}),
        "suites": list(report.suites),
        "strategy": report.strategy_id,
        "seed": str(report.seed),
        "trace_hash": report.trace_hash,
        "report_hash": report.report_hash,
    }
    if report.grid is not None:
        facts["grid"] = _grid_lines(report)
    if report.conversion is not None:
        facts["converted"] = [
            f"1 {one['currency']} = {one['rate']} {report.conversion['currency']}, set at "
            f"{utc_text(one['ts_ns'])}; {one['lowest']} to {one['highest']} within the data"
            for one in report.conversion["rates"]
        ]
    print_facts(facts)


def _grid_lines(report: GateReport) -> list[str]:
    """Settings of the grid, the one that was judged, and those that fail their own check."""
    found: dict[str, Any] = report.grid or {}
    settings, refused = found["settings"], found["refused"]
    varied = [k for k in report.config if any(one[k] != settings[0][k] for one in settings)]
    judged = " ".join(f"{name}={report.config[name]}" for name in varied) or "its only setting"
    lines = [
        f"{counted(len(settings), 'setting[s]')}, hash {report.grid_hash}",
        f"judged: {judged}; the equity test is of this setting, not adjusted for its selection",
    ]
    if refused:
        named = "; ".join(one["values"] for one in refused[:_MOST_NAMED])
        more = f" and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
        lines.append(f"{len(refused)} fail their own check: {named}{more}")
    return lines
