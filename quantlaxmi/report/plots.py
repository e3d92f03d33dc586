"""Every picture, of runs and of reports: functions that take and return matplotlib axes.

Examples
--------
>>> from quantlaxmi import backtest
>>> from quantlaxmi.report import plots
>>> ax = plots.equity(backtest("data/planted", "basis_capture"))
>>> ax.get_ylabel()
'net PnL, USDT'
"""

from quantlaxmi.report.figures import (
    delay_curve,
    null_distribution,
    null_gates,
    p_values,
    regime_bars,
    walk_forward_folds,
)
from quantlaxmi.report.layout import plot_report
from quantlaxmi.report.maps import cost_surface
from quantlaxmi.report.setting_map import setting_map
from quantlaxmi.run.chain_pictures import iv_smile, iv_term_structure, rule_bars
from quantlaxmi.run.payoff import plot_payoff
from quantlaxmi.run.plots import basis, drawdown, equity, plot_run, positions, price
from quantlaxmi.run.waterfall import waterfall

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
