"""Runs in the peers' environment: hftbacktest over the depth of two instruments."""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_CLEAR_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

TICKS, LOTS = (0.01, 0.1), (1e-5, 1e-3)
#: Prices this share away from the middle are outside the vectors.
ROI = 0.2


def events_of(rows: dict[str, np.ndarray], units: np.ndarray) -> np.ndarray:
    """One event a level; a snapshot clears the book before it."""
    snapshot = (rows["flags"] & SNAPSHOT) != 0
    side = np.where(rows["side"] > 0, BUY_EVENT, SELL_EVENT)
    kind = np.where(snapshot, DEPTH_SNAPSHOT_EVENT, DEPTH_EVENT)
    made = np.zeros(len(snapshot), event_dtype)
    made["ev"] = kind | side | EXCH_EVENT | LOCAL_EVENT
    made["px"], made["qty"] = rows["price"] * units[0], rows["qty"] * units[1]
    made["local_ts"], made["exch_ts"] = rows["ts_ns"], rows["ts_ns"] - 1
    # Where a message is a snapshot, both sides are cleared up to its farthest price first.
    starts = np.flatnonzero(snapshot & np.append(True, rows["seq"][1:] != rows["seq"][:-1]))
    clear = []
    for start in starts.tolist():
        mine = rows["seq"] == rows["seq"][start]
        for flag, sign, far in ((BUY_EVENT, 1, np.min), (SELL_EVENT, -1, np.max)):
            one = made[start : start + 1].copy()
            one["ev"] = DEPTH_CLEAR_EVENT | flag | EXCH_EVENT | LOCAL_EVENT
            one["px"], one["qty"] = far(made["px"][mine & (rows["side"] == sign)]), 0.0
            clear.append(one)
    where = np.repeat(starts, 2)
    return np.ascontiguousarray(np.insert(made, where, np.concatenate(clear)) if clear else made)


SNAPSHOT = 2


@njit
def by_time(hbt: Any) -> int:
    """Read both books every 10 ms."""
    seen = 0
    while hbt.elapse(10_000_000) == 0:
        if hbt.depth(0).best_bid > 0 and hbt.depth(1).best_bid > 0:
            seen += 1
    return seen


@njit
def by_feed(hbt: Any) -> int:
    """Read both books at every event."""
    seen = 0
    while hbt.wait_next_feed(False, 10**18) == 2:
        if hbt.depth(0).best_bid > 0 and hbt.depth(1).best_bid > 0:
            seen += 1
    return seen


def main(path: str, depth: str, form: str) -> None:
    """Median of five warm runs; building the feed and compiling are not timed."""
    with np.load(path) as held:
        legs = [
            {name[:-1]: held[name] for name in held.files if name.endswith(str(k))} for k in (0, 1)
        ]
        units = held["units"]
    feeds = [events_of(leg, unit) for leg, unit in zip(legs, units, strict=True)]
    make = ROIVectorMarketDepthBacktest if depth == "ROIVector" else HashMapMarketDepthBacktest
    times, best = [], []
    for turn in range(6):
        assets = []
        for feed, tick, lot in zip(feeds, TICKS, LOTS, strict=True):
            asset = (
                BacktestAsset()
                .data([feed])
                .linear_asset(1.0)
                .constant_order_latency(1_000_000, 0)
                .risk_adverse_queue_model()
                .no_partial_fill_exchange()
                .trading_value_fee_model(0.0002, 0.0005)
                .tick_size(tick)
                .lot_size(lot)
            )
            if depth == "ROIVector":
                middle = float(np.median(feed["px"]))
                asset = asset.roi_lb(round(middle * (1 - ROI))).roi_ub(round(middle * (1 + ROI)))
            assets.append(asset)
        hbt = make(assets)
        start = time.perf_counter()
        (by_time if form == "elapse" else by_feed)(hbt)
        if turn:
            times.append(time.perf_counter() - start)
        best = [
            [
                round(hbt.depth(k).best_bid_tick * tick / units[k][0]),
                round(hbt.depth(k).best_ask_tick * tick / units[k][0]),
            ]
            for k, tick in enumerate(TICKS)
        ]
        hbt.close()
    print(json.dumps({"seconds": statistics.median(times), "best": best}))


if __name__ == "__main__":
    main(*sys.argv[1:])
