"""``import``: recorded market data into a segment."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import Progress, print_facts, print_json
from quantlaxmi.errors import InputError

USAGE = """
Turn recorded market data into a sealed segment.

Usage:
  {program} import --format NAME --out DIR [--spot FILE] [--perp FILE] [--underlying NAME]
                 [--max-quarantine SHARE] [--strict] [--json]

Options:
  --format NAME           binance-stream: lines of a receive stamp and a stream message.
  --out DIR               Folder to create.
  --spot FILE             Capture of the spot market, plain or gzip.
  --perp FILE             Capture of the perpetual's market, plain or gzip.
  --underlying NAME       Symbol to expect, such as BTCUSDT; by default the one found.
  --max-quarantine SHARE  Most of the lines that may be refused, 0 to 1 [default: 0.01].
  --strict                Refuse the capture at its first faulty line.
  --json                  One JSON document instead of a table.
"""


def main(args: dict[str, Any]) -> int:
    from fractions import Fraction

    from quantlaxmi.importers import import_capture

    text = args["--max-quarantine"]
    try:
        share = Fraction(text) if len(text) <= 40 else None
    except (ValueError, ZeroDivisionError):
        share = None
    if share is None or not 0 <= share <= 1:
        raise InputError("--max-quarantine", f"was {text[:40]!r}, expected a share from 0 to 1")
    if not (args["--spot"] or args["--perp"]):
        raise InputError("import", "needs --spot FILE, --perp FILE or both")
    with Progress("importing") as progress:
        result = import_capture(
            args["--format"],
            spot=args["--spot"],
            perp=args["--perp"],
            out=args["--out"],
            underlying=args["--underlying"],
            strict=args["--strict"],
            max_quarantine=share,
            progress=progress,
        )
    if args["--json"]:
        print_json(
            {
                "segment": str(result.segment.path),
                "digest": result.segment.digest,
                "lines": result.lines,
                "messages_by_kind": result.messages_by_kind,
                "quarantined": result.quarantined,
                "quarantine_reasons": result.quarantine_reasons,
                "text_bytes": result.text_bytes,
                "elapsed_s": result.elapsed_s,
            }
        )
        return 0
    print_facts(
        {
            "segment": str(result.segment.path),
            "digest": result.segment.digest,
            "lines": result.lines,
            **result.messages_by_kind,
            "quarantined": result.quarantined,
            **{f"  {reason}": n for reason, n in result.quarantine_reasons.items()},
        }
    )
    return 0
