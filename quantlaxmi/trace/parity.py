"""Comparison of a replay with its run: decisions first, then header, then outcomes."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeAlias

import msgspec
import numpy as np

from quantlaxmi._ext.canonical import MAX_RECORD_BYTES
from quantlaxmi.events import DecisionEvent, DecisionLeg, MarketSnapshot
from quantlaxmi.trace.decision_trace import DecisionTrace
from quantlaxmi.trace.file import OUTCOME_TABLES
from quantlaxmi.trace.objects import Rows, join_halves

# Decisions compared in one step; their records fit the buffers whatever their legs.
_STEP: Final = 512


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return repr(value) if isinstance(value, str) else str(value)


class _Result(msgspec.Struct, frozen=True, tag=True):
    """A result; ``tag`` names it in JSON."""

    #: Whether the replay is the run.
    matched: ClassVar[bool] = False

    def text(self) -> str:
        """One line for people; begins with PARITY_MATCH or PARITY_BROKEN."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``; integers stay integers however wide."""
        return {"matched": self.matched, "text": self.text(), **msgspec.to_builtins(self)}


class FieldDifference(msgspec.Struct, frozen=True):
    """One field of a row in which the two runs differ."""

    field: str
    original: int
    replay: int


class Match(_Result, frozen=True, tag=True):
    """Two runs with equal headers, decisions and outcomes.

    Attributes
    ----------
    n_decisions : int
        Decisions of each run.
    trace_hash, outcome_hash : str
        Hex, as recomputed on both sides.
    """

    matched: ClassVar[bool] = True

    n_decisions: int
    trace_hash: str
    outcome_hash: str

    def text(self) -> str:
        """One line for people."""
        return f"PARITY_MATCH: {self.n_decisions} decisions, trace {self.trace_hash}"


class Divergence(_Result, frozen=True, tag=True):
    """The first decision that differs between two runs.

    Attributes
    ----------
    index : int
        First decision that differs.
    field : str
        Its first field that does, such as ``"ts_ns"`` or ``"legs[1].snapshot.bid"``.
    original, replay : DecisionEvent
        The decision in both runs.
    header_field : str or None
        First header field that differs too, which may be why.
    """

    index: int
    field: str
    original: DecisionEvent
    replay: DecisionEvent
    header_field: str | None = None

    @property
    def values(self) -> tuple[object, object]:
        """The field's value on either side."""
        return _lookup(self.original, self.field), _lookup(self.replay, self.field)

    def text(self) -> str:
        """One line for people."""
        a, b = map(_shown, self.values)
        return (
            f"PARITY_BROKEN: decision {self.index} differs in {self.field}: "
            f"original {a}, replay {b}{_also(self.header_field)}"
        )


class LengthMismatch(_Result, frozen=True, tag=True):
    """Two runs of which one has more decisions; their common decisions are equal.

    Attributes
    ----------
    original_len, replay_len : int
        Decisions of each run.
    header_field : str or None
        First header field that differs too, which may be why.
    """

    original_len: int
    replay_len: int
    header_field: str | None = None

    def text(self) -> str:
        """One line for people."""
        return (
            f"PARITY_BROKEN: original has {self.original_len} decisions, replay {self.replay_len}; "
            f"the first {min(self.original_len, self.replay_len)} are the same"
            f"{_also(self.header_field)}"
        )


class HeaderMismatch(_Result, frozen=True, tag=True):
    """Two runs with equal decisions and different headers.

    Attributes
    ----------
    field : str
        First header field that differs, such as ``"config_hash"``.
    original, replay : int or str
        Its values; hashes in hex.
    """

    field: str
    original: int | str | None
    replay: int | str | None

    def text(self) -> str:
        """One line for people."""
        return (
            f"PARITY_BROKEN: the headers differ in {self.field}: "
            f"original {_shown(self.original)}, replay {_shown(self.replay)}"
        )


class OutcomeMismatch(_Result, frozen=True, tag=True):
    """Two runs with equal headers and decisions, and different outcomes.

    Attributes
    ----------
    stage : str
        ``"orders"``, ``"fills"``, ``"funding"`` or ``"risk"``.
    index : int
        First row that differs; where one run has more rows, the first it has alone.
    differences : tuple of FieldDifference
        Every field in which the row differs, 128-bit money joined; for a row that one run has
        alone, the two numbers of rows as field ``"rows"``.
    """

    stage: str
    index: int
    differences: tuple[FieldDifference, ...]

    def text(self) -> str:
        """One line for people."""
        shown = ", ".join(f"{d.field} {d.original} -> {d.replay}" for d in self.differences)
        return f"PARITY_BROKEN: {self.stage} differ at row {self.index}: {shown}"


ReplayParityResult: TypeAlias = (
    Match | Divergence | LengthMismatch | HeaderMismatch | OutcomeMismatch
)


def _also(header_field: str | None) -> str:
    return "" if header_field is None else f" (the headers differ too, in {header_field})"


