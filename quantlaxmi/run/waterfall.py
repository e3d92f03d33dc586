"""How gross becomes net, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from quantlaxmi.run.drawing import BLUE, GREEN, HATCHES, INK, RED, axes_of, is_narrow
from quantlaxmi.run.figure_text import brief_text
from quantlaxmi.run.picture import WIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["waterfall"]


def waterfall(terms: Mapping[str, float], currency: str = "", ax: Axes | None = None) -> Axes:
    """Draw how gross becomes net: a bar a term, each where the one before ends.

    Parameters
    ----------
    terms : mapping of str to float
        Signed amounts in order: what costs is negative.
    currency : str
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    with axes_of(ax, WIDE, 300) as ax:
        level, drawn = 0.0, [*terms.items(), ("net", sum(terms.values()))]
        largest = max(abs(amount) for _, amount in drawn)
        for k, (name, amount) in enumerate(drawn):
            start = 0.0 if name == "net" else level
            colour = RED if amount < 0 else (BLUE if name == "net" else GREEN)
            ax.bar(
                k,
                amount,
                0.7,
                bottom=start,
                color="none" if HATCHES[colour] else colour,
                edgecolor=colour,
                hatch=HATCHES[colour],
            )
            ax.annotate(
                _said(amount, largest),
                (k, max(start, start + amount)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=11,
            )
            level += amount
        ax.axhline(0, color=INK, linewidth=1)
        short = {"slippage": "slip.", "funding": "fund.", "borrow": "int.", "rounding": "rnd."}
        names = short if is_narrow(ax) else {"borrow": "interest"}
        ax.set_xticks(range(len(drawn)), [names.get(name, name) for name, _ in drawn])
        ax.set_ylabel(currency)
        low, high = ax.dataLim.intervaly
        room = 0.1 * (high - min(low, 0.0) or 1.0)
        ax.set_ylim(low - room if low < 0 else 0.0, high + room)
        return ax


def _said(amount: float, largest: float) -> str:
    """An amount over its bar; what nobody could see next to the largest is about nothing."""
    if abs(amount) < largest / 1000:
        return "≈ 0" if amount else "0"
    if 1000 <= abs(amount) < 1e5:
        return f"{amount:,.0f}".replace("-", "−")
    return f"{amount:.4g}".replace("-", "−") if abs(amount) < 1000 else brief_text(amount)
