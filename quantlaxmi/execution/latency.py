"""Latency of orders to the venue, and of news about them back to the strategy.

Entry latency is in the time of the recording: an order that arrives at a receive time meets what
was received until then. So it covers the way to the venue and the transit of market data back.

Each is a constant or is drawn from a table of measured values. A draw is a function of the run's
seed and configuration and of a number: of the decision for entry (its orders arrive together), of
the order for response. Nothing else moves it: not other orders, not the data that follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import msgspec

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.files import read_bounded
from quantlaxmi.recent import Recent
from quantlaxmi.settings import Place, Reads, Settings
from quantlaxmi.settings.place import told

#: One millisecond: a co-located taker's order of magnitude, never zero by default.
DEFAULT_LATENCY_NS: Final = 1_000_000
#: Ten years: orders on bars can be late by many bars.
MAX_LATENCY_NS: Final = 3653 * 24 * 3600 * 10**9
#: Measured values of a table; they are stored with a report.
MAX_VALUES: Final = 65_536
MAX_TABLE_BYTES: Final = 2 << 20

#: Constant, table and key of entry and of response, as an engine takes them.
Delays = tuple[tuple[int, Sequence[int], int], tuple[int, Sequence[int], int]]


class Latency(msgspec.Struct, frozen=True):
    """One latency: a constant, or a table of measured values to draw from.

    Attributes
    ----------
    constant_ns : int
        Where there is no table.
    table_ns : tuple of int
        Each as likely as any other; a value measured twice is listed twice.
    """

    constant_ns: int = 0
    table_ns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.table_ns) > MAX_VALUES:
            raise ConfigError(
                "latency", f"has {len(self.table_ns)} values, expected at most {MAX_VALUES}"
            )
        for value in self.table_ns or (self.constant_ns,):
            if type(value) is not int or not 0 <= value <= MAX_LATENCY_NS:
                raise Place("latency").was(value, f"whole nanoseconds, 0 to {MAX_LATENCY_NS}")

    @property
    def largest_ns(self) -> int:
        """The constant, or the table's largest value."""
        return max(self.table_ns, default=self.constant_ns)

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.table_ns

    def describe(self) -> dict[str, Any]:
        """Return plain values."""
        if self.table_ns:
            return {"table_ns": list(self.table_ns)}
        return {"constant_ns": self.constant_ns}


def _read(value: Any, at: Place) -> Latency:
    """Read one number, a list of them, or the name of a file next to the source."""
    try:
        if isinstance(value, dict):
            if value.keys() != {"table"} or not isinstance(value["table"], str):
                raise at.was(value, '{table = "FILE"}')
            return Latency(table_ns=_table(value["table"], at))
        if isinstance(value, list):
            if not value:
                raise at.fail("is empty, expected measured nanoseconds")
            return Latency(table_ns=tuple(value))
        return Latency(value)
    except ConfigError as error:
        if error.source != "latency":
            raise
        raise at.fail(error.problem) from None


def _table(name: str, at: Place) -> tuple[int, ...]:
    """Values of a file next to the TOML: one a line, a first line ``ns`` aside."""
    if not name or Path(name).name != name or "\0" in name:
        raise at.fail(f"table was {told(name)}, expected a file's name in the folder of this one")
    folder = Path(str(at.source)).parent
    try:
        raw = read_bounded(folder, name, MAX_TABLE_BYTES)
    except InputError as error:
        raise at.fail(f"table {told(name)}: {error.problem}") from None
    lines = raw.split(b"\n")
    if lines and lines[-1].strip() == b"":
        lines.pop()
    first = 1 if lines and lines[0].strip() == b"ns" else 0
    values = []
    for number, line in enumerate(lines[first:], first + 1):
        place, text = Place(folder / name, f"line {number}"), line.strip()
        if not (text.isdigit() and text.isascii() and len(text) <= 20):
            raise place.was(text.decode("ascii", "replace"), "whole nanoseconds")
        if int(text) > MAX_LATENCY_NS:
            raise place.was(int(text), f"at most {MAX_LATENCY_NS}")
        values.append(int(text))
        if len(values) > MAX_VALUES:
            raise place.fail(f"has more values than {MAX_VALUES}")
    if not values:
        raise Place(folder / name).fail("is empty, expected measured nanoseconds")
    return tuple(values)


_READS: Final = Reads(_read, "whole nanoseconds, a list of them or a table", Latency.describe)


