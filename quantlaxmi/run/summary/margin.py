"""By which scans contracts of NSE were asked for margin."""

from __future__ import annotations

from collections.abc import Iterator

from quantlaxmi.run.scan_terms import ScanRule, scan_rules
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse_costs import session_day


def margin_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield the scans of every underlying, and whether its daily volatility was stated."""
    limits = run.config.limits
    if limits.margin != "scan":
        return
    here = (i.base for i in run.records.instruments if i.kind != InstrumentKind.INDEX)
    for underlying in dict.fromkeys(here):
        rules = _held(scan_rules(0, underlying, limits.daily_volatility), run)
        if not rules:  # no message
            continue
        scans = (
            f"price {_range([rule[2] for rule in rules], '%')}, of options with more than nine "
            f"months left {_range([rule[3] for rule in rules], '%')}, volatility "
            f"{_range([rule[4] for rule in rules], 'points')}"
        )
        stated = any(row.underlying == underlying for row in limits.daily_volatility)
        what = f"margin of {underlying} by "
        what += "its stated daily volatility" if stated else "the least scans"
        if not stated:
            scans += "; too little above 0.84 % of daily volatility: daily_volatility states it"
        yield SummaryLine("margin", what, scans)


def _held(rules: list[ScanRule], run: FinishedRun) -> list[ScanRule]:
    """Rules of the session days of the data."""
    first, last = run.market.first_ts_ns, run.market.last_ts_ns
    if first < 0:
        return []
    epoch = session_day(0).toordinal()
    days = [session_day(ns).toordinal() - epoch for ns in (first, last)]
    begun = [rule for rule in rules if rule[1] <= days[0]][-1:]
    return begun + [rule for rule in rules if days[0] < rule[1] <= days[1]]


def _range(shares: list[float], unit: str) -> str:
    ends = min(shares), max(shares)
    low, high = (f"{100 * value:.2f}".rstrip("0").rstrip(".") for value in ends)
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
