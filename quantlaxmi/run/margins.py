"""Room around the axes of a figure for their labels, from one measurement of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fit_margins"]

#: Pixels between a label and the edge of the picture, or the next axes' labels.
_PAD = 4.0


def fit_margins(figure: Figure) -> None:
    """Place the axes of a figure so that all labels have room.

    Matplotlib's constrained layout measures every label twice; this one twice only where axes have
    other ticks at their new length. All axes stand in one grid.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        On a canvas of the Agg backend, without a layout of its own.
    """
    every = figure.get_axes()
    if not every:
        return
    width, height = figure.bbox.width, figure.bbox.height
    spec = every[0].get_subplotspec()
    n_rows = spec.get_gridspec().nrows if spec is not None else 1
    each = max((height - 70) / n_rows - 60, 20)
    # About where axes end up: the number of their ticks hangs on their length.
    figure.subplots_adjust(
        left=min(70 / width, 0.4),
        right=max(1 - 8 / width, 0.6),
        bottom=min(45 / height, 0.4),
        top=max(1 - 25 / height, 0.6),
        hspace=60 / each,
    )
    measured = _ticks(every)
    _fit(figure, every)
    # Labels were measured next to axes of another length.
    if _ticks(every) != measured:
        _fit(figure, every)


def _ticks(every: Sequence[Axes]) -> list[list[float]]:
    """Places of all ticks, which hang on the length of their axes."""
    return [axis.get_majorticklocs().tolist() for ax in every for axis in (ax.xaxis, ax.yaxis)]


def _fit(figure: Figure, every: Sequence[Axes]) -> None:
    width, height = figure.bbox.width, figure.bbox.height
    canvas: Any = figure.canvas
    renderer = canvas.get_renderer()
    before: dict[str, float] = dict.fromkeys(("left", "right", "top", "bottom"), 0.0)
    # Widest right and left labels where columns meet; lowest and highest where rows do.
    meeting: dict[str, float] = dict.fromkeys(("right", "left", "bottom", "top"), 0.0)
    n_rows = n_columns = 1
    for ax in every:
        found = _outside(ax, renderer)
        spec = ax.get_subplotspec()
        if found is None or spec is None:
            continue
        n_rows, n_columns = spec.get_gridspec().get_geometry()
        at_edge = {
            "left": spec.is_first_col(),
            "right": spec.is_last_col(),
            "top": spec.is_first_row(),
            "bottom": spec.is_last_row(),
        }
        for side, pixels in found.items():
            kept = before if at_edge[side] else meeting
            kept[side] = max(kept[side], pixels)
    inner = {side: pixels + _PAD for side, pixels in before.items()}
    across = width - inner["left"] - inner["right"]
    down = height - inner["top"] - inner["bottom"]
    gap_x = meeting["left"] + meeting["right"] + 2 * _PAD
    gap_y = meeting["top"] + meeting["bottom"] + 2 * _PAD
    each_x = (across - gap_x * (n_columns - 1)) / n_columns
    each_y = (down - gap_y * (n_rows - 1)) / n_rows
    if min(each_x, each_y) < 1:
        return
    figure.subplots_adjust(
        left=inner["left"] / width,
        right=1 - inner["right"] / width,
        bottom=inner["bottom"] / height,
        top=1 - inner["top"] / height,
        wspace=gap_x / each_x,
        hspace=gap_y / each_y,
    )


def _outside(ax: Axes, renderer: Any) -> dict[str, float] | None:
    """Pixels by which labels reach over each edge of axes."""
    whole = ax.get_tightbbox(renderer, for_layout_only=True)
    if whole is None:
        return None
    own = ax.bbox
    return {
        "left": max(own.x0 - whole.x0, 0.0),
        "right": max(whole.x1 - own.x1, 0.0),
        "top": max(whole.y1 - own.y1, 0.0),
        "bottom": max(own.y0 - whole.y0, 0.0),
    }
