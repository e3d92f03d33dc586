"""Label permutation over option sessions says how many days it could not shuffle."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from quantlaxmi._jit import bundle_orders
from quantlaxmi.gates import GatePolicy, label_permutation
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.resampling import bundle_labels
from quantlaxmi.gates.results import GateResult
from tests.gates.bundle_sessions import run_of


def judged(seed: int, holes: float, threads: int = 1) -> GateResult:
    policy = GatePolicy(min_trades=2, min_arrangements=1, label_permutation={"n_perms": 99})
    context = context_of(run_of(seed, holes=holes), policy, threads=threads)
    [found] = label_permutation.GATE.judge(context)
    return found


def test_days_that_keep_their_order_are_counted_and_told() -> None:
    found = judged(2, 0.2)
    share: Any = found.details["share_of_days_kept"]
    assert 0 < share <= 0.1 and found.monte_carlo is not None
    assert found.reasons[-1] == (
        f"Days that keep their own order, since no other was found quoted: {share:.2%}."
    )
    assert judged(2, 0.2, threads=2) == found


def test_nothing_is_told_where_no_day_keeps_its_order() -> None:
    found = judged(1, 0.03)
    assert found.details["share_of_days_kept"] == 0
    assert len(found.reasons) == 1 and found.monte_carlo is not None


def test_too_many_of_them_leave_no_p(monkeypatch: pytest.MonkeyPatch) -> None:
    """No small session keeps more than a tenth, so that the limit is lowered."""
    share: Any = judged(2, 0.2).details["share_of_days_kept"]
    monkeypatch.setattr(bundle_labels, "_MOST_KEPT", Fraction(1, 50))
    found = judged(2, 0.2)
    assert found.monte_carlo is None and found.details["share_of_days_kept"] == share > 1 / 50
    assert found.reasons == (
        "Session days of which no order in 64 tries is quoted, so that they keep their own: "
        f"{share:.1%}, at most 2% expected. Trade contracts that are quoted all day.",
    )


@pytest.mark.parametrize(("quoted", "kept"), [(0, 1), (1, 0)])
def test_a_day_is_kept_where_no_other_place_is_quoted(quoted: int, kept: int) -> None:
    """A flat span and one of two rows, which is quoted at its own row and at one more or none."""
    spans = bundle_orders.Orders(
        np.array([0, 2], np.int64),
        np.array([1, 2], np.int64),
        np.array([-1, 0], np.int64),
        np.array([5, 7, 9, 11], np.int64),
        np.array([bool(quoted), bool(quoted), False, False]),
        False,
    )
    out, found = np.zeros((50, 4), np.uint64), np.zeros(50, np.int64)
    bundle_orders.ordered(np.uint64(3), 0, spans, out, found)
    assert found.tolist() == [kept] * 50
    assert set(out[:, 1].tolist()) == ({5, 7} if quoted else {7})
