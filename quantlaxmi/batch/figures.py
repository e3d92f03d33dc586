"""The figures of an item's row, from its gate report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from quantlaxmi.batch.records import Figures, KindCounts
from quantlaxmi.gates.edge import GUARD, TEST, TIMING_GUARD
from quantlaxmi.gates.results import GateResult, Verdict
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.report.gate_report import GateReport

__all__ = ["OWN_TESTS", "POLICY", "excluded_by", "figures_of"]

#: The tests whose p-values an item has in a family.
OWN_TESTS: Final = ("market_null", "equity")
#: What keeps an item out whose policy leaves out a gate that decides.
POLICY: Final = "policy"


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
    net, equity, market = (
        _details(found.get(name)) for name in ("net_positive", "equity", "market_null")
    )
    costs, chosen = (
        _details(found.get(name)) for name in ("cost_sensitivity", "selection.statistics")
    )
    return Figures(
        verdict=report.verdict,
        g2=_verdict_of(report, "g2"),
        g3=_verdict_of(report, "g3"),
        edge=report.edge or "",
        excluded=excluded_by(report.results),
        funnel=_first_failed(report.results),
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
        # A policy may leave net_positive out; the sum of the equity test is the same amount.
        net=net.get("net") or equity.get("sum", ""),
        gross=net.get("gross", ""),
        currency=_currency(report),
        break_even=_number(costs.get("break_even_fee_multiplier")),
        dsr=_number(chosen.get("dsr")),
        pbo=_number(chosen.get("pbo")),
        unseen=report.unseen_text[:2000],
        report_hash=report.report_hash,
    )


def _details(result: GateResult | None) -> dict[str, Any]:
    return {} if result is None else dict(result.details)


def _verdict_of(report: GateReport, suite: str) -> str:
    found = report.suites.get(suite)
    return "" if found is None else str(found["verdict"])


def excluded_by(suites: Sequence[SuiteResult]) -> str:
    """What keeps an item from being a discovery, whatever the p-values of its own tests are.

    So an item has a p of its own only where its report would PASS by timing if both tests passed.

    Parameters
    ----------
    suites : sequence of SuiteResult

    Returns
    -------
    str
        The first result that did not pass; `POLICY` where the policy leaves out a gate that
        decides; one of the item's own tests where its suite was not asked. Empty if nothing does.
    """
    results = _asked_first(suites)
    for result in results:
        if result.gate in OWN_TESTS:
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
    if any(suite.left_out for suite in suites):
        return POLICY
    named = {result.gate for result in results}
    return next((name for name in OWN_TESTS if name not in named), "")


def _asked_first(suites: Sequence[SuiteResult]) -> list[GateResult]:
    """Results in the order of the gates; those last that were skipped, for what another found."""
    results = (result for suite in suites for result in suite.results)
    return sorted(results, key=lambda result: result.verdict is Verdict.SKIPPED)


def _first_failed(suites: Sequence[SuiteResult]) -> str:
    """The first deciding result that did not pass, in the order of the gates; then the policy."""
    for result in _asked_first(suites):
        if result.role in (TEST, GUARD, TIMING_GUARD) and result.verdict not in (
            Verdict.PASS,
            Verdict.NOT_APPLICABLE,
        ):
            return result.gate
    return POLICY if any(suite.left_out for suite in suites) else ""


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
