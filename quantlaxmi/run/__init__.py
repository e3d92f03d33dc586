"""From a segment, a strategy and a configuration to a finished run."""

from quantlaxmi.run.result import Account, Run

__all__ = ["Account", "Run"]
