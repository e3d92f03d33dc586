"""The replay engine against its naive twin: every row of every table, exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.schema import EventKind
from tests import cases, random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples

SEEDS = st.integers(0, 2**32)


@st.composite
def random_cases(draw, max_messages=90, slow=False):
    """With ``slow``, markets whose messages may be days apart, so that interest counts."""
    factor = draw(st.sampled_from([1, 10**12, 10**13, 86_400 * 10**9])) if slow else 1
    universe = draw(st.sampled_from(sorted(traded.UNIVERSES)))
    n_instruments = len(traded.UNIVERSES[universe])
    n = draw(st.integers(0, max_messages))
    seed = draw(SEEDS)
    return Case(
        "random",
        random_markets.stretched(
            random_markets.random_market(seed, n, n_instruments, draw(st.booleans())), factor
        ),
        random_markets.random_schedule(
            draw(SEEDS),
            n,
            n_instruments,
            draw(st.sampled_from([0.1, 0.4, 1.0])),
            draw(st.booleans()),
        ),
        min(draw(st.sampled_from([0, 0, 1, 2, 5, 13, 10**6])) * factor, 10**17),
        draw(st.booleans()),
        universe,
        draw(st.sampled_from(traded.COSTS)),
    )


@pytest.mark.parametrize("case", cases.replay_cases(), ids=str)
def test_corners_match_naive(case):
    for universe in traded.UNIVERSES:
        for model in traded.COSTS:
            twins.check_case(
                Case(
                    case.name,
                    case.tables,
                    case.schedule,
                    case.latency_ns,
                    case.flatten,
                    universe,
                    model,
                )
            )


@settings(max_examples=examples(400), deadline=None)
@given(random_cases(slow=True))
def test_random_markets_match_naive(case):
    twins.check_case(case)


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(), st.sets(st.sampled_from(list(EventKind)), min_size=1))
def test_only_wanted_kinds_reach_the_strategy(case, kinds):
    twins.check_case(case, tuple(kinds))


def test_no_funding_is_paid_where_no_settlement_is_announced():
    case = next(c for c in cases.replay_cases() if c.name == "no settlement announced")
    run, _ = twins.check_case(case)
    assert run.exact.accounts[1].position == -3
    assert len(run.exact.funding) == 0
