"""The record of a run's statistics, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from html import escape
from typing import Any

from quantlaxmi.counted import counted
from quantlaxmi.run.figure_text import NONE, amount_text, number_text, share_text, time_text

__all__ = ["RunStatistics", "statistics_html", "statistics_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatistics:
    """Figures of a run; None where there is nothing to compute one of.

    Attributes
    ----------
    currency : str
    capital : Decimal or None
        Stated; without it what is a share of it is None.
    start_ns, end_ns : int
        First and last message, ns since the epoch.
    step : str
        Step of the returns, such as ``"1D"``.
    steps : int
        Returns, partial ones among them.
    net, gross, slippage, fees, funding, interest : Decimal
        As of `Run`, exact.
    total_return : float or None
        Net over capital.
    cagr : float or None
        ``(1 + total_return) ** (year / time) - 1``; None for less than a day.
    volatility : float or None
        Standard deviation of the returns (n - 1), annualised.
    sharpe, sharpe_error : float or None
        Mean over standard deviation, annualised, with no riskless rate; its standard error of
        Mertens (2002), with skew and kurtosis.
    psr : float or None
        Probabilistic Sharpe ratio: of a true ratio above 0.
    sortino : float or None
        Mean over the root of the mean square of the losses, annualised.
    calmar : float or None
        `cagr` over `max_drawdown`.
    max_drawdown : float or None
        Largest fall of equity from its highest before, as a share of that, at the steps' ends.
    max_drawdown_money : Decimal
        Largest fall in money, at the steps' ends.
    max_drawdown_ns : int
        From the peak before the fall of most money until it was reached again, or the end.
    exposure : float
        Share of the time with a position.
    turnover : Decimal
        Price times quantity of all fills, not of positions that were settled.
    turnover_per_year : float or None
        Turnover over capital, a year.
    round_trips : int
        An open one at the end, at the last mid, is one of them, here and below.
    open_trips : int
        0 or 1.
    win_rate : float or None
        Share of trips with a net above 0.
    profit_factor : float or None
        Net of those over the loss of those below 0; None where none lost.
    mean_trip_bps : float or None
        Mean of each trip's net over what it opened.
    skew, kurtosis : float or None
        Of the returns, by population moments; 3 is the normal kurtosis.
    cost_share : float or None
        Slippage, fees, interest and rounding over gross; None where gross is not above 0.
    break_even_fees : float or None
        Multiple of the fees at which net is 0.
    break_even_bps : float or None
        Further loss on every fill, in bps of its notional, at which net is 0.
    notes : tuple of str
        Why figures are None.
    rounding : Decimal
        What rounding of contract notes adds to the fees, as of `Run`.
    n_stop_first : int
        Fills of stops whose target lay in the same bar; which was met first is not known.
    """

    currency: str
    capital: Decimal | None
    start_ns: int
    end_ns: int
    step: str
    steps: int
    net: Decimal
    gross: Decimal
    slippage: Decimal
    fees: Decimal
    funding: Decimal
    interest: Decimal
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sharpe_error: float | None
    psr: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    max_drawdown_money: Decimal
    max_drawdown_ns: int
    exposure: float
    turnover: Decimal
    turnover_per_year: float | None
    round_trips: int
    open_trips: int
    win_rate: float | None
    profit_factor: float | None
    mean_trip_bps: float | None
    skew: float | None
    kurtosis: float | None
    cost_share: float | None
    break_even_fees: float | None
    break_even_bps: float | None
    notes: tuple[str, ...] = ()
    rounding: Decimal = Decimal(0)
    n_stop_first: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Every figure by name; money is exact decimal text, because JSON numbers are floats.

        ``rounding`` and ``n_stop_first`` are there where they are not 0.
        """
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("rounding", "n_stop_first") and not value:
                continue  # of contract notes alone, and of strategies over bars
            if isinstance(value, Decimal):
                value = format(value, "f")
            found[one.name] = list(value) if isinstance(value, tuple) else value
        return found

    def __str__(self) -> str:
        return "\n".join(statistics_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return statistics_html(self)


def _rows(stats: RunStatistics) -> list[tuple[str, str]]:
    """Names and values to show, in order."""
    s, money = stats, stats.currency
    error = "" if s.sharpe_error is None else f" ± {s.sharpe_error:.2f}"
    opened = f", {s.open_trips} open" if s.open_trips else ""
    return [
        ("net", f"{amount_text(s.net)} {money}"),
        ("gross", amount_text(s.gross)),
        ("slippage", amount_text(s.slippage)),
        ("fees", amount_text(s.fees)),
        ("funding", amount_text(s.funding)),
        ("interest", amount_text(s.interest)),
        *([("rounding", amount_text(s.rounding))] if s.rounding else []),
        ("cost / gross", share_text(s.cost_share)),
        ("break-even fees", number_text(s.break_even_fees, "×")),
        ("break-even a fill", number_text(s.break_even_bps, " bps")),
        ("turnover", amount_text(s.turnover)),
        ("turnover a year", number_text(s.turnover_per_year, "× capital")),
        ("round trips", f"{s.round_trips:,}{opened}"),
        *([("stop first", f"{counted(s.n_stop_first, 'fill[s]')}")] if s.n_stop_first else []),
        ("win rate", share_text(s.win_rate)),
        ("profit factor", number_text(s.profit_factor)),
        ("mean trip", number_text(s.mean_trip_bps, " bps")),
        ("capital", NONE if s.capital is None else amount_text(s.capital)),
        ("return", share_text(s.total_return)),
        ("CAGR", share_text(s.cagr)),
        ("volatility", share_text(s.volatility)),
        ("Sharpe", f"{number_text(s.sharpe)}{error}"),
        ("PSR (> 0)", number_text(s.psr, places=4)),
        ("Sortino", number_text(s.sortino)),
        ("Calmar", number_text(s.calmar)),
        ("max drawdown", share_text(s.max_drawdown)),
        ("  in money", amount_text(s.max_drawdown_money)),
        ("  lasted", time_text(s.max_drawdown_ns)),
        ("skew", number_text(s.skew)),
        ("kurtosis", number_text(s.kurtosis)),
        ("exposure", share_text(s.exposure)),
        ("returns", f"{s.steps:,} of {s.step}"),
    ]


def statistics_lines(stats: RunStatistics) -> list[str]:
    """The figures in two columns, at most 80 wide, and what is to know of them."""
    rows = _rows(stats)
    half = (len(rows) + 1) // 2
    cells = [
        [f"{name:<17}{value:>20}" for name, value in part] for part in (rows[:half], rows[half:])
    ]
    cells[1] += [""] * (half - len(cells[1]))
    lines = [f"{left}    {right}".rstrip() for left, right in zip(*cells, strict=True)]
    return [*lines, *(f"- {note}" for note in (_basis(stats), *stats.notes))]


def statistics_html(stats: RunStatistics) -> str:
    """The figures as a table for a notebook."""
    body = "".join(
        f"<tr><td>{escape(name)}</td><td style='text-align:right'>{escape(value)}</td></tr>"
        for name, value in _rows(stats)
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in (_basis(stats), *stats.notes))
    return f"<table><tbody>{body}</tbody></table>{notes}"


def _basis(stats: RunStatistics) -> str:
    return f"annualised by the clock: a year is 365 days; returns of {stats.step} steps, UTC"
