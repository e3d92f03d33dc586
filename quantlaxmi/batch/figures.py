"""The figures of an item's row, from its gate report."""

from __future__ import annotations

from typing import Any

from quantlaxmi.batch.records import Figures, KindCounts
from quantlaxmi.gates.edge import GUARD, TEST, TIMING_GUARD
from quantlaxmi.gates.results import GateResult, Verdict
from quantlaxmi.report.gate_report import GateReport

__all__ = ["figures_of"]

#: The tests whose p-values an item has in a family.
_OWN_TESTS = ("market_null", "equity")


def figures_of(report: GateReport) -> Figures:
    """The figures of a report; they follow from it, and a catalog's check makes them again.

    Parameters
    ----------
    report : GateReport

    Returns
    -------
    Figures
    """
    found = {r.gate: r for suite in report.results for r in suite.results}
    results = list(found.values())
    net, equity, market = (
        _details(found.get(name)) for name in ("net_positive", "equity", "market_null")
    )
    costs, selection = _details(found.get("cost_sensitivity")), _details(found.get("selection"))
    return Figures(
        verdict=report.verdict,
        g2=_verdict_of(report, "g2"),
        g3=_verdict_of(report, "g3"),
        edge=report.edge or "",
        excluded=_excluded(results),
        funnel=_first_failed(results),
        config_hash=report.header["config_hash"],
        settings=len(report.grid["settings"]) if report.grid else 1,
        drifting=_counts(market.get("drifting")),
        # Option sessions have one kind of draws, counted by itself.
        driftless=_counts(market if "count" in market else market.get("driftless")),
        p_equity=equity.get("p_value"),
        mean=str(equity.get("mean", "")),
        sd=str(equity.get("sd", "")),
        buckets=equity.get("buckets", 0) if "p_value" in equity else 0,
        trips=net.get("trips", 0),
        net=net.get("net", ""),
        gross=net.get("gross", ""),
        currency=_currency(report),
        break_even=_number(costs.get("break_even_fee_multiplier")),
        dsr=_number(selection.get("dsr")),
        pbo=_number(selection.get("pbo")),
        unseen=report.unseen_text[:2000],
        report_hash=report.report_hash,
    )


def _details(result: GateResult | None) -> dict[str, Any]:
    return {} if result is None else dict(result.details)


def _verdict_of(report: GateReport, suite: str) -> str:
    found = report.suites.get(suite)
    return "" if found is None else str(found["verdict"])


def _excluded(results: list[GateResult]) -> str:
    """The first result besides the item's own tests that keeps it from being a discovery."""
    for result in results:
        if result.gate in _OWN_TESTS:
            if result.verdict not in (Verdict.PASS, Verdict.FAIL):
                return result.gate
        elif result.role == TIMING_GUARD:
            if result.verdict is Verdict.FAIL:
                return result.gate
        elif result.role in (GUARD, TEST) and result.verdict not in (
            Verdict.PASS,
            Verdict.NOT_APPLICABLE,
        ):
            return result.gate
    named = {result.gate for result in results}
    return next((name for name in _OWN_TESTS if name not in named), "")


def _first_failed(results: list[GateResult]) -> str:
    """The first deciding result that did not pass, in the order of the gates."""
    for result in results:
        if result.role in (TEST, GUARD, TIMING_GUARD) and result.verdict not in (
            Verdict.PASS,
            Verdict.NOT_APPLICABLE,
        ):
            return result.gate
    return ""


def _counts(shown: Any) -> KindCounts | None:
    """Draws of one kind of drift, where they were counted."""
    count = shown.get("count") if isinstance(shown, dict) else None
    if not isinstance(count, dict):
        return None
    return KindCounts(
        draws=count["draws"], exceedances=count["exceedances"], stopped=count["stopped"]
    )


def _currency(report: GateReport) -> str:
    if report.conversion is not None:
        return str(report.conversion["currency"])
    traded = {str(one.get("currency", "")) for one in report.header["instruments"]}
    return ",".join(sorted(traded))[:256]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
