"""``bindings``: list or verify the chain that ``run-gates --bind`` writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import print_facts, print_json, print_table, shortened
from quantlaxmi.errors import InputError, shown

if TYPE_CHECKING:
    from quantlaxmi.bindings import Binding
    from quantlaxmi.segment import MarketData

USAGE = """
List or verify the chain of bindings that run-gates --bind writes.

Usage:
  {program} bindings (list|verify) --bind DIR [--report FILE] [{segment} DIR]
                 [--last HASH] [--json]

Options:
  --bind DIR         Folder of the chain DIR/bindings.jsonl.
  --report FILE      verify: a line must bind this report, with its verdict and policy.
  {segment} DIR  verify: a line must name this segment, and its manifest as it is now.
  --last HASH        verify: hash of a line, kept from before; without it nobody can tell whether
                     lines were removed from the end.
  --json             One JSON document instead of text.

Both check every line: a changed, moved or removed line is named, exit 2.

Exit codes: 0 done and all holds, 1 something does not hold, 2 bad input or a broken chain.
"""
#: What a table shows of a record, and how many characters of it.
_SHOWN = {
    "timestamp": 24,
    "strategy_id": 40,
    "verdict": 16,
    "policy": 60,
    "report_hash": 16,
    "segment_digest": 16,
}


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.report import binding_faults, chain_in, judged_rows, load_report
    from quantlaxmi.segment import open_whole

    if args["list"]:
        for option in ("--report", "--segment-dir", "--last"):
            if args[option] is not None:
                raise InputError(option, "belongs to bindings verify")
    last = args["--last"]
    if last is not None and not re.fullmatch("[0-9a-f]{64}", last):
        raise InputError("--last", f"was {shown(last)}, expected 64 hexadecimal digits")
    chain = chain_in(args["--bind"])
    report = None if args["--report"] is None else load_report(args["--report"])
    segment: MarketData | None = None
    if args["--segment-dir"] is not None:
        segment = open_whole(args["--segment-dir"])
        segment = segment if report is None else judged_rows(report, segment)
    lines, faults = binding_faults(chain, report=report, segment=segment, last=last)
    if args["list"]:
        _list(lines, as_json=args["--json"])
        return 0
    facts = {
        "result": "BINDINGS_DIFFER" if faults else "BINDINGS_MATCH",
        "lines": len(lines),
        "last": lines[-1].hash if lines else None,
        "differences": faults,
    }
    if args["--json"]:
        print_json(facts)
    else:
        print(facts.pop("result"))
        print_facts(facts)
    return 1 if faults else 0


def _list(lines: Sequence[Binding], *, as_json: bool) -> None:
    if as_json:
        print_json([{"index": one.index, "hash": one.hash, "record": one.record} for one in lines])
        return
    rows = [
        (one.index + 1, *(_cell(one.record.get(name), most) for name, most in _SHOWN.items()))
        for one in lines
    ]
    print_table(("line", *_SHOWN), rows)


def _cell(value: object, most: int) -> str:
    """Return text of a file in a form that a terminal may show."""
    if isinstance(value, str) and value.isprintable():
        return shortened(value, most) if most > 16 else value[:most]
    return "" if value is None else shown(value, most)
