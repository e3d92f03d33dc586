"""Two gate reports side by side: where they differ, what decides first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from quantlaxmi.errors import ReportError, shown
from quantlaxmi.report.differences import ABSENT, differences_of
from quantlaxmi.report.found import results_of
from quantlaxmi.report.gate_report import GateReport
from quantlaxmi.report.gate_rows import GateRow, gate_rows

__all__ = ["ComparedGate", "Comparison", "ReportDifference", "compare_reports"]

#: Section -> fields of a report, in the order in which they are compared. Gates and money come from
#: the suites; what is left of these is `figures`.
_SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "header": ("segment_id", "strategy_id", "run_id", "header", "trace_hash", "outcome_hash"),
    "settings": (
        *("config", "costs", "risk", "latency_ns", "latency", "conversion", "window", "holdout"),
        *("grid", "grid_hash", "trials", "seed", "policy", "policy_hash", "policy_differences"),
    ),
    "verdict": ("verdict", "edge", "g2_passed", "g3_passed"),
}
#: Columns of a gate that are compared.
_COLUMNS: Final = ("verdict", "p", "n", "limit")
#: Amounts of `net_positive`, what counts most first.
_MONEY: Final = (
    *("net", "gross", "slippage", "fees", "funding", "borrow", "rounding"),
    *("trips", "fills"),
)


@dataclass(frozen=True, slots=True)
class ReportDifference:
    """A field in which two reports differ.

    Attributes
    ----------
    section : str
        ``"header"``, ``"settings"``, ``"verdict"``, ``"gates"``, ``"money"`` or ``"figures"``.
    field : str
    first, second : str
        ``"absent"`` where a report does not have it.
    """

    section: str
    field: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class ComparedGate:
    """A result of a gate in two reports.

    Attributes
    ----------
    gate : str
    first, second : GateRow or None
        None where a report does not have it.
    """

    gate: str
    first: GateRow | None
    second: GateRow | None

    @property
    def differs(self) -> bool:
        """Whether verdict, p, n or limit differ."""
        return any(self._texts(self.first, c) != self._texts(self.second, c) for c in _COLUMNS)

    def differences(self) -> Iterator[ReportDifference]:
        """A difference for each column that differs; one for a gate that a report lacks."""
        if self.first is None or self.second is None:
            own = (ABSENT if row is None else row.verdict for row in (self.first, self.second))
            yield ReportDifference("gates", self.gate, *own)
            return
        for column in _COLUMNS:
            a, b = self._texts(self.first, column), self._texts(self.second, column)
            if a != b:
                yield ReportDifference("gates", f"{self.gate} {column}", a, b)

    @staticmethod
    def _texts(row: GateRow | None, column: str) -> str:
        value = None if row is None else getattr(row, column)
        return "none" if value in (None, "") else str(value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of `compare_reports`.

    Attributes
    ----------
    first, second : GateReport
    gates : tuple of ComparedGate
        Every result of a gate, in the order of the first report's running; then those that the
        second has alone.
    money : tuple of (str, str, str)
        Amounts of `net_positive` in both, ``"absent"`` where it did not run.
    differences : tuple of ReportDifference
        By section in the order header, settings, verdict, gates, money, figures.
    """

    first: GateReport
    second: GateReport
    gates: tuple[ComparedGate, ...]
    money: tuple[tuple[str, str, str], ...]
    differences: tuple[ReportDifference, ...]

    @property
    def equal(self) -> bool:
        """Whether both have one report hash: all but the time is the same."""
        return self.first.report_hash == self.second.report_hash


def compare_reports(first: GateReport, second: GateReport) -> Comparison:
    """Compare two gate reports, field by field.

    Parameters
    ----------
    first, second : GateReport
        The time of a report is not compared.

    Returns
    -------
    Comparison
        First comes what decides first: the rows, what was run, the verdict, then its parts.

    Raises
    ------
    ReportError
        A report has figures that are none.

    Examples
    --------
    >>> from quantlaxmi.report import compare_reports, load_report
    >>> found = compare_reports(load_report("a.json"), load_report("b.json"))  # doctest: +SKIP
    >>> found.equal  # doctest: +SKIP
    False
    """
    plain = (first.to_json(), second.to_json())
    found: list[ReportDifference] = []
    for section, names in _SECTIONS.items():
        for name in names:
            a, b = ({name: one[name]} if name in one else {} for one in plain)
            found += _of(section, "", a, b)
    gates = _gates(first, second)
    found += (one for gate in gates for one in gate.differences())
    money = _money(first, second)
    found += (ReportDifference("money", *one) for one in money if one[1] != one[2])
    found += _of("figures", "", *(_figures(one) for one in (first, second)))
    return Comparison(first, second, gates, money, tuple(found))


def _of(section: str, place: str, a: Any, b: Any) -> Iterator[ReportDifference]:
    for one in differences_of(place, a, b):
        yield ReportDifference(section, one.field, one.recorded, one.recomputed)


def _gates(first: GateReport, second: GateReport) -> tuple[ComparedGate, ...]:
    one, two = ({row.gate: row for row in _rows(report)} for report in (first, second))
    return tuple(ComparedGate(name, one.get(name), two.get(name)) for name in {**one, **two})


def _rows(report: GateReport) -> list[GateRow]:
    """The rows of a report; a file may say anything, so a figure may be none."""
    try:
        return gate_rows(results_of(report), str(report.policy["alpha"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problem = f"has figures that cannot be compared: {shown(str(error), 80)}"
        raise ReportError(f"report {report.report_hash}", problem, "suites") from None


def _money(first: GateReport, second: GateReport) -> tuple[tuple[str, str, str], ...]:
    one, two = (_amounts(report) for report in (first, second))
    return tuple(
        (name, one.get(name, ABSENT), two.get(name, ABSENT))
        for name in _MONEY
        if name in one or name in two
    )


def _amounts(report: GateReport) -> dict[str, str]:
    for result in results_of(report):
        if result.gate == "net_positive":
            return {name: str(result.details[name]) for name in _MONEY if name in result.details}
    return {}


def _figures(report: GateReport) -> dict[str, Any]:
    """What the suites say of each result in addition to the compared columns and amounts."""
    found: dict[str, Any] = {}
    for suite, value in report.suites.items():
        found[suite] = {name: one for name, one in value.items() if name != "results"}
        for result in value["results"]:
            hidden = _MONEY if result["gate"] == "net_positive" else ()
            own = {name: one for name, one in result.items() if name not in ("gate", "verdict")}
            own["details"] = {k: v for k, v in own["details"].items() if k not in hidden}
            # A forged file may have a name twice: none hides another.
            again = sum(name.partition(" #")[0] == result["gate"] for name in found)
            found[result["gate"] + (f" #{again + 1}" if again else "")] = own
    return found
