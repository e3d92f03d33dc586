"""Pictures of a run: each function draws on axes that are given, or on new ones.

Rows are thinned to what a pixel can show; every number comes from all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.run.chain_pictures import option_pictures
from quantlaxmi.run.drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    axes_of,
    drawing_settings,
    is_narrow,
    new_figure,
    on_data,
    thinned,
)
from quantlaxmi.run.figure_text import rounded_text
from quantlaxmi.run.picture import NARROW, WIDE, DrawnRun, Picture
from quantlaxmi.run.sampled import Sampled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "basis",
    "drawdown",
    "equity",
    "plot_run",
    "positions",
    "price",
    "run_pictures",
]

#: Instruments whose positions one picture shows.
_LANES = 6


def _sampled(run: DrawnRun | Sampled) -> Sampled:
    return run if isinstance(run, Sampled) else Sampled(run)


def _pixels(ax: Axes) -> int:
    """Widths into which rows are thinned."""
    return 150 if is_narrow(ax) else 400


def price(run: DrawnRun | Sampled, symbol: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the mid of an instrument, with the fills that open and close a position in it.

    Parameters
    ----------
    run : Run
    symbol : str, optional
        The first that was traded by default.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        The instrument was not traded.
    """
    found = _sampled(run)
    k = found.place(symbol)
    with axes_of(ax, WIDE, 320) as ax:
        ax.plot(*thinned(found.t, found.mid(k), _pixels(ax)), color=BLUE, linewidth=1.2)
        rows = found.run.exact.fills
        rows = rows[rows["instrument"] == found.lines.held[k]]
        signed = np.where(rows["side"] < 0, -rows["qty"], rows["qty"])
        after = np.cumsum(signed)
        opens, closes = entries_and_exits(after - signed, after)
        scale = 10.0 ** found.run.instruments[found.lines.held[k]].price_exponent
        for which, mark, colour, label in (
            (opens, "^", GREEN, "entries"),
            (closes, "x", ORANGE, "exits"),
        ):
            x, y = found.at(rows["ts_ns"][which]), rows["price"][which] * scale
            ax.plot(
                *thinned(x, y, _pixels(ax) // 8),
                linestyle="",
                marker=mark,
                markersize=5,
                color=colour,
                label=f"{label}: {int(which.sum()):,}",
            )
        ax.set_ylabel(found.names[k])
        ax.set_xlabel(found.time_label)
        ax.ticklabel_format(axis="y", useOffset=False, style="plain")
        return on_data(ax)


def entries_and_exits(
    before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which fills open or add to a position, and which close some of one; a reversal does both.

    Parameters
    ----------
    before, after : ndarray of int64, shape (n_fills,)
        Positions around each fill.
    """
    turns = np.sign(before) * np.sign(after) < 0
    return (np.abs(after) > np.abs(before)) | turns, (np.abs(after) < np.abs(before)) | turns


def equity(run: DrawnRun | Sampled, currency: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the equity of a run: what it had earned by then, open positions at the mid.

    Parameters
    ----------
    run : Run
    currency : str, optional
        The first that was traded by default.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        Nothing was traded in the currency.
    """
    found = _sampled(run)
    currency = _currency(found, currency)
    with axes_of(ax, WIDE, 260) as ax:
        ax.plot(*thinned(found.t, found.equity(currency), _pixels(ax)), color=BLUE)
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_ylabel(f"net PnL, {currency}")
        ax.set_xlabel(found.time_label)
        return ax


def _currency(found: Sampled, currency: str | None) -> str:
    known = found.currencies
    if not known or (currency is not None and currency not in known):
        traded = ", ".join(known) or "none, the run has no fill"
        raise InputError("picture", f"was in {currency}, expected of {traded}")
    return currency or known[0]


def drawdown(run: DrawnRun | Sampled, currency: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw how far equity is below its highest value so far.

    Parameters
    ----------
    run : Run
    currency : str, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        Nothing was traded in the currency.
    """
    found = _sampled(run)
    currency = _currency(found, currency)
    with axes_of(ax, WIDE, 160) as ax:
        values = found.equity(currency)
        fall = values - np.maximum.accumulate(np.maximum(values, 0.0))
        x, y = thinned(found.t, fall, _pixels(ax))
        ax.fill_between(x, y, 0, facecolor="none", edgecolor=ORANGE, hatch="////", linewidth=0.8)
        ax.set_ylabel("drawdown")
        ax.set_xlabel(found.time_label)
        return ax


def basis(run: DrawnRun | Sampled, ax: Axes | None = None) -> Axes:
    """Draw the basis of the pair that was traded, in bps of the spot mid.

    Parameters
    ----------
    run : Run
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        No spot with its perpetual was traded.
    """
    found = _sampled(run)
    pair = found.pair()
    if pair is None:
        raise InputError("picture", "was of the basis, expected a spot and its perpetual traded")
    with axes_of(ax, WIDE, 240) as ax:
        spot, perp = (found.mid(k) for k in pair)
        ax.plot(
            *thinned(found.t, (perp - spot) / spot * 1e4, _pixels(ax)), color=BLUE, linewidth=1.2
        )
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_ylabel("basis, bps")
        ax.set_xlabel(found.time_label)
        return ax


def positions(run: DrawnRun | Sampled, ax: Axes | None = None) -> Axes:
    """Draw the positions held: a lane an instrument, long above its line and short below it.

    Parameters
    ----------
    run : Run
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        At most six instruments, those that were traded first by their place in the segment.

    Raises
    ------
    InputError
        Nothing was traded.
    """
    found = _sampled(run)
    found.place(None)
    names = found.names[:_LANES]
    with axes_of(ax, WIDE, 80 + 70 * len(names)) as ax:
        largest = []
        for lane in range(len(names)):
            held = found.position(lane)
            most = float(np.abs(held).max()) or 1.0
            largest.append(f"{most:.4g}")
            # A step is drawn by where it begins: rows that change nothing are left out.
            kept = np.append(np.flatnonzero(np.diff(held)) + 1, len(held) - 1)
            kept = np.unique(np.append(0, kept))
            x, y = thinned(found.t[kept], 0.42 * held[kept] / most, _pixels(ax) // 2)
            for side, colour, label in (
                (np.maximum(y, 0), BLUE, "long"),
                (np.minimum(y, 0), ORANGE, "short"),
            ):
                ax.fill_between(
                    x,
                    side - lane,
                    -lane,
                    step="post",
                    color=colour,
                    linewidth=0,
                    label=label if lane == 0 else None,
                )
            ax.axhline(-lane, color=INK, linewidth=0.8)
        texts = [f"{n}\nup to {m}" for n, m in zip(names, largest, strict=True)]
        ax.set_yticks([-k for k in range(len(names))], texts)
        ax.set_ylim(-len(names) + 0.45, 0.55)
        # Names of contracts leave little width for it.
        gap = "\n" if is_narrow(ax) else " "
        ax.set_xlabel(found.time_label.replace(" since ", f" since{gap}"))
        return on_data(ax)


def run_pictures(run: DrawnRun) -> list[Picture]:
    """Pictures of a run in the order of a page; none where nothing was traded.

    Parameters
    ----------
    run : Run
    """
    if not run.n_fills:
        return option_pictures(run)
    found = Sampled(run)
    currency = found.currencies[0]
    values = found.equity(currency)
    fall = float(np.max(np.maximum.accumulate(np.maximum(values, 0.0)) - values))
    drawn = [
        Picture(
            "equity",
            "Net PnL over time, and how far below its best",
            f"Net PnL ends at {rounded_text(values[-1])} {currency}; the largest fall seen in this "
            f"picture is {rounded_text(fall)}.",
            lambda figure: _stacked(figure, (2, 1), equity, drawdown, found),
            (400, 400),
        ),
        Picture(
            "price",
            "Price with entries and exits",
            f"Mid of {found.names[0]} with {counted(run.n_fills, 'fill[s]')} of all "
            "instruments in the run; "
            f"marks are thinned.",
            lambda figure: _drawn(figure, price, found),
            (340, 340),
        ),
    ]
    lanes = found.names[:_LANES]
    words = f"Positions in {', '.join(lanes)}."
    if len(found.names) > _LANES:
        words = f"{words[:-1]}, the first {_LANES} of {len(found.names):,} that were traded."
    if found.pair() is None:
        # A lane has two lines of text.
        more = max(0, 42 * (len(lanes) - 3))
        drawn.append(
            Picture(
                "positions",
                "Positions",
                words,
                lambda figure: _drawn(figure, positions, found),
                (240 + more, 260 + more),
            )
        )
    else:
        drawn.append(
            Picture(
                "positions",
                "Positions over the basis",
                words,
                lambda figure: _stacked(figure, (3, 2), basis, positions, found),
                (440, 460),
            )
        )
    return [*drawn, *option_pictures(run)]


def _drawn(figure: Any, draw: Any, found: Sampled) -> None:
    draw(found, ax=figure.add_subplot())


def _stacked(figure: Any, heights: tuple[int, int], upper: Any, lower: Any, found: Sampled) -> None:
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": heights})
    upper(found, ax=top)
    lower(found, ax=bottom)
    top.set_xlabel("")


def plot_run(run: DrawnRun, *, narrow: bool = False) -> Figure:
    """Lay out the pictures of a run on one figure, one under the other.

    Parameters
    ----------
    run : Run
    narrow : bool
        For a screen of 390 pixels.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    InputError
        Nothing was traded.
    """
    return laid_out(run_pictures(run), "the run has no fill", narrow=narrow)


def laid_out(pictures: list[Picture], nothing: str, *, narrow: bool) -> Figure:
    """Pictures on one figure, one under the other.

    Raises
    ------
    InputError
        There is none, with the reason that is given.
    """
    if not pictures:
        raise InputError("picture", f"has nothing to draw: {nothing}")
    heights = [picture.height[narrow] + 30 for picture in pictures]
    with drawing_settings():
        figure = new_figure(NARROW if narrow else WIDE, sum(heights))
        parts = figure.subfigures(len(pictures), 1, height_ratios=heights, squeeze=False)
        for part, picture in zip(parts[:, 0], pictures, strict=True):
            picture.draw(part)
            part.suptitle(picture.title, x=0.01, ha="left", weight="bold", size=13)
    return figure
