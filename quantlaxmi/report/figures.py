"""Pictures of a report: each function draws on axes that are given, or on new ones.

A picture needs the report alone. Where its gate did not run or came to no figures, the function
says so by a `ReportError`; `quantlaxmi.report.layout` draws those that there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantlaxmi.counted import counted
from quantlaxmi.errors import ReportError
from quantlaxmi.report.found import (
    Judged,
    currency_of,
    drawn_from,
    number,
    result_of,
    results_of,
    rows,
)
from quantlaxmi.run.drawing import (
    BLUE,
    GREEN,
    HATCHES,
    INK,
    MUTED,
    ORANGE,
    RED,
    axes_of,
    is_narrow,
    on_data,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from quantlaxmi.gates.results import GateResult
    from quantlaxmi.stats.histogram import Histogram

__all__ = [
    "delay_curve",
    "null_distribution",
    "null_gates",
    "p_values",
    "regime_bars",
    "walk_forward_folds",
]

_DECIDES = {"test": BLUE, "guard": GREEN, "timing guard": GREEN}
_HOUR_NS, _DAY_NS = 3600 * 10**9, 86_400 * 10**9


def null_gates(report: Judged) -> list[str]:
    """Names of the results that have a null distribution to draw, in the order of running."""
    return [one.gate for one in results_of(report) if _histogram(one) is not None]


def _histogram(result: GateResult) -> Histogram | None:
    return None if result.monte_carlo is None else result.monte_carlo.histogram


def null_distribution(report: Judged, gate: str, ax: Axes | None = None) -> Axes:
    """Draw what chance gave, and where the strategy stands in it.

    Parameters
    ----------
    report : GateReport
    gate : str
        One of `null_gates`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ReportError
        The gate has no null distribution.
    """
    result = result_of(report, gate)
    found = _histogram(result)
    if found is None or result.monte_carlo is None:
        raise ReportError("report", "has no null distribution", gate)
    with axes_of(ax, 720, 260) as ax:
        # Bins of a quarter from -6 to 6; the open ones at both ends are drawn as wide.
        draws = sum(found.counts) or 1
        edges = [-6.25 + 0.25 * k for k in range(len(found.counts) + 1)]
        ax.stairs(
            [100 * n / draws for n in found.counts],
            edges,
            fill=True,
            color=BLUE,
            label=f"chance: {counted(result.monte_carlo.draws, 'draw[s]')}",
        )
        own = edges[found.own_bin] + 0.125
        ax.axvline(own, color=ORANGE, linewidth=2.5, linestyle="--", label="the strategy")
        ax.set_xlim(-6.5, 6.5)
        ticks = range(-6, 7, 3)
        names = [f"{k}" for k in ticks]
        ax.set_xticks(list(ticks), ["≤ −6", *[n.replace("-", "−") for n in names[1:-1]], "≥ 6"])
        ax.set_xlabel(found.statistic[:40])
        ax.set_ylabel("% of draws")
        return on_data(ax)


def p_values(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw every p-value and the level that it has to stay below.

    Parameters
    ----------
    report : GateReport
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        On a logarithmic axis; what is below 1e-6 is drawn there, with an arrow.

    Raises
    ------
    ReportError
        No gate has a p-value.
    """
    with drawn_from("every gate"):
        found = [(one, p) for one in results_of(report) if (p := _p_value(one)) is not None]
    if not found:
        raise ReportError("report", "has no p-value to draw", "suites")
    with drawn_from("policy.alpha"):
        level = number(report.policy["alpha"])
    with axes_of(ax, 720, 110 + 26 * len(found)) as ax:
        lowest = 1e-6
        for decides in (True, False):
            rows_at = [
                (k, max(p, lowest), one)
                for k, (one, p) in enumerate(found)
                if (one.role != "diagnosis") is decides
            ]
            if not rows_at:
                continue
            ax.plot(
                [p for _, p, _ in rows_at],
                [k for k, _, _ in rows_at],
                linestyle="",
                marker="o" if decides else "D",
                markersize=9 if decides else 7,
                color=BLUE if decides else MUTED,
                fillstyle="full" if decides else "none",
                label="decides" if decides else "shown only",
            )
        for k, (_, p) in enumerate(found):
            if p < lowest:
                ax.annotate("← less", (lowest * 1.6, k), va="center", color=INK)
        ax.axvline(level, color=ORANGE, linestyle="--", label=f"limit α = {level:g}")
        ax.set_xscale("log")
        ax.set_xlim(lowest / 2, 2)
        ax.set_yticks(range(len(found)), [_short(one.gate, ax) for one, _ in found])
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.set_xlabel("p-value; below the limit passes")
        ax.grid(visible=True, axis="y", alpha=0.25)
        if is_narrow(ax):
            ax.set_xticks([1e-6, 1e-4, 1e-2, 1], ["1e−6", "1e−4", "0.01", "1"])
        else:
            ax.set_xticks([10.0**k for k in range(-6, 1)], _POWERS)
        ax.minorticks_off()
        return on_data(ax)


_POWERS = ["1e−6", "1e−5", "0.0001", "0.001", "0.01", "0.1", "1"]


def _p_value(result: GateResult) -> float | None:
    if result.monte_carlo is not None:
        return float(result.monte_carlo.p_value)
    return number(result.details["p_value"]) if "p_value" in result.details else None


