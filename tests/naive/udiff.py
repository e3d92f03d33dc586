"""Bhavcopies as rows of a segment, cell by cell, in Python integers and fractions."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

IST = timezone(timedelta(hours=5, minutes=30))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIDES = {"": 0, "CE": 1, "PE": 2}


def paise(text):
    return int(Fraction(text or "0") * 100)


def stamp(day):
    since = datetime(day.year, day.month, day.day, 15, 30, tzinfo=IST) - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9


def read(path, underlying):
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["TckrSymb"] == underlying]
    for row in rows:
        expiry, side = date.fromisoformat(row["XpryDt"]), SIDES[row["OptnTp"]]
        row["key"] = (expiry, paise(row["StrkPric"]), side)
    return date.fromisoformat(rows[0]["TradDt"]), rows


def final_keys(days):
    """Every key that a contract has had, to its last; and its last to its first."""
    last, first = {}, {}
    for (_, before), (day, after) in pairwise(days):
        olds, news = {r["key"] for r in before}, {r["key"] for r in after}
        by_token = {r["FinInstrmId"]: r["key"] for r in before}
        for row in after:
            old, new = by_token.get(row["FinInstrmId"]), row["key"]
            if old is None or old == new or old[1:] != new[1:] or old[0] < day:
                continue
            if new in olds or old in news:
                continue
            for key in [key for key in last if last[key] == old] + [old]:
                last[key] = new
            last.pop(new, None)
            first[new] = first.pop(old, old)
    return last, first


def session(paths, underlying, half_spread_bps=None, size=0):
    """Contracts in order with their first expiry, chain rows and settlement rows as tuples."""
    days = sorted(read(path, underlying) for path in paths)
    last, first = final_keys(days)
    order = sorted({last.get(r["key"], r["key"]) for _, rows in days for r in rows})
    place = {key: k for k, key in enumerate(order)}
    lots = {}
    for _, rows in days:
        for row in rows:
            lots[last.get(row["key"], row["key"])] = int(row["NewBrdLotQty"])
    chain, settled, seq = [], [], 0
    for day, rows in days:
        found = []
        for row in rows:
            key = last.get(row["key"], row["key"])
            close, volume = paise(row["ClsPric"]), int(row["TtlTradgVol"])
            bid = ask = 0
            if half_spread_bps is not None and volume:
                share = Fraction(half_spread_bps) / 10_000
                bid = floor(close * (1 - share) / 5) * 5
                ask = ceil(close * (1 + share) / 5) * 5
            units = size // lots[key] * lots[key]
            quote = (bid, units if bid else 0, ask, units if ask else 0)
            contracts = volume * int(row["NewBrdLotQty"])
            oi = int(row["OpnIntrst"])
            found.append((place[key], quote, close if volume else 0, contracts, oi, row))
        found.sort(key=lambda one: one[0])
        at = stamp(day)
        for k, quote, close, volume, oi, _ in found:
            chain.append((seq, at, k, at, *quote, close, volume, oi, 0, int(k == found[-1][0])))
        seq += 1
        for k, *_, row in found:
            if row["XpryDt"] == row["TradDt"]:
                settled.append((seq, at, k, at, paise(row["UndrlygPric"])))
                seq += 1
    contracts = [(key, first[key][0] if key in first else None, lots[key]) for key in order]
    return contracts, chain, settled
