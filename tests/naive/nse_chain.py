"""Snapshots of an option chain as rows, one by one, in Python integers and fractions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq

IST = timezone(timedelta(hours=5, minutes=30))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ns(text, form):
    since = datetime.strptime(text, form).replace(tzinfo=IST) - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9


def whole(value, scale):
    """A double times a scale, to the nearest integer: doubles carry decimals and thirds."""
    return round(Fraction(value) * scale)


def snapshot(path, lot_of):
    """Time of collection, the exchange's, and the contracts of a file with their values."""
    rows = pq.read_table(path).to_pylist()
    contracts = {}
    for row in rows:
        expiry = datetime.strptime(row["Expiry_Date"], "%d-%b-%Y").date()
        lot, strike = lot_of(expiry), whole(row["Strike_Price"], 100)
        for put, side in enumerate(("CALLS", "PUTS")):
            contracts[expiry, strike, put] = (
                whole(row[f"{side}_Bid_Price"], 100),
                whole(row[f"{side}_Bid_Qty"], 1),
                whole(row[f"{side}_Ask_Price"], 100),
                whole(row[f"{side}_Ask_Qty"], 1),
                whole(row[f"{side}_LTP"], 100),
                whole(row[f"{side}_Volume"], lot),
                whole(row[f"{side}_OI"], lot),
                whole(row[f"{side}_IV"], 10_000),
            )
    stamp = rows[0]["collection_timestamp"]
    return ns(stamp, "%Y%m%d_%H%M%S"), ns(rows[0]["Fetch_Time"], "%d-%b-%Y %H:%M:%S"), contracts


def session(folder, underlying, lot_of):
    """Contracts in order, and rows as tuples in the order of ``schema.TABLES["chain"]``."""
    found = [snapshot(path, lot_of) for path in sorted(Path(folder).glob(f"{underlying}_*"))]
    found = [one for one in found if one[1] - one[0] <= 5 * 10**9]
    order = sorted({key for one in found for key in one[2]})
    place = {key: k for k, key in enumerate(order)}
    rows = []
    for seq, (ts_ns, exch_ns, contracts) in enumerate(found):
        same = seq > 0 and (exch_ns, contracts) == found[seq - 1][1:]
        keys = sorted(contracts)
        for key in keys:
            flags = 2 * same + (key == keys[-1])
            rows.append((seq, ts_ns, place[key], exch_ns, *contracts[key], flags))
    return order, rows
