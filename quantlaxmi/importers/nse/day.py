"""All snapshots of one underlying in a folder, in the order in which they were known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.snapshot import MAX_AHEAD_S, Snapshot, read_snapshot

__all__ = ["ChainDay", "read_day"]

#: A session has 375 minutes.
MAX_SNAPSHOTS: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ChainDay:
    """Snapshots of one underlying.

    Attributes
    ----------
    snapshots : tuple of Snapshot
        By time of collection.
    unchanged : frozenset of int
        Indices of those in which nothing but the time of collection differs from the one before:
        they are kept, and tell nothing new.
    quarantined : tuple of str
        One text for each snapshot that was left out: the exchange's time lies more than five
        seconds after the collection.
    ahead : tuple of Snapshot
        These snapshots.
    """

    snapshots: tuple[Snapshot, ...]
    unchanged: frozenset[int]
    quarantined: tuple[str, ...]
    ahead: tuple[Snapshot, ...] = ()


def read_day(folder: str | Path, underlying: str) -> ChainDay:
    """Read the snapshots of an underlying.

    Parameters
    ----------
    folder : str or Path
        Files of other underlyings, and others, are passed over.
    underlying : str

    Returns
    -------
    ChainDay

    Raises
    ------
    StaleSnapshot
        The exchange's time is of another day than the collection.
    InputError
        There is no snapshot, all are in quarantine, or one cannot be used: see `read_snapshot`.

    Examples
    --------
    >>> read_day("data", "NIFTY")
    Traceback (most recent call last):
    quantlaxmi.errors.InputError: data: has no file NIFTY_*.parquet
    """
    place = Path(folder)
    try:
        paths = sorted(
            path
            for path in place.iterdir()
            if path.suffix == ".parquet" and path.stem.rsplit("_", 2)[0] == underlying
        )
    except OSError as error:
        problem = f"cannot be read as a folder of snapshots: {error.strerror}"
        raise InputError(folder, problem) from None
    if not paths:
        raise InputError(folder, f"has no file {underlying}_*.parquet")
    if len(paths) > MAX_SNAPSHOTS:
        raise InputError(
            folder, f"has {counted(len(paths), 'snapshot[s]')}, expected at most {MAX_SNAPSHOTS}"
        )
    kept: list[Snapshot] = []
    unchanged: list[int] = []
    quarantined: list[str] = []
    ahead: list[Snapshot] = []
    for path in paths:  # names ascend in time
        one = read_snapshot(path, underlying)
        if one.ahead_s > MAX_AHEAD_S:
            why = f"exchange time is {one.ahead_s} s after the collection"
            quarantined.append(f"{one.name}: {why}, expected at most {MAX_AHEAD_S} s")
            ahead.append(one)
            continue
        if kept and one.same_as(kept[-1]):
            unchanged.append(len(kept))
        kept.append(one)
    if not kept:
        raise InputError(folder, f"every snapshot is in quarantine, the first: {quarantined[0]}")
    return ChainDay(tuple(kept), frozenset(unchanged), tuple(quarantined), tuple(ahead))
