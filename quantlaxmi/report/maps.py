"""A picture of money over two costs, and cells of numbers for other pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import ReportError
from quantlaxmi.report.found import Judged, currency_of, drawn_from, number, result_of, rows
from quantlaxmi.run.drawing import BLUE, INK, RED, axes_of, is_narrow, on_data
from quantlaxmi.run.figure_text import brief_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["cells", "cost_surface", "frame", "headed"]

#: Opacity of the cell of the largest amount: text on it stays legible in both themes.
_DARKEST = 0.34


def cost_surface(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw net PnL over fees and extra costs, with the line on which nothing is left.

    Parameters
    ----------
    report : GateReport
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ReportError
        The gate did not run or has no surface.
    """
    result = result_of(report, "cost_sensitivity")
    if "surface" not in result.details:
        raise ReportError("report", "has no cost surface", "cost_sensitivity")
    with drawn_from("cost_sensitivity"):
        found: Any = result.details["surface"]
        x = [number(one) for one in rows(found["extra_bps"])]
        y = [number(one) for one in rows(found["fee_multipliers"])]
        net = [[number(cell) for cell in rows(row)] for row in rows(found["net"])]
        if (
            len(net) != len(y)
            or not all(len(row) == len(x) for row in net)
            or len(x) * len(y) > 400
        ):
            raise ValueError("the surface's sides differ")
        settings = report.policy["cost_sensitivity"]
        judged = (number(settings["extra_bps"]), number(settings["fee_multiplier"]))
    with axes_of(ax, 720, 420) as ax:
        cells(ax, net)
        _border(ax, net)
        frame(ax, (_place(x, 0), _place(y, 1)), "solid", "this run")
        if judged[0] <= max(x) and judged[1] <= max(y):
            at = _place(x, judged[0]), _place(y, judged[1])
            frame(ax, at, (0, (3, 2)), "judged here")
        ax.set_xticks(range(len(x)), [f"{v:g}" for v in x])
        ax.set_yticks(range(len(y)), [f"× {v:g}" for v in y])
        ax.set_xlabel("basis points more on every fill")
        currency = currency_of(report)
        ax.set_ylabel("fees")
        on_data(ax)
        return ax if not currency else headed(ax, f"net PnL, {currency}")


def headed(ax: Axes, text: str) -> Axes:
    ax.annotate(
        text,
        (1.0, 1.0),
        xycoords="axes fraction",
        ha="right",
        va="bottom",
        xytext=(0, 5),
        textcoords="offset points",
    )
    return ax


def _border(ax: Axes, net: Sequence[Sequence[float]]) -> None:
    """The line of break-even along the edges of cells, where it crosses no number."""
    x: list[float] = []
    y: list[float] = []
    for k, row in enumerate(net):
        for j, value in enumerate(row):
            if j + 1 < len(row) and (value < 0) != (row[j + 1] < 0):
                x += [j + 0.5, j + 0.5, math.nan]
                y += [k - 0.5, k + 0.5, math.nan]
            if k + 1 < len(net) and (value < 0) != (net[k + 1][j] < 0):
                x += [j - 0.5, j + 0.5, math.nan]
                y += [k + 0.5, k + 0.5, math.nan]
    if x:
        ax.plot(x, y, color=INK, linewidth=2.5, label="break-even")


def frame(ax: Axes, at: tuple[float, float], line: Any, label: str | None = None) -> None:
    """A frame within the edges of a cell."""
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle(
            (at[0] - 0.44, at[1] - 0.42),
            0.88,
            0.84,
            fill=False,
            edgecolor=INK,
            linewidth=2,
            linestyle=line,
            label=label,
        )
    )


def _place(values: Sequence[float], at: float) -> float:
    """Where a value stands among ascending ones, in steps of them."""
    for k in range(len(values) - 1):
        if values[k] <= at <= values[k + 1] and values[k + 1] > values[k]:
            return k + (at - values[k]) / (values[k + 1] - values[k])
    return 0.0


def cells(ax: Axes, values: Sequence[Sequence[float | None]]) -> None:
    """A cell a value: its colour by sign, its depth by size, its number written on it."""
    from matplotlib.patches import Rectangle

    known = [abs(v) for row in values for v in row if v is not None]
    largest = max(known, default=0.0) or 1.0
    for k, row in enumerate(values):
        for j, value in enumerate(row):
            if value is None:
                continue
            colour = RED if value < 0 else BLUE
            depth = _DARKEST * abs(value) / largest
            box = (j - 0.5, k - 0.5)
            ax.add_patch(Rectangle(box, 1, 1, facecolor=colour, alpha=depth, linewidth=0))
            if value < 0:
                ax.add_patch(
                    Rectangle(
                        box, 1, 1, fill=False, linewidth=0, alpha=0.35, edgecolor=colour, hatch="/"
                    )
                )
            ax.annotate(
                brief_text(value, short=is_narrow(ax) and len(row) > 4),
                (j, k),
                ha="center",
                va="center",
                fontsize=11 if is_narrow(ax) else 12,
            )
    ax.set_xlim(-0.5, max(map(len, values)) - 0.5)
    ax.set_ylim(-0.5, len(values) - 0.5)
