"""A trace made from decision objects, one after another."""

from __future__ import annotations

import struct

import msgspec

from quantlaxmi.errors import EngineError, TraceError
from quantlaxmi.events import DecisionEvent
from quantlaxmi.schema import MAX_LEGS
from quantlaxmi.trace.decision_trace import DecisionTrace, trace_hasher
from quantlaxmi.trace.header import TraceHeader
from quantlaxmi.trace.objects import Rows, decision_rows


class DecisionTraceBuilder:
    """Builds a trace from decision objects and hashes each as it is added.

    Parameters
    ----------
    header : TraceHeader
        Its ``rationales`` may be incomplete; texts of the decisions are added.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> trace = backtest("data/planted", "basis_capture").trace
    >>> builder = DecisionTraceBuilder(trace.header)
    >>> for decision in trace.decisions:
    ...     builder.record(decision)
    >>> builder.finalize().trace_hash == trace.trace_hash
    True
    """

    __slots__ = ("_decisions", "_digest", "_header", "_n_instruments")

    def __init__(self, header: TraceHeader) -> None:
        self._header = header
        self._decisions: list[DecisionEvent] = []
        self._digest = trace_hasher(header)
        self._n_instruments = len(header.instruments)

    def __len__(self) -> int:
        return len(self._decisions)

    def record(self, decision: DecisionEvent) -> None:
        """Add the next decision.

        Parameters
        ----------
        decision : DecisionEvent
            Its ``sequence`` is the number of decisions so far.

        Raises
        ------
        TraceError
            Its sequence is not the next one, it has no legs or too many, or a value is out of
            range.
        """
        n = len(self._decisions)
        place = f"decision {n}"
        if decision.sequence != n:
            raise TraceError("trace", f"sequence was {decision.sequence}; {n} was expected", place)
        if not 1 <= len(decision.legs) <= MAX_LEGS:
            problem = f"{len(decision.legs)} legs; 1 to {MAX_LEGS} were expected"
            raise TraceError("trace", problem, place)
        self._digest.update(decision.canonical_bytes())
        self._decisions.append(decision)

    def finalize(self, **outcomes: Rows | None) -> DecisionTrace:
        """Return the trace; the builder can go on afterwards.

        Parameters
        ----------
        **outcomes : ndarray or None, shape (n_rows,)
            Outcome rows, as for `DecisionTrace.from_arrays`.

        Raises
        ------
        TraceError
            A value is out of range.
        EngineError
            The rows do not hash to what was hashed from the objects.
        """
        rows, legs, rationales = decision_rows(self._decisions, self._header.rationales)
        header = msgspec.structs.replace(self._header, rationales=rationales)
        trace = DecisionTrace.from_arrays(header, rows, legs, **outcomes)
        digest = self._digest.copy()
        digest.update(struct.pack("<Q", len(rows)))
        if digest.digest() != trace.trace_hash:
            raise EngineError("the rows of a trace do not hash to what its decisions did")
        return trace
