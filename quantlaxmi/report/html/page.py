"""The page of a report: what its template is filled with, and its file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import ReportError
from quantlaxmi.files import FileKind, write_output
from quantlaxmi.gates.results import GateResult, Verdict
from quantlaxmi.report.found import Judged, currency_of, results_of
from quantlaxmi.report.html.questions import asked, next_step
from quantlaxmi.report.html.svg import svg_of
from quantlaxmi.report.html.terms import JudgedTerms, terms_of
from quantlaxmi.report.layout import money_terms, pictures_of
from quantlaxmi.run.picture import DrawnRun
from quantlaxmi.strategies.positions import RecordedPositions
from quantlaxmi.strategies.recorded_fills import RecordedFills
from quantlaxmi.strategies.registry import BUNDLED
from quantlaxmi.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup

    from quantlaxmi.trace import DecisionTrace

__all__ = ["KIND", "MAX_PAGE_BYTES", "filled", "page_of", "save_page"]


class JudgedPage(Judged, JudgedTerms, Protocol):
    """What a page needs of a report; `quantlaxmi.GateReport` has it."""

    @property
    def run_id(self) -> str: ...
    @property
    def strategy_id(self) -> str: ...
    @property
    def segment_id(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def verdict_text(self) -> str: ...
    @property
    def unseen_text(self) -> str: ...
    @property
    def policy_text(self) -> str: ...
    @property
    def is_diagnosis(self) -> bool: ...
    @property
    def g3_passed(self) -> bool | None: ...
    @property
    def grid_hash(self) -> str | None: ...
    @property
    def trials(self) -> dict[str, Any] | None: ...
    @property
    def trace_hash(self) -> str: ...
    @property
    def outcome_hash(self) -> str: ...
    @property
    def policy_hash(self) -> str: ...
    @property
    def report_hash(self) -> str: ...
    @property
    def seed(self) -> int: ...


class TracedRun(DrawnRun, Protocol):
    """What a page needs of a run; `quantlaxmi.Run` has it."""

    @property
    def trace(self) -> DecisionTrace:
        """The decision trace, hashed."""


#: Stands in the head of every page, so that one replaces another and nothing else.
MARK: Final = "quantlaxmi gate report page"
KIND: Final = FileKind("a page of a gate report", MARK.encode())
MAX_PAGE_BYTES: Final = 1 << 20
_FOLDER = Path(__file__).parent
#: Verdict -> the mark that says it without its colour.
_SIGNS = {"PASS": "✔", "FAIL": "✘", "WARN": "!"}
#: Hashes of the trace header that a page names.
_HASHES = ("segment_digest", "config_hash", "cost_hash", "risk_hash", "latency_hash")


def filled(template: str, **values: Any) -> str:
    """A template of this folder, every value escaped unless it is markup made here.

    Parameters
    ----------
    template : str
        Name of the file.
    **values

    Raises
    ------
    ReportError
        The page would be over 1 MiB.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["apart"] = _apart
    environment.filters["whole"] = _whole
    style = Markup((_FOLDER / "style.css").read_text(encoding="utf-8"))
    text = environment.get_template(template).render(
        style=style, mark=MARK, version=__version__, sign=_sign, **values
    )
    size = len(text.encode()) + 1
    if size > MAX_PAGE_BYTES:
        problem = f"would make a page of {counted(size, 'byte[s]')}, at most {MAX_PAGE_BYTES}"
        raise ReportError("report", problem, "suites")
    return text + "\n"


