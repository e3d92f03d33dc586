"""Figures of a report's results, read for pictures: a file may say anything, so each is checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from quantlaxmi.errors import ReportError, shown

if TYPE_CHECKING:
    from quantlaxmi.gates.results import GateResult
    from quantlaxmi.gates.suite_result import SuiteResult

__all__ = [
    "MAX_MARKS",
    "Judged",
    "currency_of",
    "drawn_from",
    "number",
    "result_of",
    "results_of",
    "rows",
]

#: Marks of one kind in a picture, so that a page stays small whatever a file holds.
MAX_MARKS: Final = 400
#: Characters of a currency that a picture shows.
_LONGEST: Final = 12
_FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


class Judged(Protocol):
    """What pictures need of a report; `quantlaxmi.GateReport` has it."""

    @property
    def results(self) -> tuple[SuiteResult, ...]:
        """By suite, in the order of running."""

    @property
    def policy(self) -> dict[str, Any]:
        """Every threshold with its effective value."""

    @property
    def header(self) -> dict[str, Any]:
        """The trace header."""

    @property
    def conversion(self) -> dict[str, Any] | None:
        """How money of several currencies became one."""


@contextmanager
def drawn_from(gate: str) -> Iterator[None]:
    """What cannot be drawn is told of the gate whose figures are wrong.

    Raises
    ------
    ReportError
    """
    try:
        yield
    except _FAULTS as error:
        problem = f"has figures that cannot be drawn: {shown(str(error), 80)}"
        raise ReportError("report", problem, f"details of {gate}") from None


def number(value: Any) -> float:
    """A finite number of a report: a number, or decimal text.

    Raises
    ------
    ValueError
        It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"was {shown(value, 40)}, expected a number")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"was {shown(value, 40)}, expected a finite number")
    return found


def rows(value: Any, most: int = MAX_MARKS) -> list[Any]:
    """A list of a report with no more entries than a picture can hold.

    Parameters
    ----------
    value : object
    most : int
        Entries; more where only some of them are drawn.

    Raises
    ------
    ValueError
    """
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"was {shown(value, 40)}, expected a list of at most {most}")
    return value


def results_of(report: Judged) -> list[GateResult]:
    """Results of every suite in the order of running."""
    return [one for suite in report.results for one in suite.results]


def result_of(report: Judged, gate: str) -> GateResult:
    """The result of this name.

    Raises
    ------
    ReportError
        The gate did not run.
    """
    for one in results_of(report):
        if one.gate == gate:
            return one
    raise ReportError("report", f"has no result of {gate}: the gate did not run", "suites")


def currency_of(report: Judged) -> str:
    """The currency of the report's money; empty where it has several and none was chosen."""
    if report.conversion is not None:
        return str(report.conversion.get("currency", ""))[:_LONGEST]
    listed = report.header.get("instruments")
    instruments = listed if isinstance(listed, list) else []
    found = {str(one.get("currency")) for one in instruments if isinstance(one, dict)}
    return found.pop()[:_LONGEST] if len(found) == 1 else ""
