"""What quotes alone can give: a bound that fills must keep, told without the engine's rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Row = Mapping[str, int]


def hold_to_displayed(quotes: Sequence[Row], fills: Iterable[Row]) -> None:
    """While a side's price stands, it gives at most what it showed first and what was added since.

    Parameters
    ----------
    quotes : sequence of rows
        All quotes, ascending in ``seq``, quiet ones too.
    fills : iterable of rows
        Those that took displayed size, ascending.
    """
    given: dict[tuple[int, int, int], int] = defaultdict(int)
    bounds = {side: list(_bounds(quotes, side)) for side in (1, -1)}
    for fill in fills:
        i, side = fill["instrument"], fill["side"]
        at = max(
            k for k, q in enumerate(quotes) if q["instrument"] == i and q["seq"] <= fill["seq"]
        )
        name = "ask" if side > 0 else "bid"
        assert (fill["price"] - quotes[at][name]) * side >= 0
        stretch, bound = bounds[side][at]
        given[i, side, stretch] += fill["qty"]
        assert given[i, side, stretch] <= bound


def _bounds(quotes: Sequence[Row], side: int) -> Iterable[tuple[int, int]]:
    """For every quote, which stretch of one price it is in, and what that may have given so far."""
    price, qty = ("ask", "ask_qty") if side > 0 else ("bid", "bid_qty")
    last: dict[int, tuple[int, int, int, int]] = {}  # price, size, stretch, bound
    for k, row in enumerate(quotes):
        was = last.get(row["instrument"])
        if was is None or was[0] != row[price]:
            now = (row[price], row[qty], k, row[qty])
        else:
            now = (was[0], row[qty], was[2], was[3] + max(0, row[qty] - was[1]))
        last[row["instrument"]] = now
        yield now[2:]
