"""From a segment, a strategy and a configuration to a finished run."""

from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.records import Account, RunRecords
from quantlaxmi.run.result import Run

__all__ = ["Account", "Run", "RunConfig", "RunRecords"]
