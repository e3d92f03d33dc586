"""Recorded option chains of NSE: one Parquet file a snapshot, both sides of a strike in a row."""

from quantlaxmi.importers.nse.day import ChainDay, read_day
from quantlaxmi.importers.nse.history import day_history
from quantlaxmi.importers.nse.snapshot import Snapshot, StaleSnapshot, read_snapshot

__all__ = ["ChainDay", "Snapshot", "StaleSnapshot", "day_history", "read_day", "read_snapshot"]