def _short(name: str, ax: Axes) -> str:
    """A gate's name, cut in its middle where the axes have little room for it."""
    most = 18 if is_narrow(ax) else 34
    return name if len(name) <= most else f"{name[: most - 9]}…{name[-8:]}"


def delay_curve(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw net PnL where every order arrives later.

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
        The gate did not run or came to no curve.
    """
    result = result_of(report, "delay")
    if "curve" not in result.details:
        raise ReportError("report", "has no delay curve", "delay")
    with drawn_from("delay"):
        points = [dict(one) for one in rows(result.details["curve"])]
        unit = next(k for k in ("ms", "bars", "snapshots") if k in points[0])
        delays = [int(one[unit]) for one in points]
        net = [number(one["net"]) for one in points]
        share = number(report.policy["delay"]["least_share"])
        required = str(result.details["required"])[:20]
    with axes_of(ax, 720, 300) as ax:
        ax.plot(range(len(net)), net, marker="o", color=BLUE, label="net PnL")
        ax.axhline(
            share * net[0],
            color=ORANGE,
            linestyle="--",
            label=f"limit at {required}: {share:g} of it",
        )
        ax.axhline(0, color=INK, linewidth=1)
        at = next((k for k, d in enumerate(points) if str(d[unit]) == required.split()[0]), None)
        if at is not None:
            ax.plot(
                [at],
                [net[at]],
                linestyle="",
                marker="s",
                markersize=11,
                color=BLUE,
                fillstyle="none",
                markeredgewidth=2,
                label=f"judged: {required} later",
            )
        form = "d" if is_narrow(ax) else ",d"
        ax.set_xticks(range(len(net)), [format(one, form) for one in delays])
        ax.margins(y=0.12)
        ax.set_xlabel(f"orders arrive later by, {unit}")
        ax.set_ylabel(_money("net PnL", report))
        return on_data(ax)


def _money(what: str, report: Judged) -> str:
    currency = currency_of(report)
    return f"{what}, {currency}" if currency else what


def walk_forward_folds(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw what the chosen setting earned before and after it was chosen, per time.

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
        The gate did not run or has no folds.
    """
    result = result_of(report, "walk_forward")
    if not result.details.get("folds"):
        raise ReportError("report", "has no folds", "walk_forward")
    with drawn_from("walk_forward"):
        folds = [dict(one) for one in rows(result.details["folds"])]
        tested = [number(f["test_stop_ns"]) - number(f["test_begin_ns"]) for f in folds]
        unit, name = (_DAY_NS, "a day") if min(tested) >= _DAY_NS else (_HOUR_NS, "an hour")
        after = [unit * number(f["net"]) / ns for f, ns in zip(folds, tested, strict=True)]
        before = [_before(f) * unit for f in folds]
        labels = [str(f["fold"])[:6] for f in folds]
    with axes_of(ax, 720, 300) as ax:
        width = 0.38
        _bars(
            ax, [k - width / 2 for k in range(len(folds))], before, width, BLUE, "before: training"
        )
        _bars(ax, [k + width / 2 for k in range(len(folds))], after, width, ORANGE, "after: test")
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_xticks(range(len(folds)), labels)
        ax.set_xlabel("fold, in order of time")
        ax.set_ylabel(_money(f"net {name}", report))
        return on_data(ax)


def _before(fold: dict[str, Any]) -> float:
    """Net of a nanosecond of training; 0 where no setting was chosen."""
    trained = fold.get("in_sample")
    if trained is None:
        return 0.0
    lasted = (
        number(fold["test_begin_ns"]) - number(fold["train_begin_ns"]) - number(fold["purge_ns"])
    )
    return number(trained["net"]) / lasted if lasted > 0 else 0.0


def _bars(
    ax: Axes, x: list[float], heights: list[float], width: float, colour: str, label: str
) -> None:
    ax.bar(
        x,
        heights,
        width,
        color="none" if HATCHES[colour] else colour,
        edgecolor=colour,
        hatch=HATCHES[colour],
        label=label,
    )


def regime_bars(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw the net PnL of every kind of market, with its share of the time.

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
        The gate did not run or has no regimes.
    """
    found = [one for one in results_of(report) if one.gate.startswith("regimes.")]
    if not found:
        raise ReportError("report", "has no regimes", "regimes")
    with drawn_from("regimes"):
        found = rows(found)
        net = [number(one.details["net"]) for one in found]
        shares = [number(one.details["share_of_time"]) for one in found]
    with axes_of(ax, 720, 80 + 34 * len(found)) as ax:
        for k, amount in enumerate(net):
            colour = RED if amount < 0 else GREEN
            ax.barh(k, amount, 0.62, color="none", edgecolor=colour, hatch=HATCHES[colour])
        names = []
        for one, share in zip(found, shares, strict=True):
            trend, level = [*one.gate.partition(".")[2].split("_"), "", ""][:2]
            gap = "\n" if is_narrow(ax) else " "
            names.append(f"{trend[:12]}, {level[:12]} vol.{gap}({100 * share:.0f} % of time)")
        ax.set_yticks(range(len(found)), names)
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.axvline(0, color=INK, linewidth=1)
        ax.set_xlabel(_money("net PnL", report))
        return ax
