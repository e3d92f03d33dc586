"""The JSON of Binance's streams as typed structures, and the exact reading of one line.

Field names are the venue's. Unknown fields are ignored, because the venue adds some from time to
time; a known field of another type makes the line a wrong shape.

References
----------
Binance, "WebSocket Streams" (spot) and "USDⓈ-M Futures Websocket Market Streams".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from quantlaxmi.schema import EventKind

#: Kind of a depth snapshot (a REST answer, without ``stream``); the others are `EventKind` values.
SNAPSHOT: Final = 5

Levels = tuple[tuple[str, str], ...]
#: How levels are read: `Levels`, or ``msgspec.Raw`` for JSON that is left as it is.
L = TypeVar("L")


class BookTicker(msgspec.Struct, gc=False):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str
    E: int = 0
    T: int = 0
    e: Literal["bookTicker"] = "bookTicker"


class Trade(msgspec.Struct, gc=False):
    t: int
    s: str
    p: str
    q: str
    m: bool
    E: int = 0
    T: int = 0
    X: str | UnsetType = UNSET  # the perpetual's streams alone
    M: bool | UnsetType = UNSET  # the spot streams alone
    e: Literal["trade"] = "trade"


class DepthUpdate(msgspec.Struct, Generic[L], gc=False):
    U: int
    u: int
    s: str
    b: L
    a: L
    E: int = 0
    T: int = 0
    pu: int | UnsetType = UNSET  # the perpetual's streams alone
    e: Literal["depthUpdate"] = "depthUpdate"


class MarkPrice(msgspec.Struct, gc=False):
    E: int
    s: str
    p: str
    r: str
    T: int  # next funding
    i: str = ""
    e: Literal["markPriceUpdate"] = "markPriceUpdate"


class DepthSnapshot(msgspec.Struct, Generic[L], gc=False):
    lastUpdateId: int
    bids: L
    asks: L
    E: int = 0
    T: int = 0
    stream: str | UnsetType = UNSET  # with one, the line is a stream's and no snapshot


class BookTickerLine(msgspec.Struct, gc=False):
    stream: str
    data: BookTicker


class TradeLine(msgspec.Struct, gc=False):
    stream: str
    data: Trade


class DepthLine(msgspec.Struct, Generic[L], gc=False):
    stream: str
    data: DepthUpdate[L]


class MarkPriceLine(msgspec.Struct, gc=False):
    stream: str
    data: MarkPrice


#: Reader of a line by its kind.
DECODERS: Final[tuple[Callable[[bytes], object] | None, ...]] = (
    None,
    msgspec.json.Decoder(TradeLine).decode,
    msgspec.json.Decoder(DepthLine[Levels]).decode,
    msgspec.json.Decoder(BookTickerLine).decode,
    msgspec.json.Decoder(MarkPriceLine).decode,
    msgspec.json.Decoder(DepthSnapshot[Levels]).decode,
)

#: The same, with the levels of books left as they are.
RAW_DECODERS: Final = (
    *DECODERS[: EventKind.DEPTH],
    msgspec.json.Decoder(DepthLine[msgspec.Raw]).decode,
    *DECODERS[EventKind.DEPTH + 1 : SNAPSHOT],
    msgspec.json.Decoder(DepthSnapshot[msgspec.Raw]).decode,
)

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Raw is checked for syntax but not converted: a number out of range is no fault of syntax.
_SYNTAX: Final = msgspec.json.Decoder(msgspec.Raw).decode
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ANY: Final = msgspec.json.Decoder().decode

_STREAM = re.compile(r"[a-z0-9_]{1,40}@(?:(bookTicker)|(trade)|(depth)(?:@[0-9]{1,5}ms)?|"
                     r"(markPrice)(?:@[13]s)?)")  # fmt: skip
_KINDS: Final = {
    "bookTicker": EventKind.QUOTE,
    "trade": EventKind.TRADE,
    "depth": EventKind.DEPTH,
    "markPrice": EventKind.FUNDING,
}


def stream_kind(stream: str) -> int:
    """`EventKind` of a stream's name, 0 for a stream this format does not have."""
    match = _STREAM.fullmatch(stream)
    return int(_KINDS[match.group(match.lastindex or 0)]) if match else 0


def classify(body: bytes) -> tuple[int, object, str, str]:
    """Read one line whatever it is.

    Parameters
    ----------
    body : bytes
        The line after its stamp.

    Returns
    -------
    kind : int
        Index into `DECODERS`; 0 for a line to set aside.
    line : object
        The decoded line, None for one to set aside.
    fault : str
        Name of the reason, one of ``_ext.binance_rows.FAULTS``; empty where there is none.
    detail : str
        What was found.
    """
    try:
        _SYNTAX(body)
    except _UNREADABLE as error:
        return 0, None, "not-json", _one_line(error)
    try:
        content = _OBJECT(body)
        stream = _ANY(content["stream"]) if "stream" in content else None
    except _UNREADABLE as error:
        return 0, None, "wrong-shape", _one_line(error)
    if "stream" not in content:
        if "lastUpdateId" not in content:
            return 0, None, "wrong-shape", "neither stream nor lastUpdateId"
        kind = SNAPSHOT
    elif not isinstance(stream, str):
        return 0, None, "wrong-shape", "stream is not a text"
    else:
        kind = stream_kind(stream)
        if kind == 0:
            return 0, None, "unknown-stream", repr(stream[:60])
    decode = DECODERS[kind]
    assert decode is not None
    try:
        return kind, decode(body), "", ""
    except _UNREADABLE as error:
        return 0, None, "wrong-shape", _one_line(error)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
