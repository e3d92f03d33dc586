"""Format ``kite-frames``: recorded frames of Kite Connect's ticker, base64 a line.

A line is ``<receive time> <base64>``, the time in milli-, micro- or nanoseconds since the Unix
epoch. It may be left out where every packet of the line tells the exchange's time.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.feeds.instruments import FeedInstrument, load_instruments
from quantlaxmi.importers.feeds.kite_packets import Packet, is_bare, kite_states, split_frame
from quantlaxmi.importers.feeds.source import FeedLines, feed_source
from quantlaxmi.importers.source import ImportOptions, Inputs, Source

__all__ = ["open_source"]

FORMAT: Final = "kite-frames"
#: Nanoseconds in the unit of a time, by its digits.
_UNITS: Final = {13: 10**6, 16: 10**3, 19: 1}
#: Segments of tokens that are read, and the kinds in them.
_SEGMENTS: Final = {1: ("spot",), 2: ("future", "call", "put"), 9: ("index",)}
_TOKEN: Final = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_MAX_NS: Final = 2**62


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Recorded frames, as a source of trades, depth and quotes.

    Parameters
    ----------
    inputs : sequence of Path or str
        Text, plain or gzip.
    options : ImportOptions
        ``mapping`` names the instruments by token.

    Raises
    ------
    InputError
        A token is none, or of a segment that is not read; see `feed_source`.
    ConfigError
        The mapping is not valid.
    """
    entries = load_instruments(options, FORMAT)
    for key, one in entries.items():
        _check_token(options, key, one)
    expected = "'<receive time> <base64 of a frame>'"
    return feed_source(inputs, options, FORMAT, expected, read_lines, entries)


def _check_token(options: ImportOptions, key: str, one: FeedInstrument) -> None:
    place, token = str(options.mapping), int(key) if _TOKEN.fullmatch(key) else 0
    if not 0 < token < 2**32:
        raise InputError(place, f"was {key[:40]!r}, expected a token such as 408065", "instruments")
    kinds = _SEGMENTS.get(token & 0xFF)
    if kinds is None:
        problem = f"is of segment {token & 0xFF}, expected 1 (NSE), 2 (NFO) or 9 (indices)"
        raise InputError(place, problem, f"instruments.{key}")
    if one.kind not in kinds:
        problem = f"was {one.kind!r}, expected {' or '.join(kinds)}: segment {token & 0xFF}"
        raise InputError(place, problem, f"instruments.{key}.kind")


def read_lines(lines: Sequence[tuple[int, bytes]], places: Mapping[str, int]) -> FeedLines:
    """Packets of lines as states.

    Parameters
    ----------
    lines : sequence of (int, bytes)
    places : mapping of str to int
        Number of an instrument by token.
    """
    tokens = {int(key): place for key, place in places.items()}
    packets: list[Packet] = []
    clock: list[int] = []
    faults: dict[int, tuple[str, str]] = {}
    passed: Counter[str] = Counter()
    others: set[str] = set()
    for number, line in lines:
        words = line.split()
        try:
            known = _time(words[0]) if len(words) == 2 else 0
            if len(words) > 2:
                raise _Refused("wrong-shape", f"{counted(len(words), 'word[s]')}")
            found = _packets(words[-1])
        except _Refused as error:
            faults[number] = (error.reason, str(error))
            continue
        if known:
            clock.append(known)
        for data in found:
            token = int.from_bytes(data[:4], "big")
            if token not in tokens:
                passed["packet[s] [is|are] of tokens that the mapping does not have"] += 1
                others.add(str(token))
            elif is_bare(data):
                passed["packet[s] of 8 bytes [tells|tell] the last price alone, passed over"] += 1
            packets.append((number, known, data))
    states = kite_states(packets, tokens)
    return FeedLines(states, clock, faults, dict(passed), others)


class _Refused(Exception):
    """A line that is set aside."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _time(text: bytes) -> int:
    unit = _UNITS.get(len(text), 0) if text.isdigit() else 0
    if not unit or not 0 < int(text) * unit < _MAX_NS:
        raise _Refused("bad-stamp", f"{text[:40].decode('ascii', 'backslashreplace')!r}")
    return int(text) * unit


def _packets(text: bytes) -> list[bytes]:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise _Refused("not-base64", f"{counted(len(text), 'character[s]')}") from None
    try:
        return split_frame(data)
    except ValueError as error:
        raise _Refused("wrong-length", str(error)) from None
