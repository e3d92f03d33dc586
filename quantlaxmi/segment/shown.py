"""Market data in a few lines, for a notebook."""

from __future__ import annotations

from datetime import UTC, datetime

from quantlaxmi.counted import counted
from quantlaxmi.notebook import names_html
from quantlaxmi.segment.market_data import MarketData

__all__ = ["market_html"]

#: Instruments that are named.
_NAMED = 8


def market_html(market: MarketData) -> str:
    """Return what a segment, a window or rows in memory are, as a small table."""
    named = [one.symbol for one in market.instruments[:_NAMED]]
    if (more := len(market.instruments) - len(named)) > 0:
        named.append(f"and {more:,} more")
    rows = [(type(market).__name__, market.segment_id), ("instruments", ", ".join(named))]
    if market.first_seq >= 0:
        first, last = (
            datetime.fromtimestamp(ts_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            for ts_ns in (market.first_ts_ns, market.last_ts_ns)
        )
        rows.append(("time", f"{first} to {last}"))
    rows += [
        ("messages", f"{market.n_messages:,}, {counted(market.n_rows, 'row[s]')}"),
        ("gaps", f"{len(market.gaps):,}"),
        ("digest", market.digest),
    ]
    return names_html(rows)