class LatencyModel(Settings, frozen=True, kw_only=True):
    """Latencies of a run, read from a TOML file.

    ::

        entry = [812000, 797000, 1104000]    # drawn from these; or one number; else 1 ms
        response = {table = "measured.csv"}  # a value a line, next to the TOML; else 0

    Attributes
    ----------
    entry : Latency
        From a decision to its orders' arrival, with the transit of market data.
    response : Latency
        From what happens to an order to the strategy's hearing of it: fills, cancels and the
        positions it sees.

    Examples
    --------
    >>> model = LatencyModel.constant(2_000_000)
    >>> model.delayed(1_000_000).entry.largest_ns
    3000000
    """

    file_kind: ClassVar[str] = "a file of latencies"
    max_file_bytes: ClassVar[int] = MAX_TABLE_BYTES

    entry: Annotated[Latency, _READS] = Latency(DEFAULT_LATENCY_NS)
    response: Annotated[Latency, _READS] = Latency(0)

    @classmethod
    def constant(cls, latency_ns: int) -> LatencyModel:
        """Return a constant entry latency with news that are heard at once."""
        return cls(entry=Latency(latency_ns))

    def delayed(self, ns: int) -> LatencyModel:
        """Return the model with every order arriving ``ns`` later; draws stay as they are."""
        entry = self.entry
        later = Latency(entry.constant_ns + ns, tuple(value + ns for value in entry.table_ns))
        return self.replace(entry=later)

    @property
    def is_plain(self) -> bool:
        """Whether entry is constant and response nothing."""
        return self.entry.is_constant and self.response == Latency(0)

    def describe(self) -> dict[str, Any]:
        """Return the model as plain values."""
        return {"entry": self.entry.describe(), "response": self.response.describe()}

    @classmethod
    def from_description(cls, described: dict[str, Any]) -> LatencyModel:
        """Return the model that `describe` described.

        Raises
        ------
        ConfigError
            It is no description of this version.
        """
        try:
            model = cls(
                entry=_described(described["entry"]), response=_described(described["response"])
            )
            same = model.describe() == described
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError("latency", f"is no latency model: {error}") from None
        if not same:
            raise ConfigError("latency", "is no latency model of this version")
        return model

    def latency_hash(self, flatten: bool, settle_at: str = "price") -> bytes:
        """SHA-256 for the trace header; it covers the end of the run and of contracts too.

        A constant entry latency alone hashes as runs without a model do.
        """
        ends: dict[str, Any] = {"flatten": flatten}
        if settle_at != "price":
            ends["settle_at"] = settle_at
        return _hashes.get((self,), tuple(ends.values()), lambda: self._latency_hash(ends))

    def _latency_hash(self, ends: dict[str, Any]) -> bytes:
        if self.is_plain:
            plain = {"kind": "constant", "latency_ns": self.entry.constant_ns, **ends}
            return canonical_digest("quantlaxmi.latency.1", plain)
        found = {**self.describe(), **ends}
        return canonical_digest("quantlaxmi.latency.2", found)

    def delays(self, seed: int, config_hash: bytes) -> Delays | None:
        """Return what an engine draws from; None where ``latency_ns`` says all.

        The segment is not in the keys: its hash depends on data that are yet to come when an
        order is sent.
        """
        if self.is_plain:
            return None
        made = [
            (one.constant_ns, one.table_ns, _key(seed, config_hash, name))
            for one, name in ((self.entry, "entry"), (self.response, "response"))
        ]
        return made[0], made[1]


#: Every run's header has the hash. Few are kept, because a model may hold a long table.
_hashes: Final = Recent[bytes](most=4)


def _key(seed: int, config_hash: bytes, stream: str) -> int:
    """First eight bytes, little-endian, of a SHA-256 over the length-prefixed parts."""
    parts = (seed.to_bytes(8, "little"), config_hash, stream.encode())
    packed = b"".join(len(p).to_bytes(4, "little") + p for p in parts)
    digest = hashlib.sha256(b"quantlaxmi.latency-stream.v1\0" + packed).digest()
    return int.from_bytes(digest[:8], "little")


def _described(described: dict[str, Any]) -> Latency:
    if described.keys() == {"table_ns"} and described["table_ns"]:
        return Latency(table_ns=tuple(described["table_ns"]))
    return Latency(described["constant_ns"])
