"""Decision traces: packed, hashed, written, read back and compared."""

from quantlaxmi.trace.builder import DecisionTraceBuilder
from quantlaxmi.trace.decision_trace import (
    OUTCOME_TAG,
    TRACE_TAG,
    DecisionTrace,
    load_trace,
    trace_hasher,
)
from quantlaxmi.trace.file import OUTCOME_TABLES, TRACE_TABLES
from quantlaxmi.trace.header import TraceHeader
from quantlaxmi.trace.parity import verify_replay_parity

__all__ = [
    "OUTCOME_TABLES",
    "OUTCOME_TAG",
    "TRACE_TABLES",
    "TRACE_TAG",
    "DecisionTrace",
    "DecisionTraceBuilder",
    "TraceHeader",
    "load_trace",
    "trace_hasher",
    "verify_replay_parity",
]
