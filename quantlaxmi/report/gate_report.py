"""GateReport: a verdict, what it rests on, and two hashes.

``report_hash`` covers every field but ``timestamp`` and the hashes, so two people who compute the
same get the same. ``file_hash`` covers the file, and a file must be its own canonical encoding, so
any changed byte is refused. The figures in a report are derived from its counts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.canonical import canonical_digest, indented_json
from quantlaxmi.errors import ReportError, shown
from quantlaxmi.files import FileKind, read_regular, write_output
from quantlaxmi.gates.reasons import unseen_text
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.report.gate_rows import gate_rows, rows_table
from quantlaxmi.report.pages import Pages
from quantlaxmi.report.read_results import read_suite
from quantlaxmi.report.verdict_words import holdout_words, selection_words

if TYPE_CHECKING:
    from quantlaxmi.run.result_table import ResultTable

__all__ = ["MAX_REPORT_BYTES", "GateReport", "load_report", "report_from_plain"]

FORMAT = "quantlaxmi-gate-report"
KIND = FileKind("a gate report", FORMAT.encode())
VERSION = 2
MAX_REPORT_BYTES = 1 << 26
#: Deepest nesting of a report that is read: far above any that is written, and far below what
#: exhausts the interpreter's stack while the report is hashed.
MAX_DEPTH = 64

#: Fields that a file has only where there is something to say.
_OPTIONAL = ("latency", "conversion", "grid", "grid_hash", "trials", "holdout", "window")
#: Fields outside ``report_hash``.
_UNHASHED = ("timestamp", "report_hash", "file_hash")
#: Fields of the file that follow from others: what a report says of itself is checked.
_DERIVED = ("g2_passed", "g3_passed", "edge")
#: The verdict of a report whose seed was chosen.
DIAGNOSIS = "DIAGNOSIS"


def _text(value: object) -> bytes:
    return indented_json(value) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport(Pages):
    """What the gates found on one run, and everything needed to find it again.

    Attributes
    ----------
    run_id : str
        UUID derived from the trace header.
    strategy_id, segment_id : str
    timestamp : str
        UTC, the only place of the wall clock.
    verdict : str
        ``"PASS"``, ``"FAIL"`` or ``"INCONCLUSIVE"``, over the suites that ran. ``"DIAGNOSIS"``
        where somebody chose the seed: a seed can be chosen until it passes, so that is no verdict.
    suites : dict
        By name of every suite that ran: its gates, verdict, reasons, and all results with their
        counts and figures, as `SuiteResult.to_json` gives them.
    header : dict
        The trace header: versions, segment digest, hashes, seed, instruments.
    trace_hash, outcome_hash : str
        Of the run that was judged.
    policy : dict
        Every threshold with its effective value.
    policy_hash : str
    policy_differences : tuple of str
        How the policy differs from the default one, a text for each threshold; empty if it does
        not.
    seed : int
        Of the draws; that of a verdict is a hash of segment, settings searched and policy.
    config : dict of str to str
        Settings of the strategy as ``--set`` reads them.
    costs : dict
        The complete cost model's description.
    risk : dict
        The risk limits that were on.
    latency_ns : int
        Of a table the largest value.
    latency : dict or None
        The latency model's description where it is more than ``latency_ns``; else the file does not
        have it.
    conversion : dict or None
        How money of several currencies became one: the result's currency, every rate with its time,
        its lowest and highest within the data, and the SHA-256 of its file. Where nothing was
        converted the file does not have it.
    grid, grid_hash : dict and str, or None
        Every setting of the grid that was given, the run's among them, those that fail their own
        check, and the hash of the settings; the file has them where a grid was given.
    trials : dict or None
        The keys of the trials that bear on the data, sorted, their hash, how many settings among
        them were not searched, and the settings of this strategy and code; the file has it where
        there is a trial ledger.
    holdout : dict or None
        Seals whose rows the run read after they were opened, and whether this report is that
        opening; the file has it where there is one.
    window : dict or None
        Numbers of the first message that was read, and of the first and the last that could be
        traded on, where the run was over a window of the segment; of a holdout that is judged
        `holdout` says it.
    report_hash : str
        SHA-256, hexadecimal.
    results : tuple of SuiteResult
        What `suites` says, as objects; the file does not have it twice.
    """

    run_id: str
    strategy_id: str
    segment_id: str
    timestamp: str
    verdict: str
    suites: dict[str, Any]
    header: dict[str, Any]
    trace_hash: str
    outcome_hash: str
    policy: dict[str, Any]
    policy_hash: str
    seed: int
    config: dict[str, str]
    costs: dict[str, Any]
    risk: dict[str, Any]
    latency_ns: int
    latency: dict[str, Any] | None = None
    policy_differences: tuple[str, ...] = ()
    conversion: dict[str, Any] | None = None
    grid: dict[str, Any] | None = None
    grid_hash: str | None = None
    trials: dict[str, Any] | None = None
    holdout: dict[str, Any] | None = None
    window: dict[str, int] | None = None
    report_hash: str = ""
    results: tuple[SuiteResult, ...] = field(default=(), compare=False, repr=False)

    def __repr__(self) -> str:
        who = f"{self.strategy_id} on {self.segment_id}"
        return f"<GateReport {who}: {self.verdict_text}; report_hash {self.report_hash[:16]}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><b>{escape(self.verdict_text)}</b></p>{self.table()._repr_html_()}"

    def table(self) -> ResultTable:
        """Return one row a result of a gate: gate, role, verdict, p, n, limit, advice.

        The terminal's table is made of the same rows. ``p`` is a double, null with ``n`` where the
        gate has no p-value; ``limit`` is exact text.
        """
        found = [result for suite in self.results for result in suite.results]
        return rows_table(gate_rows(found, self.policy["alpha"]))

    @property
    def g2_passed(self) -> bool | None:
        """Whether the anti-overfit suite passed; None where it did not run."""
        return self._passed("g2")

    @property
    def g2_details(self) -> dict[str, Any]:
        """What the anti-overfit suite found; empty where it did not run."""
        return dict(self.suites.get("g2", {}))

    @property
    def g3_passed(self) -> bool | None:
        """Whether the robustness suite passed; None where it did not run."""
        return self._passed("g3")

    @property
    def g3_details(self) -> dict[str, Any]:
        """What the robustness suite found; empty where it did not run."""
        return dict(self.suites.get("g3", {}))

    @property
    def edge(self) -> str | None:
        """What a PASS of the anti-overfit suite rests on: ``"timing"`` or ``"premium"``."""
        found: str | None = None if self.is_diagnosis else self.suites.get("g2", {}).get("edge")
        return found

    @property
    def is_diagnosis(self) -> bool:
        """Whether somebody chose the seed, so that there is no verdict."""
        return self.verdict == DIAGNOSIS

    @property
    def verdict_text(self) -> str:
        """The verdict in one sentence: what it is, and what it rests on."""
        if self.is_diagnosis:
            return "diagnosis, no verdict: the seed was chosen (--seed)"
        words = [self.verdict if self.edge is None else f"{self.verdict} ({self.edge})"]
        if self.edge == "premium":
            words.append("earned by anyone who holds this, on this segment")
        if self._skipped:
            words.append(f"a guard failed, so {', '.join(self._skipped)} were skipped")
        words += holdout_words(self.holdout)
        found = (*self.g2_details.get("results", ()), *self.g3_details.get("results", ()))
        words.append(selection_words(found, self.trials, self.edge))
        words.append(f"policy: {self.policy_text}")
        return "; ".join(words)

    @property
    def unseen_text(self) -> str:
        """The loss that would erase a PASS and may be missing from the segment; else nothing."""
        if self.edge is None:
            return ""
        for result in self.g2_details.get("results", ()):
            details = result.get("details", {})
            if result.get("gate") == "equity" and {"unseen_loss", "unseen_buckets"} <= set(details):
                return unseen_text(details)
        return ""

    @property
    def _skipped(self) -> tuple[str, ...]:
        """Gates that were not asked because a guard had failed."""
        found = (r for suite in self.suites.values() for r in suite.get("results", ()))
        return tuple(
            dict.fromkeys(r["gate"].partition(".")[0] for r in found if r["verdict"] == "SKIPPED")
        )

    def _passed(self, suite: str) -> bool | None:
        found = None if self.is_diagnosis else self.suites.get(suite)
        return None if found is None else found["verdict"] == "PASS" and not found.get("left_out")

    @property
    def policy_text(self) -> str:
        """``"default"``, or every difference from the default policy."""
        return "; ".join(self.policy_differences) or "default"

    def compute_hash(self) -> str:
        """SHA-256 over every field but the timestamp and the hashes."""
        found = {k: v for k, v in self.to_json().items() if k not in _UNHASHED}
        return canonical_digest("quantlaxmi.gate-report.v2", found).hex()

    def sealed(self) -> GateReport:
        """The same report with its `report_hash`."""
        return replace(self, report_hash=self.compute_hash())

    def to_json(self) -> dict[str, Any]:
        """Every field of the file but ``file_hash``."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "results"}
        for name in _OPTIONAL:
            if own[name] is None:
                del own[name]
        own["policy_differences"] = list(self.policy_differences)
        own |= {name: getattr(self, name) for name in _DERIVED}
        return {"format": FORMAT, "version": VERSION, **own}

    def to_bytes(self) -> bytes:
        """The canonical text of the report's file, with its ``file_hash``."""
        plain = self.to_json()
        return _text({**plain, "file_hash": _file_hash(plain)})

    @property
    def file_hash(self) -> str:
        """SHA-256 over the file without this hash."""
        return _file_hash(self.to_json())

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        ReportError
            When it cannot be written, or something else is there.
        """
        write_output(Path(path), (self.to_bytes(),), KIND, ReportError)


def _file_hash(plain: dict[str, Any]) -> str:
    return hashlib.sha256(b"quantlaxmi.gate-report-file.v2\0" + _text(plain)).hexdigest()


def now() -> str:
    """The wall clock, for `GateReport.timestamp` alone."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_TYPES: dict[str, type | tuple[type, ...]] = {
    "seed": int,
    "latency_ns": int,
    "latency": dict,
    "conversion": dict,
    "grid": dict,
    "trials": dict,
    "holdout": dict,
    "window": dict,
    "suites": dict,
    "header": dict,
    "policy": dict,
    "policy_differences": list,
    "config": dict,
    "costs": dict,
    "risk": dict,
}


