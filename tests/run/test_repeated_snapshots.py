"""A snapshot that the venue sent again is no news: its books are as old as they were."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.schema import RiskRule
from tests import random_markets, twins
from tests.cases import Case
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg
from tests.random_chains import random_chain
from tests.run.test_chain_runs import ROWS, N, chain_costs

MS = 10**6
LIMITS = RiskLimits(max_book_age_ms=100)
K = 2  # a contract that does not end
BUY = Decision((Leg(K, 1, 1),))


def refused(market: MarketBuilder, at: int) -> list[tuple[int, int]]:
    """Ages in milliseconds of the books that were too old, by an order at one message."""
    case = Case("repeated", market.tables(), {at: BUY}, 1, False, "chain", chain_costs(0), LIMITS)
    twins.check_case(case)
    run, _ = twins.run_case(case)
    rows = run.exact.risk[run.exact.risk["rule"] == RiskRule.STALE_BOOK]
    return [(int(row["value"]) // MS, int(row["limit"]) // MS) for row in twins.rows_of(rows)]


def test_a_repeated_snapshot_leaves_its_books_as_old_as_they_were() -> None:
    b = MarketBuilder().chain(ROWS).wait(60 * MS).chain(ROWS, unchanged=True)
    b.wait(60 * MS).chain(ROWS, unchanged=True).wait(60 * MS).chain(ROWS).wait(MS).chain(ROWS)
    assert [refused(b, at) for at in range(4)] == [[], [], [(120, 100)], []]


def test_a_repeated_snapshot_that_is_the_first_is_as_old_as_itself() -> None:
    b = MarketBuilder().wait(60 * MS).chain(ROWS, unchanged=True).wait(60 * MS).chain(ROWS)
    assert refused(b, 0) == []


def test_a_quote_after_a_repeated_snapshot_is_news() -> None:
    b = MarketBuilder().chain(ROWS).wait(150 * MS).chain(ROWS, unchanged=True)
    b.wait(MS).quote(K, 10, 5, 12, 5).wait(MS).chain(ROWS)
    assert [refused(b, at) for at in (1, 2)] == [[(150, 100)], []]


@pytest.mark.parametrize("seed", range(12))
def test_ages_of_random_sessions_are_the_twins(seed: int) -> None:
    tables = {
        name: columns | {"ts_ns": _slower(columns["ts_ns"])}
        for name, columns in random_chain(seed, 80, False).items()
    }
    orders = random_markets.random_orders(seed, 80, N)
    case = Case("ages", tables, orders, MS, False, "chain", chain_costs(seed),
                RiskLimits(max_book_age_ms=4), settle_at="mark")  # fmt: skip
    twins.check_case(case)


def _slower(ts_ns: np.ndarray) -> np.ndarray:
    """A millisecond for each nanosecond since the market begins."""
    begins = MarketBuilder().ts_ns
    return begins + (np.asarray(ts_ns) - begins) * MS
