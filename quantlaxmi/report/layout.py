"""Which pictures a report has, in which order, how high they are, and what each shows in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quantlaxmi.counted import counted
from quantlaxmi.errors import ReportError
from quantlaxmi.report import figures, maps
from quantlaxmi.report.found import Judged, currency_of, drawn_from, number, results_of
from quantlaxmi.report.setting_map import map_rows, setting_map
from quantlaxmi.run.figure_text import rounded_text
from quantlaxmi.run.picture import DrawnRun, Picture
from quantlaxmi.run.plots import laid_out, run_pictures
from quantlaxmi.run.waterfall import waterfall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from quantlaxmi.gates.results import GateResult

__all__ = ["money_terms", "pictures_of", "plot_report"]

#: Terms of net PnL as `net_positive` names them: what comes in, and what it costs.
_TERMS = (("gross", 1), ("slippage", -1), ("fees", -1), ("funding", 1), ("borrow", -1))
#: One more where contract notes are rounded.
_ROUNDING = ("rounding", -1)


def money_terms(report: Judged) -> dict[str, float]:
    """Net PnL by what made it: gross, costs, funding; empty where unknown.

    Parameters
    ----------
    report : GateReport
    """
    for one in results_of(report):
        if one.gate == "net_positive" and all(name in one.details for name, _ in _TERMS):
            with drawn_from("net_positive"):
                terms = (*_TERMS, _ROUNDING) if "rounding" in one.details else _TERMS
                # What is not paid is 0, and not -0.
                return {name: sign * number(one.details[name]) + 0.0 for name, sign in terms}
    return {}


def _terms_said(terms: dict[str, float], currency: str) -> str:
    every = {**terms, "net": sum(terms.values())}
    names = {"borrow": "interest"}
    said = "; ".join(
        f"{names.get(name, name)} {rounded_text(amount)}" for name, amount in every.items()
    )
    return f"{said} {currency}".rstrip().replace(" -", " −") + "."


def pictures_of(report: Judged, run: DrawnRun | None = None) -> list[Picture]:
    """Every picture there is something to draw for, in the order of the page.

    Parameters
    ----------
    report : GateReport
    run : Run, optional
        The run that was judged; its prices, equity and positions are drawn too.
    """
    found = [] if run is None else run_pictures(run)
    if terms := money_terms(report):
        currency = currency_of(report)
        found.append(
            Picture(
                "money",
                "What is left of the gross",
                _terms_said(terms, currency),
                lambda figure: _one(figure, lambda ax: waterfall(terms, currency, ax)),
                (300, 300),
            )
        )
    found += _nulls(report)
    for name, title, draw, height in _SINGLE:
        ran = [one for one in results_of(report) if one.gate == name]
        if name == "suites" or (ran and _has_figures(name, ran[0].details)):
            found += _single(report, name, title, draw, height)
    return found


#: What a gate's details must have for its picture.
_NEEDS = {
    "delay": "curve",
    "walk_forward": "folds",
    "walk_forward.neighbours": "neighbours",
    "cost_sensitivity": "surface",
}


def _has_figures(name: str, details: dict[str, Any]) -> bool:
    return name not in _NEEDS or bool(details.get(_NEEDS[name]))


def _one(figure: Any, draw: Callable[[Axes], Axes]) -> None:
    draw(figure.add_subplot())


def _words(one: GateResult) -> str:
    return " ".join(one.reasons)


def _single(
    report: Judged, name: str, title: str, draw: Callable[..., Axes], height: tuple[int, int]
) -> list[Picture]:
    """One picture of one gate; none where the report has no figures for it."""
    results = results_of(report)
    said = [one for one in results if one.gate == name]
    words = _words(said[0]) if said else "Every p-value of the report, and the limit."
    try:
        extra = _rows_drawn(report, name, draw)
    except ReportError as error:
        if "has no " in error.problem:
            return []
        raise
    if draw is setting_map:
        words = (
            "Statistic over all data of every setting; the one that was chosen most is framed or "
            "filled. A good one has neighbours that do about as well."
        )
    wide, narrow = height
    return [
        Picture(
            title.lower().replace(" ", "-"),
            title,
            words,
            lambda figure: _one(figure, lambda ax: draw(report, ax)),
            (wide + extra[0], narrow + extra[1]),
        )
    ]


def _rows_drawn(report: Judged, name: str, draw: Callable[..., Axes]) -> tuple[int, int]:
    """Pixels of height that the rows of a picture need."""
    results = results_of(report)
    if draw is figures.p_values:
        n = sum(one.monte_carlo is not None or "p_value" in one.details for one in results)
        if not n:
            raise ReportError("report", "has no p-value", name)
        return 24 * n, 24 * n
    if draw is figures.regime_bars:
        n = sum(one.gate.startswith("regimes.") for one in results)
        if not n:
            raise ReportError("report", "has no regimes", name)
        return 34 * n, 42 * n
    if draw is setting_map:
        n = map_rows(report)
        return 30 * n, 30 * n
    return 0, 0


_SINGLE: tuple[tuple[str, str, Callable[..., Axes], tuple[int, int]], ...] = (
    ("suites", "P-values and the limit", figures.p_values, (110, 150)),
    ("delay", "Orders that arrive later", figures.delay_curve, (320, 340)),
    ("walk_forward", "Before and after each choice", figures.walk_forward_folds, (320, 320)),
    ("walk_forward", "Every setting of the grid", setting_map, (110, 120)),
    ("regimes", "Kinds of market", figures.regime_bars, (80, 80)),
    ("cost_sensitivity", "Dearer trading", maps.cost_surface, (440, 420)),
)
_LEAST_NULL = 210


def _nulls(report: Judged) -> list[Picture]:
    """The null distributions as one picture: two side by side, one on a narrow screen."""
    gates = figures.null_gates(report)[:12]
    if not gates:
        return []

    def draw(figure: Any) -> None:
        narrow = figure.get_figure(root=True).get_figwidth() * 72 < 500
        columns = 1 if narrow or len(gates) == 1 else 2
        down = -(-len(gates) // columns)
        for k, gate in enumerate(gates):
            ax = figure.add_subplot(down, columns, k + 1)
            figures.null_distribution(report, gate, ax)
            legend = ax.get_legend()
            if legend is not None:
                legend.set_title(gate[:30], {"size": 12, "weight": "bold"})
                legend.set_alignment("left")

    known = {one.gate: one for one in results_of(report)}
    words = "; ".join(
        f"{gate}: {c.exceedances} of {counted(c.draws, 'draw[s]')} at least as good as the strategy"
        for gate in gates
        if (c := known[gate].monte_carlo) is not None
    )
    wide = -(-len(gates) // 2) * (_LEAST_NULL + 40)
    return [
        Picture(
            "nulls", "Against chance", words + ".", draw, (wide, len(gates) * (_LEAST_NULL + 30))
        )
    ]


def plot_report(report: Judged, run: DrawnRun | None = None, *, narrow: bool = False) -> Figure:
    """Lay out every picture of a report on one figure, one under the other.

    Parameters
    ----------
    report : GateReport
    run : Run, optional
        The run that was judged, for the pictures of its prices, equity and positions.
    narrow : bool
        For a screen of 390 pixels.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    InputError
        There is nothing to draw.
    """
    return laid_out(pictures_of(report, run), "no gate came to figures", narrow=narrow)
