"""Limit orders, changes and cancels: the engine against its twin, and what must hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import cases, twins
from tests.cases import Case

SEEDS = st.integers(0, 2**32 - 1)
PRO_RATA = cases.costs("50", "-25", "0", fee_exponent=0, queue="pro_rata")


@st.composite
def order_cases(draw, max_messages=110):
    universe = draw(st.sampled_from([*cases.UNIVERSES, *cases.STEPPED]))
    n_instruments = len({**cases.UNIVERSES, **cases.STEPPED}[universe])
    n = draw(st.integers(0, max_messages))
    return Case(
        "random",
        cases.random_market(draw(SEEDS), n, n_instruments, draw(st.booleans())),
        cases.random_orders(draw(SEEDS), n, n_instruments, draw(st.sampled_from([0.1, 0.3, 1.0]))),
        draw(st.sampled_from([0, 0, 1, 2, 5, 13, 10**6])),
        draw(st.booleans()),
        universe,
        draw(st.sampled_from([*cases.COSTS, PRO_RATA, PRO_RATA])),
    )


@settings(max_examples=400, deadline=None)
@given(order_cases())
def test_random_flows_match_naive(case):
    twins.check_case(case)
