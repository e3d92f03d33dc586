"""Stationary bootstrap, its block length and StepM, from the papers' formulas in exact numbers."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

from tests.naive.rng import below, word


def resampled(n, block, key, draw):
    """Indices of one draw: a new block with probability 1/L, else the next observation."""
    indices = []
    threshold = (2**64 * 10**6) // block
    for i in range(n):
        if i == 0 or word(key, draw, 2 * i) < threshold:
            indices.append(below(word(key, draw, 2 * i + 1), n))
        else:
            indices.append((indices[-1] + 1) % n)
    return indices


def sums(series, block, draws, key):
    orders = [resampled(len(series[0]), block, key, t) for t in range(draws)]
    return [[sum(s[i] for i in order) for order in orders] for s in series]


def autocovariance(series, k):
    n, mean = len(series), Fraction(sum(series), len(series))
    return sum((series[t] - mean) * (series[t + k] - mean) for t in range(n - k)) / n


def block_lengths(series):
    """Stationary and circular, as floats."""
    n = len(series)
    run = max(5, int(math.log10(n)))
    most = math.ceil(math.sqrt(n)) + run
    g = [autocovariance(series, k) if k < n else Fraction(0) for k in range(most + 1)]
    if g[0] == 0:
        return 1.0, 1.0
    with localcontext() as context:
        context.prec = 40
        critical = 4 * Fraction(Decimal(n).log10()) / n
    small = [(x / g[0]) ** 2 < critical for x in g]
    first = [m for m in range(1, most - run + 1) if all(small[m : m + run]) and m + run <= most]
    lags = min(2 * first[0], most) if first else most

    def window(x):
        return 1 if x <= Fraction(1, 2) else 2 * (1 - x)

    level = sum(window(Fraction(abs(k), lags)) * g[abs(k)] for k in range(-lags, lags + 1))
    curve = sum(window(Fraction(abs(k), lags)) * abs(k) * g[abs(k)] for k in range(-lags, lags + 1))
    longest = math.ceil(min(3 * math.sqrt(n), n / 3))
    found = []
    for d in (2 * level**2, Fraction(4, 3) * level**2):
        b = float(2 * curve**2 / d * n) ** (1 / 3) if d else float(longest)
        found.append(max(1.0, min(float(longest), b)))
    return tuple(found)


def stepm_rejected(own, draws, alpha):
    """Romano and Wolf's loop: reject above the critical value, and again with what is left."""
    m = len(draws[0])
    spread = {}
    for k, total in enumerate(own):
        variance = Fraction(sum((s - total) ** 2 for s in draws[k]), m)
        spread[k] = Fraction(math.isqrt(math.floor(variance * 2**64)), 2**32)
    left = {k for k in spread if spread[k] > 0}
    rejected = set()
    while left:
        largest = sorted(max((draws[k][t] - own[k]) / spread[k] for k in left) for t in range(m))
        rank = math.ceil((1 - alpha) * (m + 1))
        if rank > m:
            break
        new = {k for k in left if own[k] / spread[k] > largest[rank - 1]}
        if not new:
            break
        rejected |= new
        left -= new
    return rejected
