"""Measures of selection against numbers of others: published ones, or of another implementation.

Hansen (2005), Romano and Wolf (2005), and Ledoit and Wolf (2008) publish numbers of data that they
do not print, so arch and statsmodels stand in; their numbers were made once, with the seeds named.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from quantlaxmi.stats.benjamini import benjamini_hochberg
from quantlaxmi.stats.cscv import backtest_overfitting
from quantlaxmi.stats.ledoit_wolf import sharpe_difference
from quantlaxmi.stats.simes import simes
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums
from quantlaxmi.stats.stepm import stepm
from quantlaxmi.stats.storey import null_share, q_values
from quantlaxmi.stats.superior_predictive_ability import superior_predictive_ability

#: Neuhaus et al. (1992), the example of Benjamini and Hochberg (1995), sec. 4.1: four are rejected
#: at 0.05 with the false discovery rate controlled, three by Bonferroni's procedure.
_TEXT = """
0.0001 0.0004 0.0019 0.0095 0.0201 0.0278 0.0298 0.0344
0.0459 0.3240 0.4262 0.5719 0.6528 0.7590 1.0000
"""
NEUHAUS = [Fraction(text) for text in _TEXT.split()]


def drawn(table: np.ndarray, draws: int = 5_000) -> tuple[list[int], list[list[int]]]:
    """Sums of the columns, and of their bootstrap draws with blocks of ten."""
    series = [[int(v * 1e9) for v in column] for column in table.T]
    return [sum(one) for one in series], bootstrap_sums(series, 10_000_000, draws, 7)


@pytest.fixture(scope="module")
def six() -> np.ndarray:
    """Six series with a common part, of means 0.2 down to -0.1."""
    rng = np.random.default_rng(5)
    made = rng.normal(0, 1, (500, 6)) + rng.normal(0, 1, (500, 1))
    return np.asarray(made + np.array([0.2, 0.18, 0.1, 0.05, 0, -0.1]))


def test_simes_of_published_examples():
    """MultipleTesting.jl 0.6 prints 0.04; of Neuhaus' p the smallest decides, times 15."""
    assert simes([Fraction(p) for p in ("0.01", "0.02", "0.3", "0.5")]) == Fraction("0.04")
    assert simes(NEUHAUS) == Fraction("0.0015")
    assert sum(p <= Fraction("0.05") for p in benjamini_hochberg(NEUHAUS)) == 4
    assert sum(15 * p <= Fraction("0.05") for p in NEUHAUS) == 3


def test_storey_of_published_examples():
    """MultipleTesting.jl tests 0.6 at 0.2 for 0.01 to 1 and their tenth powers.

    It counts p = lambda among those above and has no one added (Storey 2002); the later paper's
    share is one over n (1 - lambda) larger.
    """
    grid = [Fraction(k, 100) for k in range(1, 101)]
    ps = [*grid, *(p**10 for p in grid)]
    cut = Fraction(1, 5) - Fraction(1, 10**9)
    assert null_share(ps, cut) * (1 - cut) * 200 == 1 + Fraction("0.6") * Fraction(4, 5) * 200
    # Of Neuhaus' p four are above a half: (4 + 1)/(15/2), with which eight are found, not four.
    assert null_share(NEUHAUS) == Fraction(2, 3)
    found = [float(q) for q in q_values(NEUHAUS)[:5]]
    assert sum(q <= Fraction("0.05") for q in q_values(NEUHAUS)) == 8
    assert found == pytest.approx([0.001, 0.002, 0.0063333333, 0.02375, 0.0402], abs=1e-9)


def test_superior_ability_is_that_of_arch(six):
    """arch 8.0.0, ``SPA(0, -x, block_size=10, reps=20000, seed=3)``: lower, consistent, upper."""
    for table, arch in ((six, (0.0027, 0.0028, 0.0028)), (six - 0.1, (0.1013, 0.1160, 0.1253))):
        found = superior_predictive_ability(*drawn(table), 500)
        ours = [float(p) for p in (found.lower, found.consistent, found.upper)]
        assert ours == pytest.approx(arch, abs=0.012)


def test_stepm_is_that_of_arch(six):
    """arch 8.0.0, ``StepM(0, -x, size=size, block_size=10, reps=20000, seed=3)``."""
    adjusted = stepm(*drawn(six))
    for size, superior in ((0.05, 3), (0.1, 3), (0.25, 5), (0.5, 5)):
        rejected = [k for k, p in enumerate(adjusted) if p <= Fraction(str(size))]
        assert rejected == list(range(superior))


def test_the_difference_of_two_ratios_is_that_of_statsmodels():
    """statsmodels 0.15.0, ``S_hac_simple`` with Bartlett weights, and a numerical gradient."""
    rng = np.random.default_rng(4)
    first = rng.standard_t(5, 600) + 0.1
    second = 0.5 * first + 0.5 * rng.standard_t(5, 600)
    found = sharpe_difference(first, second)  # five lags
    assert found.difference == pytest.approx(-0.022620023329926728, rel=1e-9)
    assert found.error == pytest.approx(0.03187743204438266, rel=1e-9)
    assert found.p_value == pytest.approx(0.4779561590468926, rel=1e-9)


def test_overfitting_is_that_of_pbo():
    """The vignette of CRAN's ``pbo`` prints 1.0000000, of 2,400 rows of 100 studies in 8 blocks.

    All studies are moved and scaled to one mean and one deviation, so the best in one half is the
    worst in the other, whatever was drawn; 0.03/252 is taken off each row.
    """
    drawn_rows = np.random.default_rng(765).normal(size=(2400, 100))
    scaled = drawn_rows / drawn_rows.std(axis=0, ddof=1) / 252**0.5
    assert backtest_overfitting(scaled - scaled.mean(axis=0) - 0.03 / 252, 8) == 1.0


def test_overfitting_is_that_of_pypbo():
    """The steps of ``pypbo`` (12fc196): halves put together row by row, ``rankdata``, logits."""
    table = np.random.default_rng(8).standard_t(10, (1600, 30)) / 100
    found = [backtest_overfitting(table, blocks) for blocks in (8, 10)]
    assert found == pytest.approx([0.5571428571428572, 0.5873015873015873], abs=1e-12)
    table[:, 4] += 0.0008
    found = [backtest_overfitting(table, blocks) for blocks in (8, 10)]
    assert found == pytest.approx([0.5714285714285714, 0.5912698412698413], abs=1e-12)
