"""Pictures of an option session: volatilities where a bundle was entered, what blocked an entry.

Each function draws on axes that are given, or on new ones. `option_pictures` is what a page takes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.options import OptionStatus
from quantlaxmi.options.calendar_tally import block_counts
from quantlaxmi.options.calendar_terms import CalendarRule
from quantlaxmi.options.moment import ChainMoment
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.options.surface import Surface, surface
from quantlaxmi.run.drawing import BLUE, GREEN, INK, ORANGE, RED, axes_of, is_narrow, on_data
from quantlaxmi.run.own_tables import own_table
from quantlaxmi.run.payoff import kept_by, payoff, plot_payoff
from quantlaxmi.run.picture import DrawnRun, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["iv_smile", "iv_term_structure", "option_pictures", "rule_bars"]

F64 = NDArray[np.float64]
_DAY_S: Final = 86_400
#: Strikes of a smile: so far from the forward, as a share of it.
_REACH: Final = 0.08
#: Days at which a term structure has marks.
_DAYS: Final = (1, 3, 7, 30, 90, 365, 1_000)
_IST: Final = np.timedelta64(19_800, "s")


class _Entry(NamedTuple):
    """The chain that a decision saw."""

    decision: int
    moment: ChainMoment
    found: Surface
    expiries: tuple[int, ...]  # of its legs, by place in the chain


def _entry(run: DrawnRun, decision: int | None) -> _Entry:
    records = run.exact
    kept = kept_by(records, decision)
    legs = [records.instruments[i] for i in kept.instruments]
    recorded = RecordedChain(run.segment, legs[0].base)
    ts_ns = int(records.decisions["ts_ns"][kept.decision])
    at = recorded.known_at(ts_ns)
    if at < 0:
        raise InputError("decision", f"was {kept.decision}, and no snapshot was known then")
    moment = recorded.moment(at)
    ends = {one.expiry_ns for one in legs}
    places = tuple(k for k, end in enumerate(moment.expiry_ns.tolist()) if end in ends)
    if not places:
        problem = f"was {kept.decision}: the snapshot has no expiry of its legs"
        raise InputError("decision", problem)
    return _Entry(kept.decision, moment, surface(moment.chain), places)


def _day(expiry_ns: int) -> str:
    return str((np.datetime64(expiry_ns, "ns") + _IST).astype("datetime64[D]"))


def _smile(entry: _Entry, expiry: int) -> tuple[F64, F64]:
    """Strikes and volatilities in per cent, of puts below the forward and of calls above it."""
    chain, found = entry.moment.chain, entry.found
    rows, ahead = chain.rows(expiry), float(found.forward.value[expiry])
    strike = chain.strike[rows] * 10.0**chain.price_exponent
    below = strike < ahead
    sigma = np.where(below, found.put.value[rows], found.call.value[rows])
    status = np.where(below, found.put.status[rows], found.call.status[rows])
    drawn = (status == OptionStatus.OK) & (np.abs(strike - ahead) <= _REACH * ahead)
    return strike[drawn], 100.0 * sigma[drawn]


def iv_smile(run: DrawnRun, decision: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the volatilities that the strikes of a bundle's expiries implied when it was decided.

    Parameters
    ----------
    run : Run
    decision : int, optional
        Number of the decision; by default the first that kept something.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Puts below the forward and calls above it, within 8 % of it; at most four expiries.

    Raises
    ------
    InputError
        There is no such decision, it kept no option, or no snapshot has its expiries.
    """
    entry = _entry(run, decision)
    with axes_of(ax) as ax:
        looks = ((BLUE, "o", "-"), (ORANGE, "D", "--"), (GREEN, "s", "-."), (RED, "^", ":"))
        for (colour, mark, line), expiry in zip(looks, entry.expiries, strict=False):
            strikes, sigma = _smile(entry, expiry)
            ax.plot(
                strikes,
                sigma,
                color=colour,
                marker=mark,
                markersize=3.5,
                linestyle=line,
                label=_day(int(entry.moment.expiry_ns[expiry])),
            )
        ahead = float(entry.found.forward.value[entry.expiries[0]])
        ax.axvline(ahead, color=INK, linewidth=0.8, linestyle=":", label="first forward")
        if is_narrow(ax):
            ax.locator_params(axis="x", nbins=4)
        ax.set_xlabel("strike")
        ax.set_ylabel("implied volatility, %")
        return on_data(ax)