def _apart(name: str) -> Markup:
    """A name that may be broken where its parts meet, and nowhere else."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([._])(?=.)", r"\1<wbr>", str(escape(name))))


def _whole(text: str) -> Markup:
    """A sentence in which no option of a command is broken: a line may end behind any hyphen."""
    from markupsafe import Markup, escape

    option = r"(?<![^ (])(--[a-z][a-z-]{0,40})"
    return Markup(re.sub(option, r'<span class="option">\1</span>', str(escape(text))))


def _sign(verdict: str) -> str:
    return _SIGNS.get(verdict, "–")


def page_of(report: JudgedPage, run: TracedRun | None = None) -> str:
    """The page of a report.

    Parameters
    ----------
    report : GateReport
    run : Run, optional
        The run that was judged: its prices, equity and positions are drawn too.

    Returns
    -------
    str
        HTML without a script. It does not have the report's time, so one report hash and one
        version of the library give the same text.

    Raises
    ------
    ReportError
        The run is not the one of the report, a figure of the report cannot be drawn, or the page
        would be over 1 MiB.
    """
    from markupsafe import Markup

    if run is not None and run.trace.trace_hash.hex() != report.trace_hash:
        problem = f"was {report.trace_hash}, the run given has {run.trace.trace_hash.hex()}"
        raise ReportError("report", problem, "trace_hash")
    drawn = [
        {
            "name": picture.name,
            "title": picture.title,
            "words": picture.words,
            "svg": Markup(svg_of(picture, narrow=False) + svg_of(picture, narrow=True)),
        }
        for picture in pictures_of(report, run)
    ]
    terms = money_terms(report)
    return filled(
        "report.html.j2",
        report=report,
        instruments=_instruments(report, run),
        currency=currency_of(report),
        terms=_amounts(report),
        has_money=bool(terms),
        pictures=drawn,
        gates=[_gate(one) for one in results_of(report)],
        to_do=list(_to_do(report)),
        how=terms_of(report),
        bound=_bound(report),
        command=_command(report),
        folder="--session-dir" if _is_session(report) else "--segment-dir",
        with_run=run is not None,
    )


def _instruments(report: JudgedPage, run: TracedRun | None) -> str:
    """Symbols of the segment; of many instruments those that were traded, where it is known."""
    listed = report.header.get("instruments")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = [str(one.get("symbol")) for one in found]
    if len(names) > 6 and run is not None and run.n_fills:
        traded = [names[i] for i in np.unique(run.exact.fills["instrument"]).tolist()]
        more = f" and {len(traded) - 6:,} more" if len(traded) > 6 else ""
        return (
            f"traded: {', '.join(traded[:6])}{more}; {counted(len(names), 'instrument[s]')} in all"
        )
    return ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")


_NAMES = {
    "net": "net",
    "gross": "gross, mid to mid",
    "slippage": "slippage",
    "fees": "fees",
    "funding": "funding received",
    "borrow": "interest paid",
    "rounding": "rounding of contract notes",
    "trips": "round trips",
    "fills": "fills",
}


def _amounts(report: JudgedPage) -> list[tuple[str, str]]:
    """The money as the report has it: exact text, the net first."""
    for one in results_of(report):
        if one.gate == "net_positive":
            found = one.details
            return [
                (name, _grouped(str(found[key]))) for key, name in _NAMES.items() if key in found
            ]
    return []


def _grouped(text: str) -> str:
    """A number with its thousands set apart, every digit kept; other text as it stands."""
    parts = re.fullmatch(r"(-?)([0-9]{1,40})((?:\.[0-9]+)?)", text)
    return text if parts is None else f"{parts[1]}{int(parts[2]):,}{parts[3]}"


def _gate(result: GateResult) -> dict[str, Any]:
    counts = result.monte_carlo
    return {
        "name": result.gate,
        "role": result.role,
        "verdict": result.verdict.value,
        "asked": asked(result.gate),
        "answer": " ".join(result.reasons),
        "next": next_step(result),
        "p": None if counts is None else f"{float(counts.p_value):.4g}",
        "draws": None if counts is None else f"{counts.draws:,}",
    }


def _to_do(report: JudgedPage) -> Iterator[str]:
    """What to do next: first what the verdict asks for, then what it leaves open."""
    if report.is_diagnosis:
        yield "Run the gates again without --seed: only then is there a verdict."
    if report.verdict == "PASS":
        yield "Test the same setting on data that were not used for this; then trade it small."
    else:
        stopped = [
            one
            for one in results_of(report)
            if one.role not in ("diagnosis", "premium")
            and one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
        ]
        stopped.sort(key=lambda one: one.verdict is not Verdict.FAIL)
        for one in stopped[:3]:
            yield f"{one.gate} ({one.verdict.value}): {_advice(one)}"
        if not stopped and report.verdict == "INCONCLUSIVE":
            yield "The policy leaves out gates that decide: run again with the default one."
        if len(stopped) > 3:
            yield f"{counted(len(stopped) - 3, 'more gate[s]')} did not pass; see below."
    if "selection not tested" in report.verdict_text:
        yield "Were other settings tried? Say so by --grid or --trials; G3 then judges the choice."
    if report.g3_passed is None and not report.is_diagnosis:
        yield "Run the robustness gates too: --gates g2,g3."


def _advice(result: GateResult) -> str:
    """What to do about a result, away from its reason: what lacks is said in its last sentence."""
    if result.verdict is Verdict.INCONCLUSIVE and result.reasons:
        said, _, last = result.reasons[-1].rpartition(". ")
        if said and not last.startswith("Mend that"):
            return last
    return next_step(result)


def _bound(report: JudgedPage) -> list[tuple[str, str]]:
    """What the verdict is bound to: every hash, by name."""
    header = report.header
    rows = [("segment", report.segment_id), ("run", report.run_id)]
    rows += [(name.replace("_", " "), str(header[name])) for name in _HASHES if name in header]
    if report.grid_hash is not None:
        rows.append(("grid hash", report.grid_hash))
    if report.trials is not None and "hash" in report.trials:
        rows.append(("trials hash", str(report.trials["hash"])))
    return [
        *rows,
        ("trace hash", report.trace_hash),
        ("outcome hash", report.outcome_hash),
        ("policy hash", report.policy_hash),
        ("seed of the draws", str(report.seed)),
        ("report hash", report.report_hash),
    ]


def _is_session(report: JudgedPage) -> bool:
    """Whether the segment is a session of options, whose command is another."""
    listed = report.header.get("instruments")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return any(one.get("kind") in ("call", "put") for one in found)


def _command(report: JudgedPage) -> str:
    """What computes a report again; recorded positions are in no file that a command could read."""
    if report.strategy_id in (RecordedPositions.strategy_id, RecordedFills.strategy_id):
        return 'quantlaxmi.verify_report("REPORT.json", "DIR", strategy=recorded)  # in Python'
    rates = (report.conversion or {}).get("rates")
    n_rates = len(rates) if isinstance(rates, list) else 0
    program, folder = (
        ("quantlaxmi-india", "--session-dir")
        if _is_session(report)
        else ("quantlaxmi-crypto", "--segment-dir")
    )
    words = [program, "verify-report", "--report", "REPORT.json", folder, "DIR"]
    # Asked of the version, not of what is installed here: the page is the same everywhere.
    words += [] if report.strategy_id in BUNDLED else ["--strategy", "FILE.py:CLASS"]
    return shlex.join(words) + " --convert FILE" * min(n_rates, 8)


def save_page(text: str, path: str | Path, error: type[ReportError] = ReportError) -> None:
    """Write a page, whole or not at all.

    Parameters
    ----------
    text : str
    path : str or Path
    error : type of ReportError

    Raises
    ------
    ReportError
        When it cannot be written, or something else is there.
    """
    write_output(Path(path), (text.encode(),), KIND, error)
