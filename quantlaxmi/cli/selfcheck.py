"""``selfcheck``: strategies with known answers, each with what should happen and what happened."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import print_json

USAGE = """
Run strategies whose answer is known: those that look ahead, that have no edge, that have one.

Usage:
  {program} selfcheck [--json]

Options:
  --json  One JSON document instead of lines.

Exit codes: 0 all as expected, 1 one differs.
"""
_COLUMNS = "{:<18} {:<44} {:<18} {:<18} {}"


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.calibrate.selfcheck import check_zoo

    found = []
    if not args["--json"]:
        print(_COLUMNS.format("specimen", "what it is", "should be", "was", "").rstrip())
    for finding in check_zoo():
        found.append(finding)
        if args["--json"]:
            continue
        one = finding.specimen
        mark = "" if finding.as_expected else "DIFFERS"
        line = _COLUMNS.format(one.name, one.what, one.expected, finding.happened, mark)
        print(line.rstrip(), flush=True)
    wrong = [finding for finding in found if not finding.as_expected]
    if args["--json"]:
        print_json(
            {
                "as_expected": not wrong,
                "specimens": [
                    {
                        "name": one.specimen.name,
                        "what": one.specimen.what,
                        "expected": one.specimen.expected,
                        "happened": one.happened,
                        "as_expected": one.as_expected,
                    }
                    for one in found
                ],
            }
        )
    else:
        said = f"{len(wrong)} of {len(found)} differ." if wrong else "All as they should be."
        print(said)
    return 1 if wrong else 0
