"""The results of a suite, read back from a report as the objects that gates give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quantlaxmi.counted import counted
from quantlaxmi.errors import ReportError, shown
from quantlaxmi.gates.results import GateResult, MonteCarlo, Verdict
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import gates_of
from quantlaxmi.stats.histogram import BINS, Histogram

__all__ = ["read_suite"]

_RESULT = {
    "gate": str,
    "role": str,
    "verdict": str,
    "reasons": list,
    "monte_carlo": (dict, type(None)),
    "details": dict,
    "labels": dict,
}
_COUNTS = {
    "exceedances": int,
    "draws": int,
    "stopped": bool,
    "extended": bool,
    "systematic": bool,
}


class _Reader:
    """Reads typed values of one report; faults are told by their place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def field(self, place: str, value: Any, name: str, kind: Any) -> Any:
        """The value of a field, of a type."""
        if name not in value:
            raise ReportError(self.path, "is missing", f"{place}.{name}")
        found = value[name]
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise ReportError(
                self.path, f"was {shown(found, 40)}, of a wrong type", f"{place}.{name}"
            )
        return found

    def monte_carlo(self, place: str, value: Any) -> MonteCarlo:
        """The counts of a test."""
        counts = {name: self.field(place, value, name, kind) for name, kind in _COUNTS.items()}
        least = int(counts["stopped"])  # drawing stops at an exceedance
        if not least <= counts["exceedances"] <= counts["draws"] or not counts["draws"]:
            raise ReportError(
                self.path,
                f"was {counts['exceedances']} of {counted(counts['draws'], 'draw[s]')}",
                f"{place}.exceedances",
            )
        return MonteCarlo(**counts, histogram=self.histogram(f"{place}.histogram", value))

    def histogram(self, place: str, value: Any) -> Histogram | None:
        """The null distribution of a test, where it has one."""
        found = self.field(place.removesuffix(".histogram"), value, "histogram", (dict, type(None)))
        if found is None:
            return None
        counts = self.field(place, found, "counts", list)
        own_bin = self.field(place, found, "own_bin", int)
        if len(counts) != BINS or not all(type(n) is int and n >= 0 for n in counts):
            problem = f"was {shown(counts, 40)}, expected {BINS} counts"
            raise ReportError(self.path, problem, f"{place}.counts")
        if not 0 <= own_bin < BINS:
            raise ReportError(self.path, f"was {own_bin}, expected a bin", f"{place}.own_bin")
        return Histogram(tuple(counts), own_bin, self.field(place, found, "statistic", str))

    def result(self, place: str, value: Any, kinds: dict[str, type[GateResult]]) -> GateResult:
        """One result of a gate; of the class that the gate declares."""
        if not isinstance(value, dict):
            raise ReportError(self.path, f"was {shown(value, 40)}, expected a result", place)
        made = {name: self.field(place, value, name, kind) for name, kind in _RESULT.items()}
        try:
            made["verdict"] = Verdict(made["verdict"])
        except ValueError:
            expected = ", ".join(Verdict)
            problem = f"was {shown(made['verdict'], 40)}, expected of {expected}"
            raise ReportError(self.path, problem, f"{place}.verdict") from None
        made["reasons"] = tuple(str(reason) for reason in made["reasons"])
        if made["monte_carlo"] is not None:
            made["monte_carlo"] = self.monte_carlo(f"{place}.monte_carlo", made["monte_carlo"])
        name = made["gate"]
        added = kinds.get(f"{name.partition('.')[0]}.", GateResult)
        return kinds.get(name, added)(**made)


def read_suite(path: Path, suite: str, value: Any) -> SuiteResult:
    """What a suite found, from a report's JSON.

    Parameters
    ----------
    path : Path
        The report's, for errors.
    suite : str
    value : object
        As `SuiteResult.to_json` gave it.

    Raises
    ------
    ReportError
        When a result does not have the fields of one, with the place.
    """
    place, reader = f"suites.{suite}", _Reader(path)
    if not isinstance(value, dict):
        raise ReportError(path, f"was {shown(value, 40)}, expected a suite's results", place)
    reader.field(place, value, "verdict", str)
    kinds: dict[str, type[GateResult]] = {}
    for gate in gates_of(suite):
        kinds[f"{gate.name}."] = gate.added
        kinds |= {spec.name: spec.kind for spec in gate.results}
    results = reader.field(place, value, "results", list)
    left_out = reader.field(place, value, "left_out", list) if "left_out" in value else []
    if not all(isinstance(name, str) for name in left_out):
        raise ReportError(path, f"was {shown(left_out, 40)}, expected names", f"{place}.left_out")
    return SuiteResult(
        suite,
        tuple(reader.result(f"{place}.results[{k}]", one, kinds) for k, one in enumerate(results)),
        tuple(left_out),
    )
