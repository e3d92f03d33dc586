"""``report html``: a gate report as a page."""

from __future__ import annotations

from typing import Any

USAGE = """
Write a gate report as one page that needs no other file and has no script.

Usage:
  {program} report html --report FILE {segment} DIR --out FILE [--strategy NAME]
                 [--convert FILE]...

Options:
  --report FILE      Report written by run-gates --output-report.
  {segment} DIR  The segment it was made on: the strategy is run again for the pictures of its
                     prices, equity and positions; no gate is.
  --out FILE         The page, a name ending in .html.
  --strategy NAME    For a strategy that is not installed: path.py:Class.
  --convert FILE     Rates that the report was made with, FILE or CURRENCY=FILE; may be repeated.

Exit codes: 0 done, 2 the report was changed or does not belong to the segment.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.output import Progress, print_facts
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.report import load_report
    from quantlaxmi.report.html import save_page
    from quantlaxmi.report.html.page import KIND
    from quantlaxmi.report.verify import judged_run
    from quantlaxmi.segment import open_whole

    check_output("--out", args["--out"], (".html",), KIND)
    path = args["--report"]
    report = load_report(path)
    segment = open_whole(args["--segment-dir"])
    with Progress("report") as progress:
        run = judged_run(
            report,
            segment,
            path=path,
            strategy=args["--strategy"],
            progress=progress.named,
            convert=args["--convert"],
        )
    save_page(report.to_html(run), args["--out"])
    print_facts({"page": args["--out"], "verdict": report.verdict_text})
    return 0