def load_report(path: str | Path) -> GateReport:
    """Read a report and refuse one whose bytes are not those that were written.

    Parameters
    ----------
    path : str or Path
        At most 64 MiB.

    Returns
    -------
    GateReport

    Raises
    ------
    ReportError
        When the file cannot be read, is not a report, is not canonical, or a hash does not match.
    """
    path = Path(path)
    raw = read_regular(path, MAX_REPORT_BYTES, ReportError, "a gate report")
    try:
        plain = json.loads(raw)
        if _too_deep(plain):
            raise ReportError(path, f"is nested deeper than {MAX_DEPTH} levels")
        canonical = _text(plain)
    except (ValueError, RecursionError) as error:
        said = str(error).splitlines()[0][:120]
        raise ReportError(path, f"is not a gate report: {said}") from None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ReportError(path, f"is not a gate report: no format {FORMAT!r}")
    if type(version := plain.get("version")) is not int or version != VERSION:  # true equals 1 too
        raise ReportError(
            path,
            f"is a report of version {shown(version)}; expected {VERSION}: run the gates again",
            "version",
        )
    if canonical != raw:
        raise ReportError(path, "is not its own canonical encoding: it was changed")
    recorded = plain.pop("file_hash", None)
    if recorded != (found := _file_hash(plain)):
        raise ReportError(path, f"was {shown(recorded)}, the content gives {found}", "file_hash")
    del plain["format"], plain["version"]
    return report_from_plain(path, plain)


