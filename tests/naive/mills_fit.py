"""Where the coefficients of _ext/black76.h come from: Chebyshev interpolation of exact values.

With a >= 0 and y = 2 a (1 + C/A) / (a + C) - 1, which takes 0..A to -1..1:

- (1 + a) Y(-a), with Y(-a) = Phi(-a)/phi(a), is a polynomial P in y;
- (1 + a)**2 (1 - a Y(-a)) is a polynomial Q in y.

The first guess of a volatility needs the inverse of w(d) = phi(d) (1/d - Y(-d)), an option's price
by Bachelier's formula over the distance of forward and strike, d deviations away:

- for d up to D, 1/(d (w + 1/2)) is a polynomial in q = 1/(w + 1/2), scaled to -1..1;
- for d from D to 38, d/r is one in 1/r with r = sqrt(-2 ln w).

All are interpolated at Chebyshev's nodes, written as sums of powers, and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from tests.naive.black76 import _root_two_pi, density, mills

C, A = 5, 80
_HALF = Decimal(1) / 2
D, FAR = Decimal(1), Decimal(38)


def _cosine(turns: Fraction) -> Decimal:
    """cos(pi * turns), by its series."""
    with localcontext(Context(prec=120)):
        # pi to 120 digits, by the series that the twin uses.
        root = _root_two_pi()
        x = root * root / 2 * turns.numerator / turns.denominator
        term = total = Decimal(1)
        k = 0
        while abs(term) > Decimal(10) ** -110:
            k += 2
            term = -term * x * x / (k * (k - 1))
            total += term
        return total


def _powers(function: Callable[[Decimal], Decimal], n: int) -> list[float]:
    """Coefficients of y**0 .. y**(n - 1) of the polynomial that meets a function at n nodes."""
    with localcontext(Context(prec=110)):
        nodes = [_cosine(Fraction(2 * j + 1, 2 * n)) for j in range(n)]
        values = [function(y) for y in nodes]
        total = [Decimal(0)] * n
        before, now = [Decimal(1)], [Decimal(0), Decimal(1)]  # T_0 and T_1 as powers
        for k in range(n):
            weight = sum(
                v * _cosine(Fraction(k * (2 * j + 1), 2 * n)) for j, v in enumerate(values)
            )
            weight *= Decimal(1 if k == 0 else 2) / n
            for i, c in enumerate(before):
                total[i] += weight * c
            after = [Decimal(0), *(2 * c for c in now)]
            for i, c in enumerate(before):
                after[i] -= c
            before, now = now, after
        return [float(c) for c in total]


def _argument(y: Decimal) -> Decimal:
    """a of y."""
    q = (y + 1) / (2 * (1 + Decimal(C) / A))
    return q * C / (1 - q)


def mills_coefficients(n: int) -> list[float]:
    """Of P."""

    def value(y: Decimal) -> Decimal:
        a = _argument(y)
        return (1 + a) * mills(a)

    return _powers(value, n)


def slope_coefficients(n: int) -> list[float]:
    """Of Q."""

    def value(y: Decimal) -> Decimal:
        a = _argument(y)
        with localcontext(Context(prec=400)):
            return (1 + a) ** 2 * (1 - a * mills(a))

    return _powers(value, n)


def _bachelier(d: Decimal) -> Decimal:
    """w of d."""
    with localcontext(Context(prec=400)):
        return density(d) * (1 / d - mills(d))


def _deviations(w: Decimal) -> Decimal:
    """d of w: Newton's steps on ln w, of which the derivative is -phi(d) / (d**2 w)."""
    with localcontext(Context(prec=60)):
        d = Decimal("0.4") / (w + _HALF) if w > Decimal("0.05") else (-2 * w.ln()).sqrt()
        for _ in range(60):
            found = _bachelier(d)
            step = (found / w).ln() * found * d * d / density(d)
            step = max(step, -d / 2)
            d += step
            if abs(step) < d * Decimal("1e-40"):
                return d
    raise AssertionError("the inverse does not converge")


def guess_scales() -> tuple[float, tuple[float, float], tuple[float, float]]:
    """w of D, and slope and offset of the scaled q and of the scaled 1/r."""
    with localcontext(Context(prec=60)):
        bound = _bachelier(D)
        q = 1 / (bound + _HALF)
        near, far = (1 / (-2 * _bachelier(d).ln()).sqrt() for d in (FAR, D))
        return (
            float(bound),
            (float(2 / q), -1.0),
            (float(2 / (far - near)), float(-(far + near) / (far - near))),
        )


def guess_coefficients(n: int) -> tuple[list[float], list[float]]:
    """Of the two polynomials of the guess."""
    _, (near_slope, near_offset), (far_slope, far_offset) = guess_scales()

    def near(y: Decimal) -> Decimal:
        q = (y - Decimal(near_offset)) / Decimal(near_slope)
        w = 1 / q - _HALF
        return q / _deviations(w)

    def far(y: Decimal) -> Decimal:
        r = Decimal(far_slope) / (y - Decimal(far_offset))
        return _deviations((-r * r / 2).exp()) / r

    return _powers(near, n), _powers(far, n)


def main() -> None:
    """Print the numbers as they stand in the header."""
    for name, found in (
        ("mills", mills_coefficients(24)),
        ("slope", slope_coefficients(24)),
        ("near", guess_coefficients(8)[0]),
        ("far", guess_coefficients(8)[1]),
    ):
        print(name, ", ".join(c.hex() for c in found))
    print("scales", guess_scales())


if __name__ == "__main__":
    main()
