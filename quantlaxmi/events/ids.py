"""Identifiers made of content: UUIDv8 from a run's header hash, a stage and a sequence.

Nothing is random, so the same run gives the same ids on any machine, and an id can be
recomputed by anyone who holds the trace header. ``docs/TRACE_FORMAT.md`` is normative.
"""

from __future__ import annotations

import enum
import hashlib
import struct
from typing import Final
from uuid import UUID

import msgspec

ID_TAG: Final = b"QLI\x01"
_ID_BODY: Final = struct.Struct("<4s32sBQ")
_VERSION_8: Final = 8 << 76
_VARIANT: Final = 2 << 62
_KEEP: Final = ~((0xF << 76) | (0x3 << 62)) & ((1 << 128) - 1)


class Stage(enum.IntEnum):
    """Kind of thing that an id names; part of the hashed text, so ids of two stages never meet."""

    DECISION = 1
    ORDER = 2
    FILL = 3


def uuid8(digest: bytes) -> UUID:
    """UUID version 8 (RFC 9562) of the first 16 bytes of a digest.

    Parameters
    ----------
    digest : bytes
        At least 16 bytes; 122 of the first 128 bits are kept.

    References
    ----------
    RFC 9562, section 5.8.
    """
    if len(digest) < 16:
        raise ValueError(f"digest was {len(digest)} bytes long; at least 16 were expected")
    return UUID(int=int.from_bytes(digest[:16], "big") & _KEEP | _VERSION_8 | _VARIANT)


def run_id(header_hash: bytes) -> UUID:
    """Id of a run: its header hash (32 bytes) as a UUIDv8."""
    return uuid8(header_hash)


def derived_id(header_hash: bytes, stage: Stage, sequence: int) -> UUID:
    """Id of a decision, order or fill of a run.

    Parameters
    ----------
    header_hash : bytes
        32 bytes, see ``TraceHeader.header_hash``.
    stage : Stage
    sequence : int
        Decision sequence, order number, or index into the fills table; unsigned 64-bit.

    Raises
    ------
    struct.error
        ``sequence`` is negative or wider than 64 bits.
    """
    body = _ID_BODY.pack(ID_TAG, header_hash, int(stage), sequence)
    return uuid8(hashlib.sha256(body).digest())


class CorrelationContext(msgspec.Struct, frozen=True, gc=False):
    """The run, decision, order and market message that an event belongs to.

    Attributes
    ----------
    session_id : str
        The recorded session: the segment digest in hex.
    run_id : UUID or None
        Hash of the trace header as a UUIDv8; None outside a run.
    symbol, venue, strategy_id : str
        Empty where they do not apply.
    decision_id, order_id, fill_id : UUID or None
        Content-derived (see ``ids``); None where the event has none.
    """

    session_id: str = ""
    run_id: UUID | None = None
    symbol: str = ""
    venue: str = ""
    strategy_id: str = ""
    decision_id: UUID | None = None
    order_id: UUID | None = None
    fill_id: UUID | None = None
