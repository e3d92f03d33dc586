"""Every picture, of runs and of reports: functions that take and return matplotlib axes.

Examples
--------
>>> from quantlaxmi import backtest
>>> from quantlaxmi.report import plots
>>> ax = plots.equity(backtest("data/planted", "basis_capture"))
>>> ax.get_ylabel()
'net PnL, USDT'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import ReportError
from quantlaxmi.report.figures import (
    delay_curve,
    null_distribution,
    null_gates,
    p_values,
    regime_bars,
    walk_forward_folds,
)
from quantlaxmi.report.found import currency_of
from quantlaxmi.report.layout import money_terms, plot_report
from quantlaxmi.report.maps import cost_surface
from quantlaxmi.report.setting_map import setting_map
from quantlaxmi.run.chain_pictures import iv_smile, iv_term_structure, rule_bars
from quantlaxmi.run.payoff import plot_payoff
from quantlaxmi.run.plots import basis, drawdown, equity, plot_run, positions, price
from quantlaxmi.run.waterfall import waterfall as drawn_waterfall

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "basis",
    "cost_surface",
    "delay_curve",
    "drawdown",
    "equity",
    "iv_smile",
    "iv_term_structure",
    "null_distribution",
    "null_gates",
    "p_values",
    "plot_payoff",
    "plot_report",
    "plot_run",
    "positions",
    "price",
    "regime_bars",
    "rule_bars",
    "setting_map",
    "walk_forward_folds",
    "waterfall",
]


def waterfall(found: Any, currency: str = "", ax: Axes | None = None) -> Axes:
    """Draw how gross becomes net, of a report, of a run, or of signed amounts.

    Parameters
    ----------
    found : GateReport, Run, or mapping of str to float
        Amounts in order: what costs is negative.
    currency : str
        By default that of the report or the run.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ReportError
        The report has no money.
    InputError
        The run has several currencies.
    """
    if isinstance(found, Mapping):
        return drawn_waterfall(found, currency, ax)
    if hasattr(found, "results"):
        terms, own = money_terms(found), currency_of(found)
        if not terms:
            raise ReportError("report", "has no money; expected a result of net_positive", "suites")
        return drawn_waterfall(terms, currency or own, ax)
    costs = {"slippage": found.slippage, "fees": found.fees}
    terms = {"gross": float(found.gross)} | {k: -float(v) + 0.0 for k, v in costs.items()}
    terms |= {"funding": float(found.funding), "borrow": -float(found.interest) + 0.0}
    if found.rounding:
        terms["rounding"] = -float(found.rounding)
    return drawn_waterfall(terms, currency or found.currency, ax)
