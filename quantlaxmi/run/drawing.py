"""What all pictures share: colours, hatches, figures without pyplot, rows thinned for drawing.

matplotlib is loaded by the functions that draw and by nothing else. No figure is known to pyplot,
and settings of the user's matplotlib change no picture.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "FONT_SIZE",
    "GREEN",
    "HATCHES",
    "INK",
    "MUTED",
    "ORANGE",
    "RED",
    "axes_of",
    "drawing_settings",
    "is_narrow",
    "new_figure",
    "on_data",
    "thinned",
]

#: Colours of a light page; the page of a report replaces them by variables that follow the theme.
INK, MUTED = "#1b1d22", "#555b66"
BLUE, ORANGE, GREEN, RED = "#0068a8", "#b4530a", "#00734f", "#b3261e"
#: What tells a colour from the others where colours cannot be seen.
HATCHES: Final = {BLUE: "", ORANGE: "////", GREEN: r"\\\\", RED: "xxxx"}
#: Points; a picture of a page is as many units wide as it is pixels.
FONT_SIZE: Final = 12
#: Dots of an inch in a figure: a unit of its width is one pixel of a page.
DPI: Final = 72

_LOCK = threading.RLock()
#: Whether the thread that holds the lock has set them already: each time costs milliseconds.
_set = False


@contextmanager
def drawing_settings() -> Iterator[None]:
    """Settings of matplotlib under which every picture is made; afterwards they are as before."""
    global _set
    import matplotlib

    with _LOCK:
        if _set:
            yield
            return
    kept = ("backend", "interactive", "toolbar", "timezone", "webagg", "tk.", "docstring")
    own: dict[str, Any] = {
        "axes.edgecolor": INK,
        "axes.facecolor": "none",
        "axes.labelcolor": INK,
        "axes.linewidth": 1.0,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": FONT_SIZE,
        "axes.unicode_minus": True,
        "figure.dpi": DPI,
        "figure.facecolor": "none",
        "font.family": ["DejaVu Sans"],
        "font.size": FONT_SIZE,
        "grid.color": MUTED,
        "hatch.linewidth": 1.0,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "quantlaxmi",
        "text.color": INK,
        "text.parse_math": False,  # a name may have dollar signs
        "xtick.color": INK,
        "ytick.color": INK,
    }
    default: dict[str, Any] = {
        k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(kept)
    }
    with _LOCK, warnings.catch_warnings(), matplotlib.rc_context(cast(Any, {**default, **own})):
        # A letter that the font lacks is drawn by the reader's own font.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        _set = True
        try:
            yield
        finally:
            _set = False


def new_figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """A figure of so many pixels, which pyplot does not know.

    Parameters
    ----------
    width, height : float
        Pixels of a page.
    layout : "constrained" or None
        Who makes room for labels: matplotlib, or whoever draws.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def axes_of(ax: Axes | None, width: float = 720, height: float = 320) -> Iterator[Axes]:
    """The axes that were given, or new ones, while the settings of all pictures hold.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    width, height : float, optional
        Pixels of a new figure.
    """
    with drawing_settings():
        drawn = new_figure(width, height).add_subplot() if ax is None else ax
        yield drawn
        _group_thousands(drawn)


def _group_thousands(ax: Axes) -> None:
    """Write the numbers of an axis that reaches a thousand as 15,000 and not as 15000."""
    from matplotlib.ticker import FuncFormatter, ScalarFormatter

    for axis in (ax.xaxis, ax.yaxis):
        reach = max(map(abs, axis.get_view_interval()))
        if type(axis.get_major_formatter()) is ScalarFormatter and 1000 <= reach < 1e12:
            axis.set_major_formatter(FuncFormatter(_grouped))


def _grouped(value: float, _: int | None = None) -> str:
    text = f"{value / 1e6:,.9g}M" if abs(value) >= 1e6 else f"{value:,.9g}"
    return text.replace("-", "−")


def is_narrow(ax: Axes) -> bool:
    """Whether axes are in a figure that is made for a small screen."""
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_figwidth() * DPI < 500


def on_data(ax: Axes) -> Axes:
    """Place what explains the marks above the axes, never over the data."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=1 if is_narrow(ax) else min(len(labels), 4),
            borderaxespad=0.2,
            handlelength=1.6,
        )
    return ax


def thinned(
    x: npt.ArrayLike, y: npt.ArrayLike, pixels: int = 720
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """First, lowest, highest and last row of every pixel's width; for drawing, never for numbers.

    Parameters
    ----------
    x : array_like, shape (n,)
        Ascending.
    y : array_like of float, shape (n,)
    pixels : int
        Widths that ``x`` is divided into.

    Returns
    -------
    tuple of ndarray
        Rows of both that are left, in order: at most four a pixel, and all where there are no
        more.

    Raises
    ------
    InputError
        There are not as many ``x`` as ``y``, or no pixel.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = thinned(np.arange(1000), np.sin(np.arange(1000.0)), pixels=10)
    >>> len(x), float(y.max()) == float(np.sin(np.arange(1000.0)).max())
    (40, True)
    """
    xs, ys = np.asarray(x), np.asarray(y, np.float64)
    if xs.shape != ys.shape or xs.ndim != 1 or pixels < 1:
        raise InputError("picture", f"was {xs.shape} by {ys.shape} rows over {pixels} pixels")
    if len(xs) <= 4 * pixels:
        return xs, ys
    place = xs.astype(np.float64) - float(xs[0])
    width = float(place[-1])
    pixel = np.minimum((place * (pixels / width)).astype(np.int64), pixels - 1) if width else place
    starts = np.flatnonzero(np.diff(pixel, prepend=-1.0))
    stops = np.append(starts[1:], len(xs))
    keep = [starts, stops - 1]
    lowest = np.minimum.reduceat(np.where(np.isnan(ys), np.inf, ys), starts)
    highest = np.maximum.reduceat(np.where(np.isnan(ys), -np.inf, ys), starts)
    group = np.repeat(np.arange(len(starts)), stops - starts)
    for extreme in (lowest, highest):
        rows = np.flatnonzero(ys == extreme[group])
        found, first = np.unique(group[rows], return_index=True)
        keep.append(rows[first] if len(found) else rows)
    rows = np.unique(np.concatenate(keep))
    return xs[rows], ys[rows]
