"""Synthetic option sessions as segments: a message of the table ``chain`` a snapshot."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.counted import counted
from quantlaxmi.importers.nse.contracts import IST, VENUE, Side, contract
from quantlaxmi.importers.synthetic_chain import SyntheticChain, synthetic_chain
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, ChainFlag
from quantlaxmi.segment import Segment, SegmentWriter

__all__ = ["generate_chain_segment", "session_rows"]

_UNDERLYING: Final = "NIFTY"
_SIDES: Final[tuple[Side, ...]] = ("CE", "PE")
#: Contracts that are open in each option.
_OPEN_LOTS: Final = 10_000


def session_rows(
    made: SyntheticChain,
) -> tuple[list[Instrument], dict[str, npt.NDArray[Any]]]:
    """Return the contracts of a synthetic chain and their rows.

    Parameters
    ----------
    made : SyntheticChain

    Returns
    -------
    tuple of list of Instrument and dict of str to ndarray
        Columns of ``schema.TABLES["chain"]``; a snapshot has the strikes that are listed on its
        day, calls and puts, and was taken when it was known.
    """
    history = made.history
    instruments: list[Instrument] = []
    for e, end in enumerate(history.expiry_ns.tolist()):
        day = datetime.fromtimestamp(end // 10**9, IST).date()
        instruments += [
            contract(_UNDERLYING, day, strike, side, lot=made.lot)
            for strike in history.strike[history.rows(e)].tolist()
            for side in _SIDES
        ]
    # Calls of all rows next to their puts: the order of the instruments.
    bid, ask, bid_qty, ask_qty = (
        np.stack([history.tops[k], history.tops[k + 2]], axis=2).reshape(history.n_snapshots, -1)
        for k in (0, 1, 4, 5)
    )
    listed = np.repeat((history.tops[:4] > 0).any(axis=0), 2, axis=1)
    snapshot, instrument = np.nonzero(listed)
    flags = np.zeros(snapshot.size, np.int8)
    flags[np.append(np.diff(snapshot) > 0, True)] = int(ChainFlag.LAST)
    rows = {
        "seq": snapshot,
        "ts_ns": history.ts_ns[snapshot],
        "instrument": instrument,
        "exch_ts_ns": history.ts_ns[snapshot],
        "bid": bid[listed],
        "bid_qty": bid_qty[listed],
        "ask": ask[listed],
        "ask_qty": ask_qty[listed],
        "oi": np.full(snapshot.size, _OPEN_LOTS * made.lot),
        "flags": flags,
    }
    none = np.zeros(snapshot.size, np.int64)
    return instruments, {
        name: np.ascontiguousarray(rows.get(name, none), dtype)
        for name, dtype in TABLES["chain"].items()
    }


def generate_chain_segment(
    kind: str,
    out: str | Path,
    *,
    seed: int = 1,
    days: int = 10,
    snapshots: int = 120,
    floor: float = 12.0,
) -> Segment:
    """Write a synthetic session of index options as a segment.

    Parameters
    ----------
    kind : {"planted", "fair"}
    out : path
        Folder to create.
    seed, days, snapshots, floor
        As `synthetic_chain`.

    Returns
    -------
    Segment
        Sealed.

    Raises
    ------
    InputError
        For an argument out of range, or a folder that exists.
    """
    made = synthetic_chain(kind, seed=seed, days=days, snapshots=snapshots, floor=floor)
    instruments, rows = session_rows(made)
    with SegmentWriter(
        Path(out), venue=VENUE, instruments=instruments, cadence="snapshots"
    ) as writer:
        writer.append("chain", rows)
        what = (
            f"synthetic {kind}, {counted(days, 'day[s]')} of "
            f"{counted(snapshots, 'snapshot[s]')}, seed {seed}"
        )
        return writer.seal(notes=(f"{what}, gap floor {floor:g}",))
