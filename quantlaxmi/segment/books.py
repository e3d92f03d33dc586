"""Books of market data by their use for an order: valid, or the reason why not.

The rule is the engine's: quotes give the top of a book, rebuilt depth until the first quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.depth_tops import DepthKinds
from quantlaxmi._ext.quote_kinds import add_quotes
from quantlaxmi.counted import agreed, counted
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, DepthFlag, InstrumentKind
from quantlaxmi.segment.market_data import MarketData

__all__ = [
    "BookCounts",
    "BookTally",
    "book_counts",
    "book_problems",
    "market_problems",
    "traded_books",
]

#: What a book is, in the order of the counts.
_KINDS: Final = ("valid", "no_side", "crossed", "locked", "no_size")
#: Rows looked at together.
_CHUNK: Final = 1 << 20
_CAUSES: Final = {
    "no_side": "without a bid, an ask or both",
    "crossed": "crossed",
    "locked": "locked (bid = ask)",
    "no_size": "without size",
}


@dataclass(frozen=True)
class BookCounts:
    """Books of one instrument, one after each message that sets its top.

    Attributes
    ----------
    symbol : str
    valid : int
        Both sides, uncrossed, with positive prices and sizes: an order can be filled.
    no_side, crossed, locked, no_size : int
        Not valid; each counts once, under the first that holds in this order.
    depth_messages, depth_snapshots : int
        Of the instrument's depth; without a snapshot no book is built from it.
    """

    symbol: str
    valid: int
    no_side: int
    crossed: int
    locked: int
    no_size: int
    depth_messages: int
    depth_snapshots: int

    @property
    def books(self) -> int:
        """All of them."""
        return self.valid + self.no_side + self.crossed + self.locked + self.no_size


class BookTally:
    """Counts the books of rows that come in order, piece by piece.

    Parameters
    ----------
    symbols : sequence of str
        Of the instruments, by their index.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        n = len(symbols)
        self._symbols = tuple(symbols)
        self._depth = DepthKinds(n)
        self._first_quote = np.full(n, np.iinfo(np.int64).max)
        self._quotes = np.zeros((n, len(_KINDS)), np.int64)
        self._messages = np.zeros((2, n), np.int64)  # all, snapshots

    def add(self, tables: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        """Count the books of further rows.

        Parameters
        ----------
        tables : mapping of str to columns
            Rows that come after all before; ``quotes``, ``depth`` and ``chain`` are read.

        Raises
        ------
        IndexError
            A row names no instrument.
        """
        quotes, depth = tables.get("quotes"), tables.get("depth")
        if quotes is not None and len(quotes["seq"]):
            add_quotes(quotes, self._quotes, self._first_quote)
        if (chain := tables.get("chain")) is not None and len(chain["seq"]):
            self._quotes += _chain_kinds(chain, len(self._symbols))
        if depth is not None and len(depth["seq"]):
            self._depth.add(depth, self._first_quote)
            ends = depth["flags"] & np.int8(DepthFlag.LAST) != 0
            snapshots = ends & (depth["flags"] & np.int8(DepthFlag.SNAPSHOT) != 0)
            for messages, rows in zip(self._messages, (ends, snapshots), strict=True):
                messages += np.bincount(depth["instrument"][rows], minlength=len(messages))

    def counts(self) -> tuple[BookCounts, ...]:
        """Return the counts so far, by instrument."""
        found = self._quotes.copy()
        found[:, :4] += self._depth.counts  # a level of size 0 is deleted
        return tuple(
            BookCounts(symbol, *row, *told)
            for symbol, row, told in zip(
                self._symbols, found.tolist(), self._messages.T.tolist(), strict=True
            )
        )


def _chain_kinds(chain: Mapping[str, NDArray[Any]], n: int) -> I64:
    """Rows of snapshots by instrument and kind."""
    bid, ask = chain["bid"], chain["ask"]
    sized = (chain["bid_qty"] > 0) & (chain["ask_qty"] > 0)
    holds = [(bid <= 0) | (ask <= 0), bid > ask, bid == ask, ~sized]
    kinds = np.select(holds, [1, 2, 3, 4], 0)
    cells = np.bincount(chain["instrument"] * np.int64(5) + kinds, minlength=5 * n)
    return cells.reshape(n, len(_KINDS))


def book_counts(market: MarketData) -> tuple[BookCounts, ...]:
    """Count the books of every instrument, in the market's order.

    Parameters
    ----------
    market : MarketData
    """
    tally = BookTally([one.symbol for one in market.instruments])
    # Quotes first: they tell where depth ends to give the top. Pieces may part a message of depth.
    for name in ("quotes", "depth", "chain"):
        columns = market.columns(name)
        for start in range(0, len(columns["seq"]), _CHUNK):
            part = {key: column[start : start + _CHUNK] for key, column in columns.items()}
            tally.add({name: part})
    return tally.counts()


def traded_books(
    counts: Sequence[BookCounts], instruments: Sequence[Instrument]
) -> list[BookCounts]:
    """Return the counts of instruments that can be traded at all: an index is none.

    Parameters
    ----------
    counts : sequence of BookCounts
    instruments : sequence of Instrument
        In the same order.
    """
    pairs = zip(counts, instruments, strict=True)
    return [books for books, one in pairs if one.kind != InstrumentKind.INDEX]


def book_problems(counts: BookCounts, cadence: str) -> list[str]:
    """Why little or nothing of an instrument can be traded, one sentence each; mostly empty.

    Parameters
    ----------
    counts : BookCounts
    cadence : {"events", "bars", "snapshots"}
        Of the market.
    """
    symbol, n, found = counts.symbol, counts.books, []
    unsnapped = counts.depth_messages and not counts.depth_snapshots
    if not n:
        found.append(f"{symbol} has no quote and no depth: no order can be filled")
    elif 2 * counts.valid < n:
        causes = {name: getattr(counts, name) for name in _KINDS[1:]}
        worst = max(causes, key=lambda name: causes[name])
        why = _CAUSES[worst]
        if worst == "no_size" and cadence == "bars":
            why = "without size, because the volume of its bars shows none"
        if worst == "no_side" and unsnapped and counts.depth_messages >= n:
            why = "unknown, because its depth has no snapshot"
        lead = f"{n - counts.valid:,} of {counted(n, 'book[s]')} of {symbol} cannot be traded on"
        told = f"{lead}, {causes[worst]:,} {agreed(causes[worst], '[is|are]')} {why}"
        if causes[worst] == n:
            every = "the only book" if n == 1 else f"all {n:,} books"
            told = f"{every} of {symbol} {agreed(n, '[is|are]')} {why}"
        found.append(told if counts.valid else f"{told}: no order can be filled")
    if unsnapped and counts.valid:
        found.append(
            f"depth of {symbol} never stands: "
            f"{counted(counts.depth_messages, 'message[s]')}, no snapshot; "
            "orders meet the top alone"
        )
    return found


def market_problems(counts: Sequence[BookCounts], cadence: str) -> list[str]:
    """Why little or nothing of some instruments can be traded.

    Parameters
    ----------
    counts : sequence of BookCounts
        Of all instruments that can be traded (`traded_books`).
    cadence : {"events", "bars", "snapshots"}
        Of the market.

    Returns
    -------
    list of str
        Sentences by instrument; two of all instruments together where the market is snapshots,
        whose instruments are many and mostly far from the money.
    """
    if cadence != "snapshots":
        return [sentence for one in counts for sentence in book_problems(one, cadence)]
    never = [one.symbol for one in counts if not one.valid]
    rarely = [one.symbol for one in counts if 0 < 2 * one.valid < one.books]
    told = (
        (never, "[has|have] no book at all that can be traded on"),
        (rarely, "[has|have] one in less than half of [its|their] snapshots"),
    )
    return [
        f"{counted(len(found), f'instrument[s] {what}', len(counts))}, such as {found[0]}"
        for found, what in told
        if found
    ]
