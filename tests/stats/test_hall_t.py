"""Hall's t and the plain t: published values, the formula in fractions, and what they refuse."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.stats.hall_t import hall_t
from quantlaxmi.stats.student_t import mean_t, t_quantile, t_tail

#: The linear congruential generator of the table of numbers to reproduce.
_FACTOR, _STEP = 6364136223846793005, 1442695040888963407


def lcg_values(n: int) -> list[int]:
    x, found = 42, []
    for _ in range(n):
        x = (x * _FACTOR + _STEP) % 2**64
        found.append(100 + (x >> 33) % 2001 - 1000)
    return found


def near(found: object, expected: float) -> bool:
    return abs(float(str(found)) - expected) <= 1e-9 * max(1.0, abs(expected))


def test_published_values():
    found = hall_t(lcg_values(200))
    assert found is not None
    assert found.total == 15_259
    assert near(found.mean, 71.4577114427861)
    assert near(found.sd, 580.238424660705)
    assert near(found.skew, 0.0288885548992267)
    assert found.t == found.statistic  # positive skew takes nothing off
    assert near(found.statistic, 1.74598555524845)
    assert near(t_tail(found.statistic, 199), 0.0411783324173263)


def test_published_values_with_rare_losses():
    values = [-6000 if k in (40, 110, 170) else v + 150 for k, v in enumerate(lcg_values(200))]
    found = hall_t(values)
    assert found is not None
    assert found.total == 25_065
    assert near(found.mean, 94.8507462686567)
    assert near(found.sd, 1041.70437150467)
    assert near(found.skew, -3.89788912414065)
    assert near(found.t, 1.29090503353848)
    assert near(found.statistic, 1.098383946176)
    assert near(t_tail(found.statistic, 199), 0.136682013248236)


@given(st.lists(st.integers(-(10**24), 10**24), min_size=2, max_size=40))
def test_equals_the_formula_in_fractions(values):
    every = [*values, min(values)]
    n = len(every)
    mean = Fraction(sum(every), n)
    second = sum((v - mean) ** 2 for v in every)
    third = sum((v - mean) ** 3 for v in every)
    found = hall_t(values)
    if second == 0:
        assert found is None
        return
    assert found is not None
    t = float(mean) / sqrt(second / (n - 1)) * sqrt(n)
    skew = float(third / n) / float(second / n) ** 1.5
    a = min(0.0, skew) / (6 * sqrt(n))
    h = t + a * (1 + 2 * t * t) + 4 / 3 * a * a * t**3
    assert float(found.t) == pytest.approx(t, rel=1e-9, abs=1e-12)
    assert float(found.statistic) == pytest.approx(h, rel=1e-8, abs=1e-9)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=30), st.integers(1, 10**6))
def test_the_unit_of_money_changes_nothing(values, unit):
    found, scaled = hall_t(values), hall_t([unit * v for v in values])
    if found is None:
        assert scaled is None
    else:
        assert scaled is not None
        assert scaled.statistic == pytest.approx(
            found.statistic, rel=Decimal("1e-45"), abs=Decimal("1e-45")
        )


@pytest.mark.parametrize("values", [[], [5]])
def test_too_few_values_are_refused(values):
    with pytest.raises(ValueError, match="at least 2"):
        hall_t(values)
    with pytest.raises(ValueError, match="at least 2"):
        mean_t(values)


def test_equal_values_have_no_t():
    assert hall_t([7] * 10) is None
    assert mean_t([7] * 10) is None


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(199, "1.6525467461665633"), (39, "1.6848751217112248"), (9, "1.833112932656237")],
)
def test_pinned_quantiles_are_scipys(degrees, quantile):
    from scipy.special import stdtrit

    assert t_quantile(Decimal("0.05"), degrees) == Decimal(quantile)
    assert float(quantile) == pytest.approx(float(stdtrit(degrees, 0.95)), rel=1e-12)
    assert t_tail(Decimal(quantile), degrees) == pytest.approx(0.05, rel=1e-9)


def test_other_quantiles_have_twelve_digits():
    assert (
        t_quantile(Decimal("0.05"), 149) == Decimal("1.65514452")
        or len(t_quantile(Decimal("0.05"), 149).as_tuple().digits) <= 12
    )
    with pytest.raises(ValueError, match="alpha"):
        t_quantile(Decimal(0), 9)
    with pytest.raises(ValueError, match="degrees"):
        t_quantile(Decimal("0.05"), 0)
