"""``verify-report``: is a gate report what its segment gives?"""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import Progress, print_facts, print_json
from quantlaxmi.cli.run_gates import threads_of

USAGE = """
Compute a gate report again from its segment, with the inputs it records, and compare.

Usage:
  {program} verify-report --report FILE {segment} DIR [--strategy NAME] [--config TOML]
                 [--set KV]... [--policy FILE] [--threads N] [--convert FILE]... [--json]

Options:
  --report FILE      Report written by run-gates --output-report.
  {segment} DIR  The segment it was made on.
  --strategy NAME    For a strategy that is not installed: path.py:Class. Its settings are read from
                     the report.
  --config TOML      Settings of that strategy in place of the report's.
  --set KV           A setting of that strategy as key=value, in place of the report's settings.
  --policy FILE      The policy that the report must have been judged by: a TOML file, or "default".
  --threads N        Threads for the draws; the result does not depend on it.
  --convert FILE     Rates that the report was made with, FILE or CURRENCY=FILE; may be repeated.
  --json             One JSON document instead of text.

Exit codes: 0 the same, 1 not the same, 2 the file was changed or does not belong here.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.run_options import make_strategy
    from quantlaxmi.errors import InputError
    from quantlaxmi.gates import GatePolicy, load_policy
    from quantlaxmi.report import verify_report
    from quantlaxmi.segment import open_whole
    from quantlaxmi.strategies.registry import StrategyRegistry

    if args["--strategy"] is None and (args["--config"] or args["--set"]):
        raise InputError("--set", "belongs to a strategy given by --strategy")
    policy = None
    if args["--policy"] is not None:
        default = args["--policy"] == "default"
        policy = GatePolicy() if default else load_policy(args["--policy"])
    own = args["--config"] or args["--set"]
    strategy: Any = args["--strategy"]
    if strategy is not None:
        strategy = make_strategy(args) if own else StrategyRegistry().get(strategy)
    segment = open_whole(args["--segment-dir"])
    with Progress("verify") as progress:
        check = verify_report(
            args["--report"],
            segment,
            strategy=strategy,
            policy=policy,
            threads=threads_of(args),
            progress=progress.named,
            convert=args["--convert"],
        )
    facts = {
        "result": "REPORT_MATCH" if check.matches else "REPORT_DIFFERS",
        "verdict": check.recorded.verdict,
        "policy": check.recomputed.policy_text,
        "report_hash": check.recorded.report_hash,
        "recomputed_hash": check.recomputed.report_hash,
        "differences": [str(d) for d in check.differences],
    }
    if args["--json"]:
        print_json(facts)
    else:
        print(facts["result"])
        print_facts({k: v for k, v in facts.items() if k != "result"})
    return 0 if check.matches else 1
