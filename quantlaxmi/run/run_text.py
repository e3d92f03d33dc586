"""A run in a few lines, for a terminal and a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantlaxmi.counted import counted
from quantlaxmi.notebook import names_html
from quantlaxmi.run.figure_text import amount_text, utc_text
from quantlaxmi.run.money import money_by_currency

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = ["run_html", "run_text"]


def run_text(run: ExactRun) -> str:
    """A run in a few lines: what ran on what, and its money."""
    return "\n".join(f"{name:<10} {value}" for name, value in _run_rows(run))


def run_html(run: ExactRun) -> str:
    """A run as a small table for a notebook."""
    return names_html(_run_rows(run))


def _run_rows(run: ExactRun) -> list[tuple[str, str]]:
    first, last = (utc_text(ts) for ts in (run.segment.first_ts_ns, run.segment.last_ts_ns))
    rows = [
        ("Run", f"{run.strategy.strategy_id} on {run.segment.segment_id}"),
        ("time", f"{first} to {last}, {counted(run.n_messages, 'message[s]')}"),
        ("decisions", f"{run.n_decisions:,}, {counted(run.n_fills, 'fill[s]')}"),
    ]
    money = list(money_by_currency(run).items())
    for currency, one in money[:4]:
        parts = ", ".join(
            f"{name} {amount_text(getattr(one, name))}"
            for name in ("gross", "slippage", "fees", "funding", "interest", "rounding")
            if name != "rounding" or one.rounding
        )
        rows += [("net", f"{amount_text(one.net)} {currency}"), ("", parts)]
    if len(money) > 4:
        rows.append(("", f"and {len(money) - 4} more currencies: run.money"))
    rows.append(("more", ".stats(capital=…)  .trades()  .equity()  .summary()  .exact"))
    return rows
