"""On drawn chains no rule earns on average; a planted edge stands out, its twin does not."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.importers.synthetic_chain import synthetic_chain
from quantlaxmi.options import FairVarianceNull
from tests.depth import DEEP, some
from tests.options.fair_variance_rules import RULES, Mids, Rule, bundles, gap_above

#: As many as the statement of the null was tried with; a batch is held in memory.
DRAWS, BATCH = (4_000, 200) if DEEP else (100, 100)
#: Standard errors that a mean may lie from 0.
MOST = 3.5
#: A short front against a long back, while the gap is above its floor, for 40 minutes.
CARRY = Rule("calendar", gap_above(1), 13)


@pytest.mark.parametrize("kind", some(("planted", "fair"), 1))
def test_no_rule_earns_on_average(kind: str) -> None:
    null = FairVarianceNull(synthetic_chain(kind).history)
    assert null.missing == 0
    totals: dict[str, list[np.ndarray]] = {name: [] for name in RULES}
    for first in range(0, DRAWS, BATCH):
        mids = Mids(null, 15, range(first, first + BATCH))
        for name, rule in RULES.items():
            gross, count = bundles(mids, rule)
            assert count.mean() >= 15, name
            totals[name].append(gross.sum(axis=1))
    for name, parts in totals.items():
        total = np.concatenate(parts)
        error = total.std(ddof=1) / np.sqrt(DRAWS)
        assert error > 0
        assert abs(total.mean()) <= MOST * error, (name, total.mean() / error)


@pytest.mark.skipif(not DEEP, reason="needs 2,000 draws: make test-deep")
def test_the_mean_would_show_a_null_without_its_compensator() -> None:
    """Uncompensated draws are told by the same measure."""
    null = FairVarianceNull(synthetic_chain("planted").history)
    fill = null.fill
    null.fill = lambda room, compensate=True: fill(room, False)  # type: ignore[method-assign]
    parts = []
    for first in range(0, 2_000, BATCH):
        mids = Mids(null, 15, range(first, first + BATCH))
        parts.append(bundles(mids, RULES["strangle short 30"])[0].sum(axis=1))
    total = np.concatenate(parts)
    assert abs(total.mean()) > MOST * total.std(ddof=1) / np.sqrt(2_000)


def _statistic(gross: np.ndarray) -> np.ndarray:
    """Z over session days."""
    return gross.sum(axis=1) / np.sqrt((gross**2).sum(axis=1))


@pytest.mark.parametrize("seed", some((1, 2, 3), 1))
def test_planted_session_stands_out_and_the_fair_one_does_not(seed: int) -> None:
    p = {}
    for kind in ("planted", "fair"):
        null = FairVarianceNull(synthetic_chain(kind, seed=seed).history)
        own, trips = bundles(Mids.recorded(null), CARRY)
        drawn, counts = bundles(Mids(null, 6, range(99)), CARRY)
        assert trips[0] >= 30 and np.median(counts) >= 30
        b = int((_statistic(drawn) >= _statistic(own)).sum())
        p[kind] = (b + 1) / 100
    assert p["planted"] <= 0.05 < p["fair"]
