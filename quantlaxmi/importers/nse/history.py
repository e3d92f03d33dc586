"""Snapshots of a day as one history of tops."""

from __future__ import annotations

from quantlaxmi.importers.nse.chain import chain_rows
from quantlaxmi.importers.nse.day import ChainDay
from quantlaxmi.options import ChainHistory, chain_history

__all__ = ["day_history"]


def day_history(day: ChainDay) -> ChainHistory:
    """Return the tops of a day's snapshots by expiry and strike.

    Parameters
    ----------
    day : ChainDay

    Returns
    -------
    ChainHistory
        Expiries and strikes that any snapshot lists.

    Raises
    ------
    InputError
        Two snapshots were collected at one time, or a contract's lot changes.
    ConfigError
        No row of the dated table covers the hours of an expiry's day.
    """
    instruments, rows = chain_rows(day.snapshots, day.unchanged)
    return chain_history(rows, instruments).history
