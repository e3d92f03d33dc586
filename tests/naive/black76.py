"""Naive twin of the option maths, from the formulas, in decimals of 160 digits.

Black (1976), undiscounted: call = F Phi(d1) - K Phi(d2), put = K Phi(-d2) - F Phi(-d1), with
d1 = ln(F/K)/s + s/2, d2 = d1 - s and s = sigma sqrt(T).
"""

from __future__ import annotations

import functools
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

#: Digits: up to 15 deviations a difference of two numbers loses a hundred of them.
DIGITS = 160
_HALF = Decimal(1) / 2


def _work() -> Context:
    return Context(prec=DIGITS, Emin=-(10**7), Emax=10**7)


@functools.cache
def _root_two_pi() -> Decimal:
    """sqrt(2 pi), with pi by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan_inverse(n: int) -> Decimal:
        term = total = Decimal(1) / n
        k = 1
        while abs(term) > Decimal(10) ** -(DIGITS + 5):
            term = -term / (n * n)
            k += 2
            total += term / k
        return total

    with localcontext(_work()):
        return (2 * (16 * arctan_inverse(5) - 4 * arctan_inverse(239))).sqrt()


def density(z: Decimal) -> Decimal:
    """phi(z)."""
    with localcontext(_work()):
        return (-z * z / 2).exp() / _root_two_pi()


def _odd_series(a: Decimal) -> Decimal:
    """a + a**3/3 + a**5/(3*5) + ...: (Phi(a) - 1/2) / phi(a), and no term cancels another."""
    term = total = a
    k = 1
    while term > total * Decimal(10) ** -DIGITS:
        k += 2
        term = term * a * a / k
        total += term
    return total


def _fraction(a: Decimal) -> Decimal:
    """1/(a + 1/(a + 2/(a + 3/...))): Laplace's continued fraction of Phi(-a)/phi(a)."""
    found = a
    for k in range(2000, 0, -1):
        found = a + k / found
    return 1 / found


def mills(a: Decimal) -> Decimal:
    """Phi(-a) / phi(a) for a >= 0."""
    with localcontext(_work()):
        return _fraction(a) if a > 15 else _HALF / density(a) - _odd_series(a)


def cdf(z: Decimal) -> Decimal:
    """Phi(z)."""
    with localcontext(_work()):
        below = density(z) * mills(abs(z))
        return below if z <= 0 else 1 - below


class Value(NamedTuple):
    """Price and its derivatives: by F, by F twice, by sigma, and by time as it passes."""

    price: Decimal
    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal


def black(forward: float, strike: float, years: float, sigma: float | Decimal, call: bool) -> Value:
    """All of Black-76 for one option; the numbers are taken as the exact values of their bits."""
    with localcontext(_work()):
        f, k, t, vol = Decimal(forward), Decimal(strike), Decimal(years), Decimal(sigma)
        root = t.sqrt()
        s = vol * root
        d1 = (f / k).ln() / s + s / 2
        if call:
            price, delta = f * cdf(d1) - k * cdf(d1 - s), cdf(d1)
        else:
            price, delta = k * cdf(s - d1) - f * cdf(-d1), -cdf(-d1)
        bell = density(d1)
        vega = f * bell * root
        return Value(price, delta, bell / (f * s), vega, -vega * vol / (2 * t))


def volatility(price: Decimal, forward: float, strike: float, years: float, call: bool) -> Decimal:
    """The volatility at which an option is worth ``price``: bisection, then Newton, 40 digits.

    ``price`` lies above the intrinsic value and below the bound.
    """
    with localcontext(_work()):
        low, high = Decimal(10) ** -12, Decimal(1)
        while black(forward, strike, years, high, call).price < price:
            high *= 2
        for _ in range(12):
            middle = (low * high).sqrt()
            if black(forward, strike, years, middle, call).price < price:
                low = middle
            else:
                high = middle
        otm = (forward >= strike) != call
        less = Decimal(0) if otm else abs(Decimal(forward) - Decimal(strike))
        found = (low * high).sqrt()
        for _ in range(60):
            value = black(forward, strike, years, found, call)
            above = value.price - less
            step = (above / (price - less)).ln() * above / value.vega
            step = max(min(step, found / 2), -found / 2)
            found -= step
            if abs(step) < found * Decimal(10) ** -40:
                return found
    raise AssertionError("the naive volatility does not converge")