def report_from_plain(path: Path, plain: dict[str, Any]) -> GateReport:
    """The report of a file's fields but its format, version and ``file_hash``; or `ReportError`."""
    report = _from_plain(path, plain)
    if report.report_hash != (found := report.compute_hash()):
        raise ReportError(
            path, f"was {shown(report.report_hash)}, the content gives {found}", "report_hash"
        )
    return report


def _from_plain(path: Path, plain: dict[str, Any]) -> GateReport:
    names = [*(f.name for f in fields(GateReport) if f.name != "results"), *_DERIVED]
    for name in plain:
        if name not in names:
            raise ReportError(path, "unknown field", name)
    for name in names:
        if name in _OPTIONAL and name not in plain:
            continue
        if name not in plain:
            raise ReportError(path, "is missing", name)
        if name in _DERIVED:
            continue
        kind, value = _TYPES.get(name, str), plain[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ReportError(path, f"was {shown(value, 40)}, of a wrong type", name)
    said = plain["policy_differences"]
    if not all(isinstance(text, str) for text in said):
        raise ReportError(path, f"was {shown(said, 40)}, expected texts", "policy_differences")
    results = tuple(read_suite(path, name, value) for name, value in plain["suites"].items())
    own = {name: value for name, value in plain.items() if name not in _DERIVED}
    report = GateReport(**{**own, "policy_differences": tuple(said)}, results=results)
    for name in _DERIVED:
        found = getattr(report, name)
        if type(plain[name]) is not type(found) or plain[name] != found:
            raise ReportError(
                path, f"was {shown(plain[name], 40)}, the suites give {json.dumps(found)}", name
            )
    return report


def _too_deep(plain: object) -> bool:
    layer = [plain]
    for _ in range(MAX_DEPTH + 1):
        nested = [value for value in layer if isinstance(value, (dict, list))]
        if not nested:
            return False
        layer = []
        for value in nested:
            layer += value.values() if isinstance(value, dict) else value
    return True
