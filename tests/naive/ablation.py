"""The guard of the ablation from two lists of fills and the mids at the buckets' ends.

Everything is a fraction of the quote currency; a fill is (time, instrument, signed quantity, price,
fee), a settlement (time, amount), a loan (instrument, quantity short, since, until, basis points a
year): interest that is paid at its end, and owed before.
"""

import math
from fractions import Fraction

from tests.naive import bootstrap


def bucket_ends(first, last, step):
    """Multiples of the step from the first message on, and the last message."""
    ends, at = [], math.ceil(Fraction(first, step)) * step
    while at < last:
        ends.append(at)
        at += step
    return [*ends, last]


YEAR_NS = 365 * 24 * 3600 * 10**9


def owed(loans, at, mid, unit):
    """Interest on loans that are open, each rounded half to even to the ledger's unit."""
    found = Fraction(0)
    for instrument, short, since, until, bps in loans:
        if since < at < until:
            exact = mid(instrument, at) * short * bps * (at - since) / (10**4 * YEAR_NS)
            found += round(exact / unit) * unit
    return found


def increments(fills, settlements, ends, mid, loans=(), unit=Fraction(1)):
    """Change of cash plus marked positions less interest owed over each bucket; `mid(i, time)`."""
    found, before = [], Fraction(0)
    for end in ends:
        cash, position = Fraction(0), {}
        for ts, instrument, qty, price, fee in fills:
            if ts <= end:
                cash -= qty * price + fee
                position[instrument] = position.get(instrument, 0) + qty
        cash += sum(amount for ts, amount in settlements if ts <= end)
        equity = cash + sum(q * mid(i, end) for i, q in position.items() if q)
        equity -= owed(loans, end, mid, unit)
        found.append(equity - before)
        before = equity
    return found


def guard(own, neutral, scale, draws, key):
    """Draws at least as far above the loss as the loss is above zero, and the block length."""
    lost = [(a - b) * scale for a, b in zip(own, neutral, strict=True)]
    assert all(x.denominator == 1 for x in lost)
    lost = [int(x) for x in lost]
    block = math.floor(bootstrap.block_lengths(lost)[0] * 10**6)
    (sums,) = bootstrap.sums([lost], block, draws, key)
    return sum(s - sum(lost) >= sum(lost) for s in sums), block