def verify_replay_parity(original: DecisionTrace, replay: DecisionTrace) -> ReplayParityResult:
    """Compare a run with its replay.

    Records are compared byte by byte first, because a decision that differs is the cause of what
    follows; then their number, the header, and the outcome tables in the order orders, fills,
    funding, risk.

    Parameters
    ----------
    original, replay : DecisionTrace
        The trace of the run, and that of its replay.

    Returns
    -------
    Match, Divergence, LengthMismatch, HeaderMismatch or OutcomeMismatch
        The first difference, or `Match`.

    Raises
    ------
    TraceError
        A value of a decision is out of its field's range.

    Examples
    --------
    >>> from quantlaxmi import backtest, replay
    >>> first = backtest("data/planted", "basis_capture").trace
    >>> second = replay("data/planted", "basis_capture").trace
    >>> type(verify_replay_parity(first, second)).__name__
    'Match'
    """
    header = original.header.first_difference(replay.header)
    header_field = None if header is None else header[0]
    index = _first_divergence(original, replay)
    if index is not None:
        a, b = original.decisions[index], replay.decisions[index]
        return Divergence(index, _first_field(a, b), a, b, header_field)
    if len(original) != len(replay):
        return LengthMismatch(len(original), len(replay), header_field)
    if header is not None:
        return HeaderMismatch(header[0], _plain(header[1]), _plain(header[2]))
    for stage in OUTCOME_TABLES:
        mismatch = _outcome_mismatch(stage, original.table(stage), replay.table(stage))
        if mismatch is not None:
            return mismatch
    return Match(
        len(original), original.compute_hash().hex(), original.compute_outcome_hash().hex()
    )


def _plain(value: object) -> int | str | None:
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, int | None) else str(value)


# --- decisions --------------------------------------------------------------------------------


def _first_divergence(a: DecisionTrace, b: DecisionTrace) -> int | None:
    """First decision whose records differ, of those both have."""
    n = min(len(a), len(b))
    left, right = (np.empty(_STEP * MAX_RECORD_BYTES, np.uint8) for _ in range(2))
    for start in range(0, n, _STEP):
        stop = min(start + _STEP, n)
        (_, n_left), (_, n_right) = a.pack(start, stop, left), b.pack(start, stop, right)
        if n_left == n_right and np.array_equal(left[:n_left], right[:n_left]):
            continue
        for row in range(start, stop):
            (_, n_left), (_, n_right) = a.pack(row, row + 1, left), b.pack(row, row + 1, right)
            if n_left != n_right or not np.array_equal(left[:n_left], right[:n_left]):
                return row
    return None


#: Fields of a decision's record before its rationale.
_HEAD: Final = (
    *("seq", "ts_ns", "decision_type", "direction", "bundle", "policy", "confidence", "units"),
)


def _fields(decision: DecisionEvent) -> dict[str, object]:
    """Hashed fields by path, in the order of the record."""
    out: dict[str, object] = {name: getattr(decision, name) for name in _HEAD}
    out["rationale"] = decision.rationale
    out["len(legs)"] = len(decision.legs)
    for k, leg in enumerate(decision.legs):
        for name in DecisionLeg.__struct_fields__:
            if name not in {"symbol", "snapshot"}:
                out[f"legs[{k}].{name}"] = getattr(leg, name)
        for name in MarketSnapshot.__struct_fields__:
            if name != "symbol":
                out[f"legs[{k}].snapshot.{name}"] = getattr(leg.snapshot, name)
    return out


def _first_field(a: DecisionEvent, b: DecisionEvent) -> str:
    left, right = _fields(a), _fields(b)
    return next(name for name in left if name not in right or left[name] != right[name])


def _lookup(decision: DecisionEvent, field: str) -> object:
    return _fields(decision).get(field)


# --- outcomes ---------------------------------------------------------------------------------


def _outcome_mismatch(stage: str, a: Rows, b: Rows) -> OutcomeMismatch | None:
    n = min(len(a), len(b))
    width = len(a.dtype.names or ())
    differs = a[:n].view(np.int64).reshape(n, width) != b[:n].view(np.int64).reshape(n, width)
    bad = differs.any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        return OutcomeMismatch(stage, row, _differences(a[row], b[row]))
    if len(a) != len(b):
        return OutcomeMismatch(stage, n, (FieldDifference("rows", len(a), len(b)),))
    return None


def _differences(a: Any, b: Any) -> tuple[FieldDifference, ...]:
    left, right = _joined(a), _joined(b)
    return tuple(FieldDifference(k, left[k], right[k]) for k in left if left[k] != right[k])


def _joined(row: Any) -> dict[str, int]:
    """Fields of a row, with the halves of 128-bit money joined under one name."""
    raw = dict(zip(row.dtype.names, row.item(), strict=True))
    out: dict[str, int] = {}
    for name, value in raw.items():
        if name.endswith("_hi"):
            out[name[:-3]] = join_halves(value, raw[f"{name[:-3]}_lo"])
        elif not name.endswith("_lo"):
            out[name] = value
    return out
