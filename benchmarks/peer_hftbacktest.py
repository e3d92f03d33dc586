"""Runs in the peers' environment: hftbacktest over quotes, the basis rule at every feed event."""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.order import IOC, LIMIT
from hftbacktest.types import event_dtype
from numba import njit

ENTER, LEAVE, COOLDOWN_NS, SIZE = 4e-4, 3.5e-4, 100_000_000, 0.01


def events_of(quotes: dict[str, np.ndarray], instrument: int) -> np.ndarray:
    """Depth events of one instrument's quotes: replaced levels go, new ones come."""
    mine = quotes["instrument"] == instrument
    ts = quotes["ts_ns"][mine]
    n = len(ts)
    parts = np.zeros((n, 4), event_dtype)
    used = np.ones((n, 4), bool)
    for k, (side, flag) in enumerate((("bid", BUY_EVENT), ("ask", SELL_EVENT))):
        price_unit, qty_unit = quotes["units"][instrument]
        price, qty = quotes[side][mine] * price_unit, quotes[f"{side}_qty"][mine] * qty_unit
        previous = np.roll(price, 1)
        used[:, k] = price != previous
        used[0, k] = False
        for column, px, size in ((k, previous, 0.0), (2 + k, price, qty)):
            parts["ev"][:, column] = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | flag
            parts["px"][:, column], parts["qty"][:, column] = px, size
            parts["local_ts"][:, column], parts["exch_ts"][:, column] = ts, ts - 1
    return np.ascontiguousarray(parts[used])


@njit
def basis_rule(hbt: Any) -> tuple[int, int]:
    """The rule of basis_capture on mids, both legs, sent as marketable orders."""
    side, last, sent, seen = 0, 0, 0, 0
    while True:
        code = hbt.wait_next_feed(False, 10**18)
        if code != 2:
            break
        seen += 1
        spot, perp = hbt.depth(0), hbt.depth(1)
        spot_mid = (spot.best_bid + spot.best_ask) / 2
        perp_mid = (perp.best_bid + perp.best_ask) / 2
        now = hbt.current_timestamp
        if not (spot_mid > 0 and perp_mid > 0) or now - last < COOLDOWN_NS:
            continue
        basis = (perp_mid - spot_mid) / spot_mid
        wanted = side
        if side == 0:
            if basis > ENTER:
                wanted = 1
            elif basis < -ENTER:
                wanted = -1
        elif basis * side < LEAVE:
            wanted = 0
        if wanted == side:
            continue
        if wanted > side:
            hbt.submit_buy_order(0, sent, spot.best_ask, SIZE, IOC, LIMIT, False)
            hbt.submit_sell_order(1, sent + 1, perp.best_bid, SIZE, IOC, LIMIT, False)
        else:
            hbt.submit_sell_order(0, sent, spot.best_bid, SIZE, IOC, LIMIT, False)
            hbt.submit_buy_order(1, sent + 1, perp.best_ask, SIZE, IOC, LIMIT, False)
        sent += 2
        side, last = wanted, now
        hbt.clear_inactive_orders(0)
        hbt.clear_inactive_orders(1)
    return seen, sent


def main(path: str, depth: str) -> None:
    """Median of five warm runs; building the feed and compiling are not timed."""
    with np.load(path) as held:
        quotes = {name: held[name] for name in held.files}
    feeds = [events_of(quotes, k) for k in (0, 1)]
    make = ROIVectorMarketDepthBacktest if depth == "ROIVector" else HashMapMarketDepthBacktest
    times = []
    seen = sent = 0
    for turn in range(6):
        assets = []
        for feed, tick, lot in zip(feeds, (0.01, 0.1), (1e-5, 1e-3), strict=True):
            asset = (
                BacktestAsset()
                .data([feed])
                .linear_asset(1.0)
                .constant_order_latency(1_000_000, 0)
                .risk_adverse_queue_model()
                .partial_fill_exchange()
                .trading_value_fee_model(0.0002, 0.0005)
                .tick_size(tick)
                .lot_size(lot)
            )
            if depth == "ROIVector":
                asset = asset.roi_lb(feed["px"].min() - 1).roi_ub(feed["px"].max() + 1)
            assets.append(asset)
        hbt = make(assets)
        start = time.perf_counter()
        seen, sent = basis_rule(hbt)
        if turn:
            times.append(time.perf_counter() - start)
        hbt.close()
    print(
        json.dumps(
            {
                "seconds": statistics.median(times),
                "events": int(sum(map(len, feeds))),
                "seen": int(seen),
                "orders": int(sent),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
