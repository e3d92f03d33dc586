"""Cells of CSV layouts, each read from its text by its definition, and the layouts' columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import EventKind

UNIT = Fraction(1, 10**8)
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


class Faulty(Exception):
    """The reason a line is set aside for."""


class TooFine(Exception):
    """Digits that the exponent does not keep, in a format that refuses the file for them."""


@dataclass
class Lane:
    """One file; ``layout`` is a key of `LAYOUTS`."""

    layout: str
    text: bytes
    symbol: str = "BTCUSDT"
    exchange: str = "binance-futures"
    n_header: int = 1
    instrument: int = 0
    fine_ends: bool = False
    day: tuple[int, int] = (0, 0)
    units: dict[str, int] = field(default_factory=dict)
    last_id: str = ""


def mantissa(lane: Lane, text: str) -> int:
    match = DECIMAL.fullmatch(text)
    if not match:
        raise Faulty("bad-decimal")
    power = match[1] or "0"
    if len(power.lstrip("+-0")) > 4:  # never written out: far beyond 64 bits, far too fine, or 0
        text = text[: match.start(1)] + power.replace(power.lstrip("+-0"), "9999")
    value = Fraction(text) / UNIT
    if value.denominator != 1:
        if lane.fine_ends:
            raise TooFine(text)
        raise Faulty("too-fine")
    if not -(2**63) <= value < 2**63:
        raise Faulty("overflow")
    return int(value)


def price(lane: Lane, name: str, text: str) -> int:
    value = mantissa(lane, text)
    if value <= 0:
        raise Faulty("price-not-positive")
    return value


def price_or_none(lane: Lane, name: str, text: str) -> int:
    """0 says that the side is absent."""
    value = mantissa(lane, text)
    if value < 0:
        raise Faulty("price-not-positive")
    return value


def qty(lane: Lane, name: str, text: str) -> int:
    value = mantissa(lane, text)
    if value < 0:
        raise Faulty("bad-quantity")
    return value


def size(lane: Lane, name: str, text: str) -> int:
    value = mantissa(lane, text)
    if value < 1:
        raise Faulty("bad-quantity")
    return value


def traded(lane: Lane, name: str, text: str) -> int:
    """Of a trade of a venue that prints doubles: rounded where it is too fine."""
    try:
        return size(lane, name, text)
    except TooFine:
        power = text.lower().partition("e")[2] or "0"
        # Below 10**-999 nothing is left of the few digits of a cell.
        value = 0 if int(power) < -9999 else round(Fraction(text) / UNIT)
        if not value < 2**63:
            raise Faulty("overflow") from None
        if value < 1:
            raise Faulty("bad-quantity") from None
        return value


def rate(lane: Lane, name: str, text: str) -> int:
    value = mantissa(Lane("", b""), text)
    if abs(value) > 10**8:
        raise Faulty("overflow")
    return value


def stamp(*allowed: int) -> Callable[[Lane, str, str], int]:
    def read(lane: Lane, name: str, text: str) -> int:
        if not re.fullmatch("[0-9]{1,19}", text):
            raise Faulty("bad-stamp")
        for unit in (10**6, 10**3, 1):
            if 10**17 <= int(text) * unit <= 9_200_000_000_000_000_000:
                break
        else:
            raise Faulty("bad-stamp")
        if unit not in allowed or lane.units.setdefault(name, unit) != unit:
            raise Faulty("stamp-unit")
        return int(text) * unit

    return read


any_stamp, us_stamp, ms_stamp = stamp(10**6, 10**3), stamp(10**3), stamp(10**6)


def seconds(lane: Lane, name: str, text: str) -> int:
    match = DECIMAL.fullmatch(text)
    if not match or len((match[1] or "").lstrip("+-0")) > 4:
        raise Faulty("bad-stamp")
    value = Fraction(text) * 10**9
    if value.denominator != 1 or not 10**17 <= value <= 9_200_000_000_000_000_000:
        raise Faulty("bad-stamp")
    return int(value)


def hours(lane: Lane, name: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) > 1000:
        raise Faulty("bad-number")
    return int(text)


def whole(lane: Lane, name: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Faulty("bad-number")
    return int(text)


def previous(lane: Lane, name: str, text: str) -> int:
    return -1 if text == "-1" else whole(lane, name, text)


def trade_id(lane: Lane, name: str, text: str) -> int:
    if text and text == lane.last_id:
        raise Faulty("duplicate-id")
    lane.last_id = text
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


def words(**values: int) -> Callable[[Lane, str, str], int]:
    # A name cannot begin with a digit.
    known = {name.removeprefix("_"): value for name, value in values.items()}

    def read(lane: Lane, name: str, text: str) -> int:
        if text not in known:
            raise Faulty("bad-word")
        return known[text]

    return read


BOOLEAN = {"true": 1, "True": 1, "TRUE": 1, "_1": 1, "false": 0, "False": 0, "FALSE": 0, "_0": 0}
boolean = words(**BOOLEAN)
is_snapshot = words(**BOOLEAN, snap=1, set=0)
maker = words(**{k: -1 if v else 1 for k, v in BOOLEAN.items()})
taker = words(buy=1, Buy=1, sell=-1, Sell=-1, unknown=0)
side = words(_0=1, b=1, bid=1, _1=-1, a=-1, ask=-1)


def exchange(lane: Lane, name: str, text: str) -> int:
    if text != lane.exchange:
        raise Faulty("wrong-symbol")
    return 0


def symbol(lane: Lane, name: str, text: str) -> int:
    if text != lane.symbol:
        raise Faulty("wrong-symbol")
    return 0


def stream(pattern: str) -> Callable[[Lane, str, str], int]:
    def read(lane: Lane, name: str, text: str) -> int:
        match = re.fullmatch(rf"([a-z0-9_]{{1,40}})@{pattern}", text)
        if not match:
            raise Faulty("unknown-stream")
        return symbol(lane, name, match[1].upper())

    return read


def event(wanted: str) -> Callable[[Lane, str, str], int]:
    def read(lane: Lane, name: str, text: str) -> int:
        if text != wanted:
            raise Faulty("unknown-stream")
        return 0

    return read


def anything(lane: Lane, name: str, text: str) -> int:
    return 0


HEAD = [("exchange", "", exchange), ("symbol", "", symbol), ("timestamp", "exch", us_stamp),
        ("local_timestamp", "recv", us_stamp)]  # fmt: skip
AGG_TRADES: list[tuple[str, str, Any]] = [
    ("agg_trade_id", "id", whole), ("price", "price", price), ("quantity", "qty", size),
    ("first_trade_id", "", whole), ("last_trade_id", "", whole),
    ("transact_time", "recv", any_stamp), ("is_buyer_maker", "side", maker),
]  # fmt: skip
VENUE_TRADES: list[tuple[str, str, Any]] = [
    ("id", "id", whole), ("price", "price", price), ("qty", "qty", size),
    ("quote_qty", "", anything), ("time", "recv", any_stamp), ("is_buyer_maker", "side", maker),
]  # fmt: skip
#: Columns in order as (name, field, reader), of each layout: (kind, grouping, columns).
LAYOUTS: dict[str, tuple[EventKind, str, list[tuple[str, str, Any]]]] = {
    "trade": (EventKind.TRADE, "line", [
        ("TimestampOfReceive", "recv", any_stamp), ("Stream", "", stream("trade")),
        ("EventType", "", event("trade")), ("EventTime", "event", any_stamp),
        ("TransactionTime", "exch", any_stamp), ("Symbol", "", symbol), ("TradeId", "id", whole),
        ("Price", "price", price), ("Quantity", "qty", size), ("IsBuyerMarketMaker", "side", maker),
        ("MUnknownParameter", "", boolean)]),
    "difference_depth": (EventKind.DEPTH, "ids", [
        ("TimestampOfReceive", "recv", any_stamp),
        ("Stream", "", stream(r"depth(?:@[0-9]{1,5}ms)?")), ("EventType", "", event("depthUpdate")),
        ("EventTime", "event", any_stamp), ("Symbol", "", symbol),
        ("FirstUpdateId", "first", whole), ("FinalUpdateId", "id", whole),
        ("IsAsk", "side", side), ("Price", "price", price),
        ("Quantity", "qty", qty)]),
    "depth_snapshot": (EventKind.DEPTH, "ids", [
        ("TimestampOfReceive", "recv", any_stamp), ("TimestampOfRequest", "request", any_stamp),
        ("LastUpdateId", "id", whole), ("IsAsk", "side", side), ("Price", "price", price),
        ("Quantity", "qty", size)]),
    "aggTrades": (EventKind.TRADE, "line", AGG_TRADES),
    "aggTrades_spot": (EventKind.TRADE, "line", [*AGG_TRADES, ("is_best_match", "", boolean)]),
    "bookTicker": (EventKind.QUOTE, "line", [
        ("update_id", "id", whole), ("best_bid_price", "bid", price),
        ("best_bid_qty", "bid_qty", qty), ("best_ask_price", "ask", price),
        ("best_ask_qty", "ask_qty", qty),
        ("transaction_time", "exch", any_stamp), ("event_time", "recv", any_stamp)]),
    "fundingRate": (EventKind.FUNDING, "line", [
        ("calc_time", "recv", any_stamp), ("funding_interval_hours", "hours", hours),
        ("last_funding_rate", "rate", rate)]),
    "trades_perp": (EventKind.TRADE, "line", VENUE_TRADES),
    "trades_spot": (EventKind.TRADE, "line", [*VENUE_TRADES, ("is_best_match", "", boolean)]),
    "T_DEPTH": (EventKind.DEPTH, "ids", [
        ("symbol", "", symbol), ("timestamp", "recv", any_stamp),
        ("first_update_id", "first", whole),
        ("last_update_id", "id", whole), ("side", "side", side),
        ("update_type", "snapshot", is_snapshot), ("price", "price", price), ("qty", "qty", qty),
        ("pu", "prev", previous)]),
    "okx_trades": (EventKind.TRADE, "line", [
        ("instrument_name", "", symbol), ("trade_id", "id", whole), ("side", "side", taker),
        ("price", "price", price), ("size", "qty", traded), ("created_time", "recv", ms_stamp),
        ("source", "", whole)]),
    "bybit_trading": (EventKind.TRADE, "line", [
        ("timestamp", "recv", seconds), ("symbol", "", symbol), ("side", "side", taker),
        ("size", "qty", traded), ("price", "price", price), ("tickDirection", "", anything),
        ("trdMatchID", "id", trade_id), ("grossValue", "", anything),
        ("homeNotional", "", anything), ("foreignNotional", "", anything)]),
    "bybit_spot": (EventKind.TRADE, "line", [
        ("id", "id", trade_id), ("timestamp", "recv", ms_stamp), ("price", "price", price),
        ("volume", "qty", traded), ("side", "side", taker)]),
    "quotes": (EventKind.QUOTE, "line", [
        *HEAD, ("ask_amount", "ask_qty", qty), ("ask_price", "ask", price),
        ("bid_price", "bid", price), ("bid_amount", "bid_qty", qty)]),
    "trades": (EventKind.TRADE, "line", [
        *HEAD, ("id", "id", trade_id), ("side", "side", taker), ("price", "price", price),
        ("amount", "qty", traded)]),
    "incremental_book_L2": (EventKind.DEPTH, "stamps", [
        *HEAD, ("is_snapshot", "snapshot", is_snapshot), ("side", "side", side),
        ("price", "price", price), ("amount", "qty", qty)]),
    "book_snapshot_2": (EventKind.DEPTH, "line", [
        *HEAD, *[(f"{s}s[{k}].{w}", f"{s}{k}{w}", price if w == "price" else size)
                 for k in range(2) for s in ("ask", "bid") for w in ("price", "amount")]]),
    "derivative_ticker": (EventKind.FUNDING, "line", [
        *HEAD, ("funding_timestamp", "next", us_stamp), ("funding_rate", "rate", rate),
        ("predicted_funding_rate", "", anything), ("open_interest", "", anything),
        ("last_price", "", anything), ("index_price", "index", price),
        ("mark_price", "mark", price)]),
}  # fmt: skip
DECIMALS = {price, qty, size, traded, rate, whole, hours, previous}
