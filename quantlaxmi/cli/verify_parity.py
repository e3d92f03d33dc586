"""``verify-parity``: are two decision traces one?"""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import print_json

USAGE = """
Compare the decision trace of a backtest with that of a replay.

Usage:
  {program} verify-parity --original FILE --replay FILE [--json]

Options:
  --original FILE  Trace written by backtest --output-trace.
  --replay FILE    Trace written by replay --output-trace.
  --json           One JSON document instead of text.

Prints PARITY_MATCH and exits 0, or names the first difference and exits 1.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.trace import load_trace
    from quantlaxmi.trace.parity import verify_replay_parity

    result = verify_replay_parity(load_trace(args["--original"]), load_trace(args["--replay"]))
    print_json(result.to_dict()) if args["--json"] else print(result.text())
    return 0 if result.matched else 1
