"""A run's money in clock buckets: cut by the formula, equal to the ledger at every end."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.gates.path.clock_buckets import (
    BUCKETS,
    bucket_ends,
    distinct_stamps,
    increments_of,
    merged,
)
from quantlaxmi.run.ledger_lines import paid_at
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from tests import cases, random_markets
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.random_markets import Decision, Leg, random_market
from tests.twins import run_case

DATA = Path(__file__).resolve().parents[2] / "data"


def made_case(seed, messages=150):
    tables = random_market(seed, messages, 2, True)
    schedule = random_markets.random_schedule(seed, messages)
    return cases.Case("buckets", tables, schedule, latency_ns=1)


@given(st.integers(0, 2**62), st.integers(0, 2**61), st.integers(1, 300))
def test_ends_are_integer_divisions(first, span, n):
    ends = bucket_ends(first, first + span, n)
    assert ends.tolist() == [first + span * (k + 1) // n for k in range(n)]
    assert ends[-1] == first + span


@given(seed=st.integers(0, 10**6))
@settings(max_examples=examples(40), deadline=None)
def test_sums_are_the_ledger_at_every_end(seed):
    run, _ = run_case(made_case(seed))
    found = increments_of(run)
    assert len(found.net) == len(found.gross) == len(found.held) == BUCKETS
    assert sum(found.net) == run.exact.net_pnl
    assert sum(found.gross) == run.exact.gross_pnl
    # By hand, from the fills: cash, and what is held at the last valid mid up to the end.
    fills, units = run.exact.fills, run.exact.scales
    costs = run.exact.attributions
    for k in (0, 37, 120, 199):
        end = int(found.ends[k])
        done = fills["ts_ns"] <= end
        part = sum(found.costs[: k + 1])
        expected = -sum((costs.slippage + costs.fee)[done].tolist())
        # A settlement has the venue's stamp; it counts when its message was received.
        paid = run.exact.funding[paid_at(run.segment, run.exact.funding) <= end]
        received = sum(
            10 * ((int(r["amount_hi"]) << 64) + (int(r["amount_lo"]) & (2**64 - 1))) for r in paid
        )
        assert part == expected + received
    assert all(units)


def test_a_bucket_has_the_stamps_up_to_its_end():
    """A fill on a border belongs to the bucket that ends there, the first stamp to bucket 0."""
    builder = MarketBuilder()
    for k in range(401):
        builder.wait(1).quote(0, 100 + k % 3, 50, 103 + k % 3, 50)
    run, _ = run_case(
        cases.Case("border", builder.tables(), {2: Decision(legs=(Leg(0, 1, 5),))}, latency_ns=0)
    )
    found = increments_of(run)
    [stamp] = set(run.exact.fills["ts_ns"].tolist())
    first = run.segment.first_ts_ns
    bucket = next(k for k, end in enumerate(found.ends.tolist()) if stamp <= end)
    assert next(k for k, held in enumerate(found.held) if held) == bucket
    assert all(found.held[bucket:])
    assert first <= found.ends[0]
    assert found.costs[bucket] != 0 and not any(found.costs[bucket + 1 :])


def test_distinct_stamps_are_counted_up_to_the_number_of_buckets():
    segment = open_segment(DATA / "edgeless")
    assert distinct_stamps(segment) == BUCKETS
    every = set()
    for name in ("quotes", "depth", "trades", "funding"):
        every |= set(segment.columns(name)["ts_ns"].tolist())
    assert distinct_stamps(segment, len(every) + 5) == len(every)
    assert distinct_stamps(segment, 3) == 3


def test_increments_of_a_real_size_run_are_its_equity_curve():
    run = backtest(open_segment(DATA / "planted"), "basis_capture")
    found = increments_of(run)
    assert sum(found.net) == run.exact.net_pnl
    assert sum(found.gross) == run.exact.gross_pnl
    # Buckets of a whole number of curve steps, compared with the curve itself.
    total = list(itertools.accumulate(found.net))
    curve = run.equity_curve(10**9)
    at = np.searchsorted(curve.ts_ns, found.ends, side="right") - 1
    for k in range(BUCKETS):
        if curve.ts_ns[at[k]] == found.ends[k]:
            assert total[k] == curve.equity[at[k]]


def test_merged_adds_neighbours():
    assert merged(range(6), 3) == [1, 5, 9]
    assert merged(range(6), 4) == [0, 3, 3, 9]
    for n in (0, 7):
        with pytest.raises(ValueError, match="cannot be"):
            merged(range(6), n)
