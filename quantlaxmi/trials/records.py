"""What a trial ledger holds: trials, seals of holdouts, their openings and what was found."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from quantlaxmi.canonical import canonical_json
from quantlaxmi.instruments import Instrument
from quantlaxmi.segment import MarketData, MemorySegment, Window

__all__ = [
    "Answer",
    "Extent",
    "Judgement",
    "Opening",
    "Purpose",
    "Record",
    "Seal",
    "Trial",
    "TrialKey",
    "Writer",
    "encoded",
    "extent_of",
    "identity",
]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Text = Annotated[str, msgspec.Meta(max_length=4096)]
#: An integer of any width: JSON numbers of more than 64 bits are not read by everybody.
IntText = Annotated[str, msgspec.Meta(pattern="^(0|-?[1-9][0-9]{0,199})$")]
Answer = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Purpose = Literal["backtest", "replay", "gates", "grid", "holdout"]

_SEAL_TAG: Final = b"quantlaxmi.seal.v1\0"
_OPENING_TAG: Final = b"quantlaxmi.opening.v1\0"


class TrialKey(NamedTuple):
    """What makes a trial one: those of equal keys count once.

    Attributes
    ----------
    segment : str
        Digest of the data, of a window its own.
    strategy : str
    code : str
        `code_digest` of the strategy, hexadecimal.
    config : str
        Hash of its settings.
    """

    segment: str
    strategy: str
    code: str
    config: str


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what lines hold."""


class Extent(_Struct, frozen=True, kw_only=True):
    """Which data something was done on.

    Attributes
    ----------
    segment, parent : str
        Digest of the data, and of the whole recording that they were cut from.
    first_ns, last_ns : int
        Receive times of the first and the last message that could be traded on.
    instruments : tuple of str
        Symbols, sorted.
    """

    segment: Sha256
    parent: Sha256
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    instruments: Annotated[tuple[Name, ...], msgspec.Meta(max_length=10_000)]

    def overlaps(self, other: Extent) -> bool:
        """Whether two ranges of time overlap and have an instrument in common."""
        return (
            self.first_ns <= other.last_ns
            and other.first_ns <= self.last_ns
            and not set(self.instruments).isdisjoint(other.instruments)
        )

    def counts_for(self, other: Extent) -> bool:
        """Whether what was tried here bears on the other: one parent, or overlapping ranges."""
        return self.parent == other.parent or self.overlaps(other)


class Writer(_Struct, frozen=True, kw_only=True, tag="writer", tag_field="kind"):
    """First line of a file: whose it is.

    Attributes
    ----------
    place : str
        Hash of the machine, the user and the folder; a copy of the folder has another.
    """

    place: Sha256


class Trial(_Struct, frozen=True, kw_only=True, tag="trial", tag_field="kind"):
    """One setting of one strategy, run on some data.

    Attributes
    ----------
    data : Extent
        With the instruments that the strategy trades.
    strategy : str
    code : str
        `code_digest`, hexadecimal.
    config : dict of str to str
        Settings as ``--set`` reads them.
    config_hash : str
    run : str
        ``outcome_hash`` of the run.
    total, squares : str or None
        Sum of the gross of 200 clock buckets, and of its squares: Z = total/sqrt(squares). None
        where money was in several currencies.
    round_trips : int
    purpose : str
        What it was run for.
    """

    data: Extent
    strategy: Name
    code: Sha256
    config: Annotated[dict[Name, Text], msgspec.Meta(max_length=1000)]
    config_hash: Sha256
    run: Sha256
    total: IntText | None
    squares: IntText | None
    round_trips: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    purpose: Purpose

    @property
    def key(self) -> TrialKey:
        """What it counts once by."""
        return TrialKey(self.data.segment, self.strategy, self.code, self.config_hash)


class Seal(_Struct, frozen=True, kw_only=True, tag="seal", tag_field="kind"):
    """Rows that are not to be read until one setting is named.

    Attributes
    ----------
    data : Extent
        The data when they were sealed, with all instruments.
    from_ns : int
        Receive time of the first sealed row, or before it.
    """

    data: Extent
    from_ns: Nanoseconds

    @property
    def seal_id(self) -> str:
        """SHA-256 of the seal, hexadecimal: equal seals are one."""
        return hashlib.sha256(_SEAL_TAG + encoded(self)).hexdigest()

    def covers(self, data: Extent) -> bool:
        """Whether the data have sealed rows, or the same times of the same instruments."""
        if data.parent == self.data.parent:
            return data.last_ns >= self.from_ns
        held = msgspec.structs.replace(self.data, first_ns=self.from_ns)
        return held.overlaps(data)


class Opening(
    _Struct, frozen=True, kw_only=True, tag="opening", tag_field="kind", omit_defaults=True
):
    """The one opening of a seal, for one question; it is written before a sealed row is read.

    Attributes
    ----------
    seal : str
        `Seal.seal_id`.
    strategy, code : str
    config : dict of str to str
    config_hash : str
    question : str or None
        Hash of all else that the verdict depends on. None in lines that were written before there
        was one: they are never gone on with.
    """

    seal: Sha256
    strategy: Name
    code: Sha256
    config: Annotated[dict[Name, Text], msgspec.Meta(max_length=1000)]
    config_hash: Sha256
    question: Sha256 | None = None

    @property
    def opening_id(self) -> str:
        """SHA-256 of the opening, hexadecimal: the same question is the same opening."""
        return hashlib.sha256(_OPENING_TAG + encoded(self)).hexdigest()


class Judgement(_Struct, frozen=True, kw_only=True, tag="judgement", tag_field="kind"):
    """What was found in the rows that an opening asked for.

    Attributes
    ----------
    opening : str
        `Opening.opening_id`.
    verdict : str
    reason : str
    run : str
        ``outcome_hash`` of the run.
    report : str
        ``report_hash``.
    """

    opening: Sha256
    verdict: Answer
    reason: Text
    run: Sha256
    report: Sha256


Record = Writer | Trial | Seal | Opening | Judgement


def encoded(record: msgspec.Struct) -> bytes:
    """Canonical JSON of a record or a line."""
    return canonical_json(msgspec.to_builtins(record))


def identity(record: Record) -> object:
    """What makes a line say nothing new, where another line has it."""
    if isinstance(record, Trial):
        return record.key, record.run, record.purpose
    return encoded(record)


def _parent(market: MarketData) -> str:
    """Digest of the whole recording: of a part's parent, or of the data a window was cut from."""
    source = market.source if isinstance(market, Window) else market
    manifest = None if isinstance(source, MemorySegment) else getattr(source, "manifest", None)
    parent = getattr(manifest, "parent", None)
    return source.origin if parent is None else str(parent.digest)


def extent_of(market: MarketData, instruments: tuple[Instrument, ...] | None = None) -> Extent:
    """Which data these are.

    Parameters
    ----------
    market : MarketData
    instruments : tuple of Instrument, optional
        Those that matter; all by default.

    Returns
    -------
    Extent

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> segment = open_segment("data/planted")
    >>> extent_of(segment).counts_for(extent_of(Window(segment, 0, 9_999)))
    True
    """
    named = market.instruments if instruments is None else instruments
    return Extent(
        segment=market.digest,
        parent=_parent(market),
        first_ns=market.first_ts_ns,
        last_ns=market.last_ts_ns,
        instruments=tuple(sorted({one.symbol for one in named})),
    )
