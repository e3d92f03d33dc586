"""Packets of Kite Connect's ticker: what a frame holds, and states by length of the packet.

Source: kite.trade/docs/connect/v3/websocket. Integers are big-endian and signed.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.importers.feeds.states import LEVELS, States
from quantlaxmi.schema import I64

__all__ = ["LENGTHS", "Packet", "is_bare", "kite_states", "price_exponent", "split_frame"]

#: What packets of a length are.
LENGTHS: Final = {
    8: "last price",
    28: "index",
    32: "index with its time",
    44: "quote",
    184: "quote with depth",
}
#: Decimals of prices by segment, the last byte of a token; 2 for all others.
_DECIMALS: Final = {3: 7, 6: 4}
#: Packets that are a value where the token is an index's, as those of 8 bytes can be.
_INDEX: Final = (8, 28, 32)
_INDEX_SEGMENT: Final = 9
_SECOND: Final = 10**9
_LEVEL: Final = np.dtype([("qty", ">i4"), ("price", ">i4"), ("orders", ">i2"), ("pad", ">i2")])
#: Line, time that it was known at (0: not told), packet.
Packet = tuple[int, int, bytes]


def price_exponent(token: int) -> int:
    """Power of ten of the prices of a token.

    Examples
    --------
    >>> price_exponent(408065), price_exponent(256 * 7 + 3)
    (-2, -7)
    """
    return -_DECIMALS.get(token & 0xFF, 2)


def split_frame(data: bytes) -> list[bytes]:
    """Packets of a frame from the socket, or the only one that the bytes are.

    A frame is a count, then each packet behind its length, all of two bytes. A single byte is a
    heartbeat.

    Raises
    ------
    ValueError
        The bytes are neither, or a packet has a length that is none of `LENGTHS`.

    Examples
    --------
    >>> [len(one) for one in split_frame(bytes([0, 1, 0, 8]) + bytes(8))], split_frame(b"x")
    ([8], [])
    """
    if len(data) == 1:
        return []
    packets: list[bytes] = []
    wrong = ""
    at = 2
    count = struct.unpack_from(">h", data)[0] if len(data) >= 2 else -1
    for k in range(max(count, 0)):
        if at + 2 > len(data):
            break
        length = struct.unpack_from(">h", data, at)[0]
        if length not in LENGTHS:
            wrong = f", as a frame of {count} its packet {k + 1} has {length}"
            break
        packets.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    if not wrong and len(packets) == count and at == len(data):
        return packets
    if len(data) in LENGTHS:
        return [data]
    raise ValueError(f"{counted(len(data), 'byte[s]')}{wrong}")


def is_bare(data: bytes) -> bool:
    """Whether a packet tells the last price of something traded alone, without a size."""
    return len(data) == 8 and data[3] != _INDEX_SEGMENT


def kite_states(packets: Sequence[Packet], places: Mapping[int, int]) -> States:
    """States of packets whose token is known, in the order of the packets.

    Parameters
    ----------
    packets : sequence of (int, int, bytes)
        Line, time it was known at or 0, and a packet of a length of `LENGTHS`.
    places : mapping of int to int
        Number of an instrument by token. Packets of 8 bytes tell no size and give no state but
        of an index.

    Returns
    -------
    States
        ``ts_ns`` is the exchange's time where a line has none, and 0 where that is not told.
    """
    kept: dict[int, list[int]] = {length: [] for length in LENGTHS}
    for k, (_, _, data) in enumerate(packets):
        if int.from_bytes(data[:4], "big") in places and not is_bare(data):
            kept[len(data)].append(k)
    parts = [_states(packets, rows, length, places) for length, rows in kept.items()]
    names = States.__slots__
    whole = States(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))
    order = np.argsort(np.concatenate([np.array(rows, np.int64) for rows in kept.values()]))
    return whole.take(order)


def _states(
    packets: Sequence[Packet], rows: list[int], length: int, places: Mapping[int, int]
) -> States:
    """States of packets of one length."""
    n, n_words = len(rows), min(length, 64) // 4
    raw = np.frombuffer(b"".join(packets[k][2] for k in rows), np.uint8).reshape(n, length)
    words = np.ascontiguousarray(raw[:, : 4 * n_words]).view(">i4").astype(np.int64)
    none = np.zeros(n, np.int64)
    is_index, full = length in _INDEX, length == 184
    exchange, traded = none, none
    if full:
        exchange, traded = words[:, 15] * _SECOND, words[:, 11] * _SECOND
    elif length == 32:
        exchange = words[:, 7] * _SECOND
    known = np.array([packets[k][1] for k in rows], np.int64)
    return States(
        line=np.array([packets[k][0] for k in rows], np.int64),
        ts_ns=np.where(known > 0, known, exchange),
        exch_ts_ns=exchange,
        trade_ns=traded,
        instrument=np.array([places[int(t) & 0xFFFFFFFF] for t in words[:, 0]], np.int64),
        last=words[:, 1],
        last_qty=none if is_index else words[:, 2],
        volume=none - 1 if is_index else np.where(words[:, 4] < 0, -2, words[:, 4]),
        is_index=np.full(n, is_index),
        has_book=np.full(n, full),
        book=_book(raw[:, 64:]) if full else np.zeros((n, 4, LEVELS), np.int64),
    )


def _book(raw: np.ndarray) -> I64:
    """Levels of packets: five bids, then five asks."""
    levels = np.ascontiguousarray(raw).view(_LEVEL)
    price, qty = levels["price"].astype(np.int64), levels["qty"].astype(np.int64)
    sides = (price[:, :LEVELS], qty[:, :LEVELS], price[:, LEVELS:], qty[:, LEVELS:])
    return np.stack(sides, 1)
