"""``compare``: two gate reports side by side, first difference first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantlaxmi.counted import counted

if TYPE_CHECKING:
    from quantlaxmi.report.compare import Comparison

USAGE = """
Show where two gate reports differ: header, settings, verdict, each gate, money, then figures.

Usage:
  {program} compare FIRST SECOND [--html FILE] [--json]

Options:
  --html FILE  The same as a page, a name ending in .html.
  --json       One JSON document instead of text, with every difference.

FIRST and SECOND are written by run-gates --output-report. Their times are not compared.

Exit codes: 0 equal, 1 they differ, 2 a file is no report or was changed.
"""
#: Differences that the text shows, and characters of a value: at most, and on any screen.
_MOST, _LONGEST, _LEAST = 40, 48, 24


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.output import print_json
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.report import compare_reports, load_report
    from quantlaxmi.report.html import save_page
    from quantlaxmi.report.html.page import KIND

    if args["--html"] is not None:
        check_output("--html", args["--html"], (".html",), KIND)
    found = compare_reports(load_report(args["FIRST"]), load_report(args["SECOND"]))
    if args["--html"] is not None:
        from quantlaxmi.report.html.compare_page import comparison_page

        save_page(comparison_page(found), args["--html"])
    if args["--json"]:
        print_json(_document(found))
    else:
        _print(found)
    return 0 if found.equal else 1


def _result(found: Comparison) -> str:
    return "REPORTS_EQUAL" if found.equal else "REPORTS_DIFFER"


def _document(found: Comparison) -> dict[str, Any]:
    return {
        "result": _result(found),
        **{
            name: {"verdict": one.verdict_text, "report_hash": one.report_hash}
            for name, one in (("first", found.first), ("second", found.second))
        },
        "differences": [
            {"section": d.section, "field": d.field, "first": d.first, "second": d.second}
            for d in found.differences
        ],
    }


def _print(found: Comparison) -> None:
    from quantlaxmi.cli.output import print_facts, print_table, room, shortened

    print(_result(found))
    print_facts({"first": found.first.verdict_text, "second": found.second.verdict_text})
    if found.equal:
        print_facts({"report_hash": found.first.report_hash})
        return
    listed = found.differences[:_MOST]
    named = max(len(one.section) + len(one.field) for one in listed) + 6
    most = min(_LONGEST, max(_LEAST, room() - named))
    rows = [
        (one.section, one.field, shortened(one.first, most), shortened(one.second, most))
        for one in listed
    ]
    print_table(("of", "field", "first", "second"), rows, keys=2)
    if more := len(found.differences) - len(rows):
        print(f"{counted(more, 'more difference[s]')}; --json has all")
