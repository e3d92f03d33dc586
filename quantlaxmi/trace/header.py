"""Inputs of a trace: versions, segment, strategy, hashes, seed and instruments.

Backtest and replay of one segment have the same header. Its canonical bytes begin the hashed text
of a trace, and its hash is the run's id. ``docs/TRACE_FORMAT.md`` is normative.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final
from uuid import UUID

import msgspec

from quantlaxmi.errors import TraceError
from quantlaxmi.events.ids import CorrelationContext, Stage, derived_id, run_id
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import SEMANTICS_VERSION, TRACE_SCHEMA_VERSION

HEADER_TAG: Final = b"QLH\x01"
#: Header fields that are 32-byte SHA-256 values, in canonical order.
HASH_FIELDS: Final = ("config_hash", "cost_hash", "latency_hash", "risk_hash")


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<H", len(raw)) + raw


def _optional(value: int | None) -> bytes:
    return b"\x00" if value is None else struct.pack("<Bq", 1, value)


def _contract_bytes(i: Instrument) -> bytes:
    """A whole size priced by the unit as it always was; all others begin with a negative size."""
    if i.contract_exponent == 0 and i.price_units == 1:
        return struct.pack("<q", i.contract_size)
    return struct.pack("<qbq", -i.contract_size, i.contract_exponent, i.price_units)


def _strike_bytes(i: Instrument) -> bytes:
    """The strike, and where there is one the contract's identity, told by 2 in the first byte."""
    strike = _optional(i.strike)
    if i.contract_id is None:
        return strike
    return bytes([strike[0] + 2]) + strike[1:] + _text(i.contract_id)


def _instrument_bytes(i: Instrument) -> bytes:
    return b"".join(
        (
            _text(i.symbol),
            _text(i.venue),
            _text(i.venue_symbol),
            _text(i.kind),
            struct.pack("<bb", i.price_exponent, i.qty_exponent),
            _text(i.currency),
            _text(i.base),
            struct.pack("<qq", i.tick, i.lot),
            _contract_bytes(i),
            _optional(i.expiry_ns),
            _strike_bytes(i),
        )
    )


class TraceHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the decisions and outcomes of a run depend on.

    Attributes
    ----------
    schema_version, semantics_version : int
        Versions of the record layout and of the engine's rules.
    segment_digest : bytes
        32 bytes over the canonical column bytes of the segment.
    strategy_id : str
        Name of the strategy.
    config_hash, cost_hash, latency_hash, risk_hash : bytes
        32 bytes each: SHA-256 over the settings, costs, latencies and limits.
    seed : int
        Unsigned 64-bit.
    instruments : tuple of Instrument
        The segment's; legs and fills name them by index.
    rationales : tuple of str
        Texts that decisions name by index. The hashed header leaves the table out, because each
        record has the hash of its text: equal decisions have one hash, in whatever order a
        strategy's form lists its texts.

    Raises
    ------
    TraceError
        A field is out of range.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> header = backtest("data/planted", "basis_capture").header
    >>> header.strategy_id, len(header.header_hash)
    ('basis_capture', 32)
    """

    segment_digest: bytes
    strategy_id: str
    config_hash: bytes
    cost_hash: bytes
    latency_hash: bytes
    risk_hash: bytes
    instruments: tuple[Instrument, ...]
    seed: int = 0
    rationales: tuple[str, ...] = ()
    schema_version: int = TRACE_SCHEMA_VERSION
    semantics_version: int = SEMANTICS_VERSION

    def __post_init__(self) -> None:
        for name in ("segment_digest", *HASH_FIELDS):
            value = getattr(self, name)
            if not isinstance(value, bytes) or len(value) != 32:
                raise TraceError("trace header", f"was {value!r}; 32 bytes were expected", name)
        if not 0 <= self.seed < 1 << 64:
            raise TraceError(
                "trace header", f"was {self.seed}; 0 to 2**64 - 1 was expected", "seed"
            )

    def canonical_bytes(self) -> bytes:
        """Hashed form of the header, without ``rationales``.

        Raises
        ------
        TraceError
            A value does not fit its field.
        """
        try:
            return b"".join(
                (
                    HEADER_TAG,
                    struct.pack("<HH", self.schema_version, self.semantics_version),
                    self.segment_digest,
                    _text(self.strategy_id),
                    *(getattr(self, name) for name in HASH_FIELDS),
                    struct.pack("<QH", self.seed, len(self.instruments)),
                    *(_instrument_bytes(i) for i in self.instruments),
                )
            )
        except (struct.error, UnicodeEncodeError) as error:
            raise TraceError("trace header", f"a value does not fit its field: {error}") from error

    @property
    def header_hash(self) -> bytes:
        """SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.canonical_bytes()).digest()

    @property
    def run_id(self) -> UUID:
        """The header hash as a UUIDv8."""
        return run_id(self.header_hash)

    def first_difference(self, other: TraceHeader) -> tuple[str, object, object] | None:
        """First hashed field in which two headers differ, with both values; None if equal.

        Differing instruments are named as ``instruments[1].tick``, or ``len(instruments)``.
        """
        for name in self.__struct_fields__:
            a, b = getattr(self, name), getattr(other, name)
            if a == b or name == "rationales":
                continue
            if name != "instruments":
                return name, a, b
            for k, (x, y) in enumerate(zip(a, b, strict=False)):
                for field in Instrument.__struct_fields__:
                    if getattr(x, field) != getattr(y, field):
                        return f"instruments[{k}].{field}", getattr(x, field), getattr(y, field)
            return "len(instruments)", len(a), len(b)
        return None


class Correlator:
    """Makes the `CorrelationContext` of a run's events; one header hash for all.

    Parameters
    ----------
    header : TraceHeader
    """

    __slots__ = ("_hash", "_run_id", "_session", "_strategy", "instruments")

    def __init__(self, header: TraceHeader) -> None:
        self._hash = header.header_hash
        self._run_id = run_id(self._hash)
        self._session = header.segment_digest.hex()
        self._strategy = header.strategy_id
        self.instruments = header.instruments

    def context(
        self,
        instrument: int | None = None,
        *,
        decision: int | None = None,
        order: int | None = None,
        fill: int | None = None,
    ) -> CorrelationContext:
        """Context of an event; negative numbers mean the event has none, as None does.

        Parameters
        ----------
        instrument : int or None
            Index into the header's instruments.
        decision, order, fill : int or None
            Decision sequence, order number, index into the fills.
        """
        symbol = venue = ""
        if instrument is not None:
            symbol, venue = self.instruments[instrument].symbol, self.instruments[instrument].venue
        return CorrelationContext(
            self._session,
            self._run_id,
            symbol,
            venue,
            self._strategy,
            self._id(Stage.DECISION, decision),
            self._id(Stage.ORDER, order),
            self._id(Stage.FILL, fill),
        )

    def _id(self, stage: Stage, number: int | None) -> UUID | None:
        return None if number is None or number < 0 else derived_id(self._hash, stage, number)
