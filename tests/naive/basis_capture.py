"""The rule of basis_capture, from its formula: fractions of Python integers, one row after another.

A market is a list of rows ``(ts_ns, instrument, bid, bid_qty, ask, ask_qty)`` with instrument 0 the
spot and 1 the perpetual; every order of a decision fills ``shares[instrument]`` percent of its
size ``delay`` rows later.
"""

from __future__ import annotations

from fractions import Fraction

MS = 1_000_000
HOUR_NS = 3600 * 1000 * MS
BPS = Fraction(1, 10_000)


def decisions(rows, config, *, qty, delay=0, shares=(100, 100)):
    """Return ``(row, enter, perp side, ((instrument, signed qty), ...))`` of every decision.

    ``config`` holds the settings as Fractions, ints and bools; ``qty`` is the size of a leg.
    """
    books, held, waiting = {}, {0: 0, 1: 0}, []
    last, entries, found = None, [], []
    for k, (ts, instrument, bid, bid_qty, ask, ask_qty) in enumerate(rows):
        for order in [o for o in waiting if o[0] <= k]:
            waiting.remove(order)
            for leg, signed in order[1]:
                held[leg] += (abs(signed) * shares[leg] // 100) * (1 if signed > 0 else -1)
        books[instrument] = (ts, bid, bid_qty, ask, ask_qty)
        if waiting or not all(_valid(books.get(leg)) for leg in (0, 1)):
            continue
        if last is not None and ts - last < config["cooldown_ms"] * MS:
            continue
        if not all(_passes(books[leg], ts, config) for leg in (0, 1)):
            continue
        spot, perp = (Fraction(b[1] + b[3], 2) for b in (books[0], books[1]))
        basis = (perp - spot) / spot / BPS
        if held[0] == 0 and held[1] == 0:
            side = -1 if basis > config["threshold_bps"] else 0
            side = 1 if basis < -config["threshold_bps"] else side
            recent = [t for t in entries if ts - t < HOUR_NS]
            if side == 0 or 0 < config["max_trades_per_hour"] <= len(recent):
                continue
            entries.append(ts)
            legs = [(1, side * qty), (0, -side * qty)][: 2 if config["hedged"] else 1]
            enter = True
        else:
            short = held[1] < 0 or (held[1] == 0 and held[0] > 0)
            limit = config["exit_threshold_bps"]
            if not (basis < limit if short else basis > -limit):
                continue
            legs = [(leg, -held[leg]) for leg in (1, 0) if held[leg]]
            side, enter = (1 if short else -1), False
        last = ts
        found.append((k, enter, side, tuple(legs)))
        waiting.append((k + 1 + delay, legs))
    return found


def _valid(book):
    if book is None:
        return False
    _, bid, bid_qty, ask, ask_qty = book
    return 0 < bid < ask and bid_qty > 0 and ask_qty > 0


def _passes(book, ts, config):
    quoted, bid, bid_qty, ask, ask_qty = book
    if config["max_quote_age_ms"] and ts - quoted > config["max_quote_age_ms"] * MS:
        return False
    if config["max_spread_bps"]:
        spread = Fraction(ask - bid) / Fraction(bid + ask, 2) / BPS
        if spread > config["max_spread_bps"]:
            return False
    return bid_qty >= config["min_bid_qty"] and ask_qty >= config["min_ask_qty"]
