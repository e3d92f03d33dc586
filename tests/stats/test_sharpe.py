"""Sharpe ratios and their kin against published numbers and limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.stats.deflated_sharpe import deflated_sharpe, expected_maximum
from quantlaxmi.stats.min_backtest import min_backtest
from quantlaxmi.stats.min_track_record import min_track_record
from quantlaxmi.stats.probabilistic_sharpe import probabilistic_sharpe
from quantlaxmi.stats.sharpe_at_benchmark import (
    min_track_record_at_benchmark,
    sharpe_error,
    sharpe_probability,
)
from quantlaxmi.stats.sharpe_scaling import sharpe_scaling
from quantlaxmi.stats.sharpe_variance import sharpe_variance


def near(value):
    return pytest.approx(value, abs=1e-9)


def test_probabilistic_sharpe_published():
    """Bailey, Lopez de Prado (2012), J. Risk 15(2): 24 months of ratio 1.585 give 0.913, 0.982."""
    monthly = 1.585 / math.sqrt(12)
    assert probabilistic_sharpe(monthly, 24, 0, -2.448, 10.164) == near(0.913234306884860)
    assert probabilistic_sharpe(monthly, 24) == near(0.981591236083497)


def test_deflated_sharpe_published():
    """Bailey, Lopez de Prado (2014), J. Portfolio Management 40(5): SR0 0.1132, DSR 0.9004; 46, 88.

    With 46 trials, or 88 of normal returns, the probability would have been 0.95.
    """
    daily, variance = 2.5 / math.sqrt(250), 0.5 / 250
    assert expected_maximum(100) == near(2.530602893201682)
    benchmark, found = deflated_sharpe(daily, 1250, 100, variance, -3, 10)
    assert benchmark == near(0.113172001865132)
    assert found == near(0.900396834449391)
    assert deflated_sharpe(daily, 1250, 46, variance, -3, 10)[1] == near(0.950501706875571)
    assert deflated_sharpe(daily, 1250, 88, variance)[1] == near(0.950490816676)


def test_minimum_lengths_published():
    """The paper of 2012: 2.73 years daily, 2.83 weekly; that of 2014: five years for 45 trials.

    Bailey, Borwein, Lopez de Prado, Zhu (2014), Notices of the AMS 61(5), is the second.
    """
    for periods, sharpe, against, moments, years in (
        (250, 2, 1, (0, 3), 2.73118780172818),
        (52, 2, 1, (0, 3), 2.82883358694524),
        (12, 3, 2.5, (-0.72, 5.78), 27.3529201960403),
    ):
        root = math.sqrt(periods)
        found = min_track_record(sharpe / root, against / root, 0.05, *moments)
        assert found / periods == near(years)
    assert min_backtest(45, 1) == near(4.99808700444341)
    assert expected_maximum(45) == near(2.23564017776641)


@pytest.mark.parametrize(
    ("rho", "observed", "at_zero", "length", "against_zero"),
    [
        (0.0, 0.328588594, 0.204124145, 13.02877832, 0.98720726),
        (0.2, 0.379489998, 0.25, 19.54316747, 0.96583201),
    ],
)
def test_revision_published(rho, observed, at_zero, length, against_zero):
    sharpe, moments = 0.036 / 0.079, (-2.448, 10.164, rho)
    assert sharpe_error(sharpe, 24, *moments) == near(observed)
    assert sharpe_error(0, 24, *moments) == near(at_zero)
    found = min_track_record_at_benchmark(sharpe, 0, 0.05, *moments)
    assert found == pytest.approx(length, abs=5e-9)
    assert sharpe_probability(sharpe, 24, 0, *moments) == pytest.approx(against_zero, abs=5e-9)
    if rho == 0:
        found = sharpe_probability(sharpe, 24, 0.1, *moments)
        assert found == pytest.approx(0.93914763, abs=5e-9)


def test_lo_published():
    expected = (4.1708, 3.7979, 3.4641, 3.1601, 2.8788, 2.6148)
    for rho, value in zip((-0.2, -0.1, 0.0, 0.1, 0.2, 0.3), expected, strict=True):
        assert sharpe_scaling(12, rho) == pytest.approx(value, abs=1e-4)
    assert sharpe_scaling(1, 0.9) == 1.0


@given(st.floats(0.01, 1), st.floats(-0.5, 0.5))
def test_minimum_track_record_is_where_the_probability_arrives(sharpe, skew):
    n = min_track_record(sharpe, 0, 0.05, skew, 4)
    error = math.sqrt(sharpe_variance(sharpe, skew, 4) / (n - 1))
    assert sharpe / error == pytest.approx(1.6448536269514722, rel=1e-9)


def test_what_cannot_be_is_refused():
    for call, said in (
        (lambda: probabilistic_sharpe(0.1, 1), "n was 1"),
        (lambda: probabilistic_sharpe(0.1, 9, 0, 3, 3), "kurtosis was 3"),
        (lambda: expected_maximum(1), "trials was 1"),
        (lambda: deflated_sharpe(0.1, 9, 5, -1), "variance was -1"),
        (lambda: min_track_record(0.1, 0.1), "expected above the benchmark"),
        (lambda: min_track_record(0.2, 0.1, 1), "alpha was 1"),
        (lambda: min_backtest(5, 0), "sharpe was 0"),
        (lambda: sharpe_error(0.1, 0), "n was 0"),
        (lambda: sharpe_error(0.1, 9, autocorrelation=1), "autocorrelation was 1"),
        (lambda: min_track_record_at_benchmark(0.1, 0.1), "expected above the benchmark"),
        (lambda: min_track_record_at_benchmark(0.2, 0.1, 0), "alpha was 0"),
        (lambda: sharpe_scaling(0), "0 periods"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_returns_without_spread():
    # Skew and tails that cancel at a ratio of 1.
    assert sharpe_variance(1.0, 2.0, 5.0) == 0.0
    assert probabilistic_sharpe(1.0, 9, 0.5, 2.0, 5.0) == 1.0
    assert sharpe_probability(1.0, 9, 1.0, 2.0, 5.0) == 0.5
