"""Format ``upstox-json``: lines of Upstox's market feed, its messages decoded to JSON.

A line is a message; what it says was known at its ``currentTs``. Numbers that the protocol leaves
out are 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.importers.feeds.source import FeedLines, feed_source
from quantlaxmi.importers.feeds.states import LEVELS, States
from quantlaxmi.importers.source import ImportOptions, Inputs, Source
from quantlaxmi.schema import I64

__all__ = ["open_source", "read_lines"]

FORMAT: Final = "upstox-json"
_FEEDS: Final = ("live_feed", "initial_feed")
_OTHER: Final = ("market_info",)
_MAX: Final = 10**15
_MS: Final = 10**6
_NO_BOOK: Final = ((0,) * LEVELS,) * 4


class _Last(msgspec.Struct):
    ltp: float = 0.0
    ltt: str = "0"
    ltq: str = "0"


class _Level(msgspec.Struct):
    bidQ: str = "0"
    bidP: float = 0.0
    askQ: str = "0"
    askP: float = 0.0


class _Levels(msgspec.Struct):
    bidAskQuote: list[_Level] = []


class _Market(msgspec.Struct):
    ltpc: _Last = msgspec.field(default_factory=_Last)
    marketLevel: _Levels | None = None
    firstDepth: _Level | None = None
    vtt: str = "0"


class _Full(msgspec.Struct):
    marketFF: _Market | None = None
    indexFF: _Market | None = None


class _Feed(msgspec.Struct):
    fullFeed: _Full | None = None
    firstLevelWithGreeks: _Market | None = None
    ltpc: _Last | None = None


class _Message(msgspec.Struct):
    type: str
    currentTs: str
    feeds: dict[str, _Feed] = {}


#: Times in ms, instrument, whether an index, last price, size, volume, whether a book, the book.
_State = tuple[int, int, int, int, bool, int, int, int, bool, tuple[tuple[int, ...], ...]]


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Lines of the feed, as a source of trades, depth and quotes.

    Parameters
    ----------
    inputs : sequence of Path or str
        Text, plain or gzip.
    options : ImportOptions
        ``mapping`` names the instruments by key, such as ``"NSE_FO|52583"``.

    Raises
    ------
    InputError
        See `feed_source`.
    ConfigError
        The mapping is not valid.
    """
    return feed_source(inputs, options, FORMAT, "JSON messages", read_lines)


def read_lines(lines: Sequence[tuple[int, bytes]], places: Mapping[str, int]) -> FeedLines:
    """Messages of lines as states.

    Parameters
    ----------
    lines : sequence of (int, bytes)
    places : mapping of str to int
        Number of an instrument by key.
    """
    decode = msgspec.json.Decoder(_Message).decode
    states: list[_State] = []
    clock: list[int] = []
    faults: dict[int, tuple[str, str]] = {}
    passed: Counter[str] = Counter()
    others: set[str] = set()
    for number, line in lines:
        try:
            message = decode(line)
            now = _time(message.currentTs, "currentTs")
            if message.type not in (*_FEEDS, *_OTHER):
                raise _Refused("unknown-stream", f"type was {message.type[:40]!r}")
            found = list(_states(number, now, message, places, passed, others))
        except _Refused as error:
            faults[number] = (error.reason, str(error))
            continue
        except msgspec.ValidationError as error:
            faults[number] = ("wrong-shape", str(error))
            continue
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults[number] = ("not-json", str(error))
            continue
        if now:
            clock.append(now)
        states += found
    return FeedLines(_columns(states), clock, faults, dict(passed), others)


class _Refused(Exception):
    """A line that is set aside."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _states(
    number: int,
    now: int,
    message: _Message,
    places: Mapping[str, int],
    passed: Counter[str],
    others: set[str],
) -> Iterator[_State]:
    """States of the mapping's instruments in a message."""
    for key, feed in message.feeds.items():
        place = places.get(key)
        if place is None:
            passed["state[s] [is|are] of keys that the mapping does not have"] += 1
            others.add(key[:40])
            continue
        full = feed.fullFeed or _Full()
        is_index = full.indexFF is not None
        market = full.marketFF or full.indexFF or feed.firstLevelWithGreeks
        if market is None:
            passed["state[s] [tells|tell] the last price alone, passed over"] += 1
            continue
        levels = [market.firstDepth] if market.firstDepth else None
        levels = market.marketLevel.bidAskQuote if market.marketLevel else levels
        last = market.ltpc
        volume = -1 if is_index else _count(market.vtt, "bad-number", "vtt")
        yield (
            number,
            now,
            _time(last.ltt, "ltt"),
            place,
            is_index,
            _paise(last.ltp, "ltp"),
            0 if is_index else _count(last.ltq, "bad-number", "ltq"),
            volume,
            levels is not None,
            _NO_BOOK if levels is None else _book(levels),
        )


def _book(levels: Sequence[_Level]) -> tuple[tuple[int, ...], ...]:
    if len(levels) > LEVELS:
        raise _Refused(
            "wrong-shape", f"has {counted(len(levels), 'level[s]')}, expected at most {LEVELS}"
        )
    none = (0,) * (LEVELS - len(levels))
    return (
        (*(_paise(one.bidP, "bidP") for one in levels), *none),
        (*(_count(one.bidQ, "bad-quantity", "bidQ") for one in levels), *none),
        (*(_paise(one.askP, "askP") for one in levels), *none),
        (*(_count(one.askQ, "bad-quantity", "askQ") for one in levels), *none),
    )


def _paise(rupees: float, name: str) -> int:
    """Rupees as paise; they have at most two decimals."""
    if not abs(rupees) < _MAX // 100:
        raise _Refused("overflow", f"{name} was {rupees:g}")
    paise = round(rupees * 100)
    if rupees != paise / 100:  # both are the double next to the same decimal
        raise _Refused("too-fine", f"{name} was {rupees!r}, expected at most two decimals")
    return paise


def _count(text: str, reason: str, name: str) -> int:
    """A whole number that is sent as text."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise _Refused(reason, f"{name} was {text[:40]!r}, expected a whole number as text")
    return int(text)


def _time(text: str, name: str) -> int:
    """Milliseconds that are sent as text, as nanoseconds."""
    found = _count(text, "bad-stamp", name) * _MS
    if found >= 2**62:
        raise _Refused("bad-stamp", f"{name} was {text!r}")
    return found


def _columns(states: Sequence[_State]) -> States:
    def column(k: int) -> I64:
        return np.array([one[k] for one in states], np.int64)

    n = len(states)
    return States(
        line=column(0),
        ts_ns=column(1),
        exch_ts_ns=np.zeros(n, np.int64),
        trade_ns=column(2),
        instrument=column(3),
        last=column(5),
        last_qty=column(6),
        volume=column(7),
        is_index=column(4).astype(np.bool_),
        has_book=column(8).astype(np.bool_),
        book=np.array([one[9] for one in states], np.int64).reshape(n, 4, LEVELS),
    )
