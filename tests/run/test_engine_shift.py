"""Shifted columns: prices moved while read are prices moved in the data."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import cases, market_builder, random_markets
from tests.depth import examples
from tests.naive.engine import merged
from tests.random_markets import random_market
from tests.twins import TABLES, naive_run, rows_of, run_case


def shifted_tables(tables, seed, size=6):
    """The tables with random shifts on quotes and depth."""
    r = Random(seed)
    made = {name: dict(columns) for name, columns in tables.items()}
    for name in ("quotes", "depth"):
        n = len(tables[name]["seq"])
        by_seq: dict[int, int] = {}
        for seq in tables[name]["seq"].tolist():
            by_seq.setdefault(seq, r.randrange(-size, size + 1))
        made[name]["shift"] = np.array(
            [by_seq[seq] for seq in tables[name]["seq"].tolist()], dtype=np.int64
        ).reshape(n)
    return made


def moved(tables):
    """The same market without the columns: every price really moved (no depth)."""
    rows = {name: [] for name in tables}
    shift = {}
    for name, (row,) in merged(tables):
        i, made = row["instrument"], dict(row)
        shift[i] = made.pop("shift", shift.get(i, 0))
        for price in ("bid", "ask", "price", "mark"):
            if price in made and (made[price] > 0 or price == "price"):
                made[price] += shift[i]
        rows[name].append(made)
    return market_builder.to_tables(rows)


def case_of(tables, seed, calls, **options):
    """Odd seeds: with orders that rest."""
    made = random_markets.random_orders if seed % 2 else random_markets.random_schedule
    schedule = made(seed, calls)
    return cases.Case("shifted", tables, schedule, **options)


@given(seed=st.integers(0, 10**6), latency=st.sampled_from([0, 1, 5]), flatten=st.booleans())
@settings(max_examples=examples(60), deadline=None)
@pytest.mark.parametrize("with_quotes", [True, False])
def test_shifted_columns_give_what_the_twin_gives(with_quotes, seed, latency, flatten):
    tables = shifted_tables(random_market(seed, 120, 2, with_quotes), seed)
    case = case_of(tables, seed, 120, latency_ns=latency, flatten=flatten)
    engine, expected = naive_run(case)
    for depth in ("live", "index"):
        run, seen = run_case(case, depth=depth)
        assert seen == expected
        for name in TABLES:
            assert rows_of(getattr(run.exact, name)) == getattr(engine, name), name
        assert run.exact.last_mids.tolist() == [5 * b.mid2 for b in engine.market.books]


@given(seed=st.integers(0, 10**6), latency=st.sampled_from([0, 3]))
@settings(max_examples=examples(60), deadline=None)
def test_shifted_columns_are_a_market_whose_prices_moved(seed, latency):
    tables = dict(random_market(seed, 150))
    tables["depth"] = {name: column[:0] for name, column in tables["depth"].items()}
    tables = shifted_tables(tables, seed)
    shifted = case_of(tables, seed, 150, latency_ns=latency)
    real = case_of(moved(tables), seed, 150, latency_ns=latency)
    one, other = run_case(shifted), run_case(real)
    assert one[1] == other[1]
    for name in TABLES:
        assert rows_of(getattr(one[0].exact, name)) == rows_of(getattr(other[0].exact, name)), name
    assert one[0].exact.net_by_currency == other[0].exact.net_by_currency


def test_no_shift_is_the_market_itself():
    tables = random_market(5, 200)
    plain = {name: dict(columns) for name, columns in tables.items()}
    for name in ("quotes", "depth"):
        plain[name]["shift"] = np.zeros(len(tables[name]["seq"]), np.int64)
    for seed in (5, 6):
        one, other = (run_case(case_of(t, seed, 200)) for t in (tables, plain))
        assert one[1] == other[1]
        for name in TABLES:
            assert rows_of(getattr(one[0].exact, name)) == rows_of(getattr(other[0].exact, name))
