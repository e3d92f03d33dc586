"""A margin by sixteen scenarios, from its formulas, over the standard library's error function.

Money of a position is quantity times scale times price. Forwards are those of the five strikes
nearest to parity; prices and deltas are Black's of 1976, volatilities by bisection of the price.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, log, sqrt

YEAR = 31_536_000
SCENARIOS = [(k / 3, sign) for k in range(-3, 4) for sign in (1, -1)]


@dataclass(frozen=True)
class Contract:
    """``kind`` is call, put or future; expiry is a moment and a day."""

    kind: str
    ends_ns: int
    day: int
    strike: int
    scale: float
    underlying: str = "NIFTY"
    far_until: int = 0  # a long time is left on days before this one


@dataclass(frozen=True)
class Rule:
    price_scan: float
    vol_scan: float
    calendar: float
    exposure: float
    expiring: float
    apart: bool
    far_scan: float = 0.177


def phi(x):
    return erfc(-x / sqrt(2)) / 2


def black(call, forward, strike, years, sigma):
    if sigma <= 0:
        return max(forward - strike, 0) if call else max(strike - forward, 0)
    s = sigma * sqrt(years)
    d1 = log(forward / strike) / s + s / 2
    if call:
        return forward * phi(d1) - strike * phi(d1 - s)
    return strike * phi(s - d1) - forward * phi(-d1)


def delta_of(call, forward, strike, years, sigma):
    if sigma <= 0:
        up = 1.0 if forward > strike else 0.0 if forward < strike else 0.5
        return up if call else up - 1
    s = sigma * sqrt(years)
    d1 = log(forward / strike) / s + s / 2
    return phi(d1) if call else phi(d1) - 1


def volatility(call, price, forward, strike, years):
    """0 where the price is not above intrinsic value, or not below its bound."""
    bound = forward if call else strike
    if price <= black(call, forward, strike, years, 0) or price >= bound:
        return 0.0
    low, high = 0.0, 1000.0
    for _ in range(160):
        middle = (low + high) / 2
        if black(call, forward, strike, years, middle) < price:
            low = middle
        else:
            high = middle
    return low


def forward_of(contracts, quotes, ends_ns, underlying):
    """By put-call parity of the five strikes whose mids of call and put are nearest."""
    calls = {
        c.strike: quotes[i]
        for i, c in enumerate(contracts)
        if (c.kind, c.ends_ns, c.underlying) == ("call", ends_ns, underlying)
    }
    puts = {
        c.strike: quotes[i]
        for i, c in enumerate(contracts)
        if (c.kind, c.ends_ns, c.underlying) == ("put", ends_ns, underlying)
    }
    both = [k for k in sorted(calls.keys() & puts.keys()) if calls[k] and puts[k]]
    both.sort(key=lambda k: (abs(sum(calls[k]) - sum(puts[k])), k))
    over = under = 0.0
    for k in both[:5]:
        weight = (1) / (calls[k][1] - calls[k][0] + puts[k][1] - puts[k][0])
        over += weight * (k + (sum(calls[k]) - sum(puts[k])) / 2)
        under += weight
    return over / under if under else None


def margin(contracts, quotes, mids, qty, ts_ns, today, rule):
    """``quotes`` are (bid, ask) or None, ``mids`` the last known; None where something lacks."""
    total = dict.fromkeys(("scan", "calendar", "exposure", "options", "futures"), 0.0)
    required = 0.0
    held = [i for i, q in enumerate(qty) if q]
    for underlying in dict.fromkeys(c.underlying for c in contracts):
        for apart in (False, True):
            losses = [0.0] * 16
            worth, deltas, forwards = 0.0, {}, {}
            for i in held:
                c = contracts[i]
                if c.underlying != underlying or (rule.apart and c.day == today) != apart:
                    continue
                money, mid = (qty[i]) * (c.scale), mids[i]
                by_parity = forward_of(contracts, quotes, c.ends_ns, underlying)
                forward = mid if c.kind == "future" else by_parity
                if not mid or not forward:
                    return None
                rate = (rule.exposure) + ((rule.expiring) if c.day == today else 0)
                if c.kind == "future" or money < 0:
                    total["exposure"] += abs(money) * forward * rate
                forwards[c.ends_ns] = by_parity or mid
                far = c.kind != "future" and today < c.far_until
                reach = rule.far_scan if far else rule.price_scan
                if c.kind == "future":
                    total["futures"] += money * mid
                    deltas[c.ends_ns] = deltas.get(c.ends_ns, 0) + money
                    prices = [forward * (1 + m * reach) for m, _ in SCENARIOS]
                    prices += [forward * (1 + m * reach) for m in (2, -2)]
                else:
                    call, worth = c.kind == "call", worth + money * mid
                    years = max((c.ends_ns - ts_ns) / 10**9, 60) / YEAR
                    sigma = volatility(call, mid, forward, c.strike, years)
                    slope = delta_of(call, forward, c.strike, years, sigma)
                    deltas[c.ends_ns] = deltas.get(c.ends_ns, 0) + money * slope
                    moves = [(m, sigma + s * (rule.vol_scan)) for m, s in SCENARIOS]
                    moves += [(2, sigma), (-2, sigma)]
                    prices = [
                        black(call, forward * (1 + m * reach), c.strike, years, v) for m, v in moves
                    ]
                for k, price in enumerate(prices):
                    counted = 0.35 if k >= 14 else 1
                    losses[k] += money * (mid - price) * counted
            charge = 0.0 if apart else calendar(deltas, forwards, rule)
            scan = max(max(losses), 0.0)
            total["scan"] += scan
            total["calendar"] += charge
            total["options"] += worth
            required += max(scan + charge - worth, 0.0)
    return {**total, "required": required + total["exposure"]}


def calendar(deltas, forwards, rule):
    """Deltas of expiries against each other, the nearest first, charged on the far contract."""
    left, charge = dict(deltas), 0.0
    order = sorted(left)
    for i, near in enumerate(order):
        for far in order[i + 1 :]:
            if left[near] * left[far] < 0:
                units = min(abs(left[near]), abs(left[far]))
                charge += (rule.calendar) * forwards[far] * units
                left[near] -= units if left[near] > 0 else -units
                left[far] -= units if left[far] > 0 else -units
    return charge