def iv_term_structure(run: DrawnRun, decision: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the volatility at the money of every expiry when a bundle was decided.

    Parameters
    ----------
    run : Run
    decision : int, optional
        Number of the decision; by default the first that kept something.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Over days to expiry, on a logarithmic axis; expiries of the bundle are marked.

    Raises
    ------
    InputError
        There is no such decision, it kept no option, or no snapshot has its expiries.
    """
    entry = _entry(run, decision)
    known = np.flatnonzero(entry.found.status == OptionStatus.OK)
    days = entry.moment.chain.seconds[known] / _DAY_S
    sigma = 50.0 * (entry.found.sigma_call + entry.found.sigma_put)[known]
    with axes_of(ax) as ax:
        ax.plot(days, sigma, color=BLUE, marker="o", markersize=4, label="at the money")
        own = np.isin(known, entry.expiries)
        ax.plot(
            days[own],
            sigma[own],
            linestyle="",
            marker="s",
            markersize=11,
            color=ORANGE,
            fillstyle="none",
            markeredgewidth=2,
            label="of the bundle",
        )
        ax.set_xscale("log")
        ticks = [d for d in _DAYS if days.size and 0.7 * days.min() <= d <= 1.4 * days.max()]
        ax.set_xticks(ticks, [f"{d:,}" for d in ticks])
        ax.minorticks_off()
        ax.set_xlabel("days to expiry")
        ax.set_ylabel("implied volatility, %")
        ax.margins(y=0.15)
        return on_data(ax)


class _Counts(NamedTuple):
    """Checks of a run without a position or order, by rule that blocked."""

    checks: int
    passing: int
    rules: list[tuple[str, int, int]]  # name, checks it blocked, those it blocked alone


def _counts(run: DrawnRun) -> _Counts:
    strategy = run.strategy.strategy
    if "checks" not in strategy.own_tables:
        raise InputError("checks", f"is no table of {strategy.strategy_id}")
    table = own_table(strategy, "checks", run.exact, run.segment, run.config)
    if not {"blocked", "held"} <= set(table.column_names):
        raise InputError("checks", "has no columns blocked and held")
    held = table["held"].to_numpy(zero_copy_only=False).astype(bool)
    blocked = table["blocked"].to_numpy()[~held]
    sets = Counter(map(CalendarRule, blocked.tolist()))
    rules = [(str(rule.name).lower(), *counts) for rule, counts in block_counts(sets).items()]
    return _Counts(len(blocked), sets[CalendarRule(0)], rules)


def rule_bars(run: DrawnRun, ax: Axes | None = None) -> Axes:
    """Draw how often each rule blocked an entry, at the checks without a position or order.

    Parameters
    ----------
    run : Run
        Of a strategy that keeps a table ``checks``: ``calendar_carry``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        The strategy keeps no such table.
    """
    found = _counts(run)
    with axes_of(ax, 720, 110 + 24 * len(found.rules)) as ax:
        places = np.arange(len(found.rules))
        every = [n for _, n, _ in found.rules]
        alone = [n for _, _, n in found.rules]
        ax.barh(places, every, 0.62, color="none", edgecolor=ORANGE, hatch="////", label="blocked")
        ax.barh(places, alone, 0.62, color=BLUE, edgecolor=BLUE, label="no other rule did")
        for k, n in enumerate(every):
            ax.annotate(
                f"{n:,}", (n, k), (4, 0), textcoords="offset points", va="center", color=INK
            )
        ax.set_yticks(places, [name for name, _, _ in found.rules])
        ax.set_ylim(len(found.rules) - 0.4, -0.6)
        ax.set_xlim(0, 1.12 * max(1, *every))
        ax.set_xlabel(f"of {counted(found.checks, 'check[s]')} without a position or order")
        ax.locator_params(axis="x", nbins=4, integer=True)
        return on_data(ax)


def option_pictures(run: DrawnRun) -> list[Picture]:
    """Every picture of options that a run gives, in the order of a page.

    Parameters
    ----------
    run : Run

    Returns
    -------
    list of Picture
        Payoff, smile and term structure of the first bundle that kept something; the rules of a
        strategy that keeps its checks. Empty for other runs.
    """
    drawn = []
    for make in (_payoff_picture, _smile_picture, _term_picture, _rules_picture):
        try:
            drawn.append(make(run))
        except InputError:
            continue  # nothing of that kind to draw
    return drawn


def _payoff_picture(run: DrawnRun) -> Picture:
    found, decision = payoff(run.exact), kept_by(run.exact).decision
    even = ", ".join(f"{at:,.6g}" for at in found.break_evens) or "none of these prices"
    return Picture(
        "payoff",
        "The first bundle at its first expiry",
        f"The bundle of decision {decision} on {_day(found.expiry_ns)}, by the price of its "
        f"underlying then: from {found.value.min():,.6g} to {found.value.max():,.6g} "
        f"{found.currency}; it breaks even at {even}.".replace(" -", " −"),
        lambda figure: _one(figure, lambda ax: plot_payoff(run.exact, decision, ax)),
        (320, 340),
    )


def _smile_picture(run: DrawnRun) -> Picture:
    entry = _entry(run, None)
    ranges = []
    for expiry in entry.expiries:
        _, sigma = _smile(entry, expiry)
        if sigma.size:
            day = _day(int(entry.moment.expiry_ns[expiry]))
            ranges.append(f"{day} from {sigma.min():.4g} to {sigma.max():.4g} %")
    return Picture(
        "smile",
        "Volatility by strike at entry",
        f"Implied volatilities of the expiries of decision {entry.decision}, puts below the "
        f"forward and calls above it: {'; '.join(ranges) or 'none'}.",
        lambda figure: _one(figure, lambda ax: iv_smile(run, entry.decision, ax)),
        (340, 360),
    )


def _term_picture(run: DrawnRun) -> Picture:
    entry = _entry(run, None)
    said = [
        f"{_day(int(entry.moment.expiry_ns[k]))} "
        f"{50 * (entry.found.sigma_call[k] + entry.found.sigma_put[k]):.4g} %"
        for k in entry.expiries
        if entry.found.status[k] == OptionStatus.OK
    ]
    n = int((entry.found.status == OptionStatus.OK).sum())
    return Picture(
        "term-structure",
        "Volatility by expiry at entry",
        f"Implied volatility at the money of {counted(n, 'expir[y|ies]')} at decision "
        f"{entry.decision}; of the "
        f"bundle: {', '.join(said) or 'none'}.",
        lambda figure: _one(figure, lambda ax: iv_term_structure(run, entry.decision, ax)),
        (320, 340),
    )


def _rules_picture(run: DrawnRun) -> Picture:
    found = _counts(run)
    most = sorted((one for one in found.rules if one[1]), key=lambda one: -one[1])
    said = ", ".join(f"{name} {n:,}" for name, n, _ in most) or "none"
    height = 110 + 24 * len(found.rules)
    return Picture(
        "rules",
        "What blocked an entry",
        f"Of {counted(found.checks, 'check[s]')} without a position or order {found.passing:,} "
        "passed all rules; "
        f"checks that each rule blocked: {said}.",
        lambda figure: _one(figure, lambda ax: rule_bars(run, ax)),
        (height, height + 30),
    )


def _one(figure: Any, draw: Any) -> None:
    draw(figure.add_subplot())
