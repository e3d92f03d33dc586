"""Recorded snapshots of NSE as moments of a chain."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.importers.nse import Snapshot, read_snapshot
from quantlaxmi.options.moment import ChainLayout, ChainMoment

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
SNAPSHOTS = REAL / "india" / "chain_1m_bidask" / "20250829"
DAY = date(2025, 8, 29)
IST = timezone(timedelta(hours=5, minutes=30))


def real_paths(underlying: str) -> list[Path]:
    found = sorted(SNAPSHOTS.glob(f"{underlying}_2025*.parquet"))
    if not found:
        pytest.skip(f"no snapshots in {SNAPSHOTS}; set QUANTLAXMI_REAL_DATA")
    return found


def real_moment(name: str) -> ChainMoment:
    path = SNAPSHOTS / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"no snapshot {path}; set QUANTLAXMI_REAL_DATA")
    return moment_of(read_snapshot(path, name.split("_", 1)[0]))


def moment_of(snapshot: Snapshot) -> ChainMoment:
    ends = [
        int(datetime(d.year, d.month, d.day, 15, 30, tzinfo=IST).timestamp()) * 10**9
        for d in snapshot.expiries
    ]
    one = snapshot.columns
    layout = ChainLayout(
        np.array(ends)[one["expiry"]], one["strike"], one["lot"], one["call"].astype(bool)
    )
    return layout.moment(snapshot.ts_ns, snapshot.exch_ts_ns, one)
