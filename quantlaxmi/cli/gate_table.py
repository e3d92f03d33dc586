"""The gates of a report as a table of numbers or, verbose, with the sentences of their reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from quantlaxmi.cli.fold_table import fold_lines
from quantlaxmi.cli.output import WIDTH, room, shortened

if TYPE_CHECKING:
    from quantlaxmi.gates.results import GateResult
    from quantlaxmi.report import GateReport
    from quantlaxmi.report.gate_rows import GateRow

__all__ = ["WIDTH", "gate_lines", "report_lines"]

_HEADS = ("gate", "role", "verdict", "p", "n", "limit")
#: Characters of the widest name of a gate; a filter of a user's strategy may have a longer one.
_NAME = 48
_INDENT = 4


def report_lines(report: GateReport, *, verbose: bool = False, indent: int = 0) -> list[str]:
    """The lines of every gate that ran, in order.

    Parameters
    ----------
    report : GateReport
    verbose : bool
        With the reasons of every gate beneath its numbers.
    indent : int
        Spaces before each line; they count for the width.
    """
    results = [found for suite in report.results for found in suite.results]
    return gate_lines(results, report.policy["alpha"], verbose=verbose, indent=indent)


def gate_lines(
    results: Iterable[GateResult], level: str, *, verbose: bool = False, indent: int = 0
) -> list[str]:
    """A head and the lines of some results; see `report_lines`.

    Parameters
    ----------
    results : iterable of GateResult
    level : str
        The limit of every p-value.
    verbose, indent : optional

    Notes
    -----
    ``p`` is the p-value that decided, the largest of a gate's, and ``n`` the draws behind it, or
    the clock buckets of a p-value from Student's t. A gate without a p-value has neither, and its
    reason names the limit. A diagnosis decides nothing and has no limit.
    """
    from quantlaxmi.report.gate_rows import gate_rows

    found = list(results)
    rows = [_HEADS, *(_cells(row) for row in gate_rows(found, level))]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_HEADS))]
    margin = " " * indent
    lines = [margin + _line(_HEADS, widths)]
    for result, row in zip(found, rows[1:], strict=True):
        lines.append(margin + _line(row, widths))
        if verbose:
            lines += _sentences(result, margin + " " * _INDENT)
    return lines


def _cells(row: GateRow) -> tuple[str, ...]:
    numbers = ("", "") if row.p is None else (f"{row.p:.4g}", f"{row.n:,}")
    return (shortened(row.gate, _NAME), row.role, row.verdict, *numbers, row.limit)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    """Align words left and numbers right."""
    padded = [
        f"{cell:<{width}}" if k < 3 else f"{cell:>{width}}"
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _sentences(result: GateResult, margin: str) -> Iterator[str]:
    from quantlaxmi.gates.results import WalkForwardResult

    for reason in result.reasons:
        yield from textwrap.wrap(
            reason, room(), initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
        )
    if isinstance(result, WalkForwardResult):
        yield from (margin + line for line in fold_lines(result, room() - len(margin)))
