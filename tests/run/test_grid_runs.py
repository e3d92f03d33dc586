"""Runs of many settings: equity by buckets and times of trips, equal to the ledger's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import backtest, open_segment, schema
from quantlaxmi._ext.equity_buckets import equity_buckets
from quantlaxmi._ext.trip_times import trip_times
from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.fixed import int128_array, int_to_int128
from quantlaxmi.gates.path.clock_buckets import bucket_ends, increments_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.grid_runs import grid_runs
from quantlaxmi.run.ledger_lines import lines_at_times, marks_at_times, paid_at
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.segment import Window
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.registry import StrategyRegistry
from tests import cases, random_markets
from tests.depth import examples
from tests.naive import equity_buckets as naive
from tests.random_markets import random_market
from tests.twins import run_case

DATA = Path(__file__).resolve().parents[2] / "data"
WIDE = st.integers(-(2**90), 2**90)
SMALL = st.integers(-(2**30), 2**30)


def rows(dtype, given_rows):
    """Rows of a table from dicts; 128-bit values are split."""
    table = np.zeros(len(given_rows), dtype)
    for k, row in enumerate(given_rows):
        for name, value in row.items():
            if f"{name}_hi" in dtype.names:
                low = value % 2**64
                table[k][f"{name}_hi"] = value >> 64
                table[k][f"{name}_lo"] = low - 2**64 if low >= 2**63 else low
            else:
                table[k][name] = value
    return table


def table_of(dtype, draw, times, **fields):
    return rows(
        dtype,
        [{"ts_ns": t, "instrument": draw(st.integers(0, 1)), **fields_of(draw, fields)}
         for t in times],
    )  # fmt: skip


def fields_of(draw, fields):
    return {name: draw(values) for name, values in fields.items()}


@st.composite
def records(draw):
    times = st.lists(st.integers(0, 60), max_size=12).map(sorted)
    decisions = sorted(draw(st.lists(st.integers(-1, 9), min_size=12, max_size=12)))
    fills = table_of(
        schema.FILL_DTYPE, draw, draw(times), side=st.sampled_from([1, -1]),
        qty=st.integers(1, 3), price=SMALL, fee=WIDE,
    )  # fmt: skip
    fills["decision"] = decisions[: len(fills)]
    funding = table_of(schema.FUNDING_PAID_DTYPE, draw, draw(times), amount=WIDE)
    borrow = table_of(
        schema.BORROW_PAID_DTYPE, draw, draw(times), amount=WIDE, position=SMALL,
        since_ns=st.integers(-10, 60),
    )  # fmt: skip
    ends = draw(st.lists(st.integers(-5, 70), max_size=8).map(sorted))
    mids = draw(st.lists(SMALL, min_size=2 * len(ends), max_size=2 * len(ends)))
    return fills, funding, borrow, np.array(ends, np.int64), mids


NO_LOANS = np.zeros((1, 3), np.int64)
#: Rates of loans, at most eight: larger ones make interest that is wider than 128 bits.
TERMS = st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**126 - 1)).map(
    lambda term: (min(term[0], 8 * term[1]), term[1])
)


def packed_loans(terms):
    """As the kernel takes fractions."""
    return np.array([(num, *int_to_int128(den)) for num, den in terms], np.int64).reshape(-1, 3)


@given(
    records(),
    st.integers(1, 10**12),
    st.integers(1, 10**9),
    st.lists(TERMS, min_size=2, max_size=2),
)
@settings(max_examples=examples(60), deadline=None)
def test_equity_and_trips_are_their_twins(made, scale, weight, loans):
    fills, funding, borrow, ends, mids = made
    mid2 = np.array(mids, np.int64).reshape(2, len(ends))
    scales, weights = np.array([scale, 3], np.int64), np.array([weight, 1], np.int64)
    out = np.zeros((2, len(ends)), np.int64)
    paid = np.ascontiguousarray(funding["ts_ns"])
    before = [t.tobytes() for t in (fills, funding, borrow, mid2)]
    equity_buckets(
        fills, funding, paid, borrow, scales, weights, packed_loans(loans), ends, mid2, out
    )
    expected = naive.equity(
        fills, funding, paid, borrow, scales.tolist(), weights.tolist(), loans, ends.tolist(), mid2
    )
    assert int128_array(*out).tolist() == expected
    decided = np.ascontiguousarray(fills["ts_ns"] - 1)
    times, is_open = trip_times(fills, decided, 2)
    assert ([tuple(t) for t in times.T.tolist()], is_open) == naive.trips(fills, decided)
    assert times.shape[1] + is_open == count_round_trips(fills)
    assert before == [t.tobytes() for t in (fills, funding, borrow, mid2)]


def test_wide_sums_are_refused_and_rows_are_checked():
    one = rows(schema.FILL_DTYPE, [{"side": 1, "qty": 2**62, "price": 2**62}])
    other = rows(schema.FILL_DTYPE, [{"side": 1, "qty": 1, "instrument": 1}])
    none = (np.zeros(0, schema.FUNDING_PAID_DTYPE), np.zeros(0, np.int64))
    borrow = np.zeros(0, schema.BORROW_PAID_DTYPE)
    scales = np.array([2**40], np.int64)
    ends, mid2 = np.array([0], np.int64), np.ones((1, 1), np.int64)
    out = np.zeros((2, 1), np.int64)

    def call(fills, weights=scales, mids=mid2, loans=NO_LOANS):
        equity_buckets(fills, *none, borrow, scales, weights, loans, ends, mids, out)

    with pytest.raises(OverflowError, match="128 bits"):
        call(one)
    with pytest.raises(ValueError, match="not there"):
        call(other)
    late = rows(schema.FILL_DTYPE, [{"side": 1, "qty": 1, "ts_ns": t} for t in (-1, -2)])
    with pytest.raises(ValueError, match="order"):
        call(late)
    with pytest.raises(ValueError, match="one an instrument"):
        call(late[:1], mids=np.ones((2, 1), np.int64))
    with pytest.raises(ValueError, match="three numbers"):
        call(late[:1], loans=np.zeros((2, 3), np.int64))
    with pytest.raises(OverflowError, match="64 bits"):
        trip_times(np.repeat(one, 2), np.zeros(2, np.int64), 1)
    with pytest.raises(ValueError, match="not there"):
        trip_times(other, np.zeros(1, np.int64), 1)


@given(seed=st.integers(0, 10**6), flatten=st.booleans())
@settings(max_examples=examples(30), deadline=None)
def test_buckets_of_a_run_are_its_ledger(seed, flatten):
    tables = random_market(seed, 150, 2, True)
    schedule = random_markets.random_schedule(seed, 150)
    case = cases.Case("grid", tables, schedule, latency_ns=1, flatten=flatten)
    run, _ = run_case(case)
    segment, exact = run.segment, run.exact
    ends = bucket_ends(segment.first_ts_ns, segment.last_ts_ns)
    out = np.zeros((2, len(ends)), np.int64)
    paid = paid_at(segment, exact.funding)
    order = np.argsort(paid, kind="stable")
    weights = np.ones(2, np.int64)
    equity_buckets(
        exact.fills, exact.funding[order], paid[order], exact.borrow,
        np.array(exact.scales, np.int64), weights, packed_loans(run.loans), ends,
        marks_at_times(segment, ends, range(2)), out,
    )  # fmt: skip
    lines = lines_at_times(exact, segment, ends, run.loans)
    total = sum(money.equity for money in lines.totals.values())
    assert int128_array(*out).tolist() == list(np.broadcast_to(total, len(ends)))


def basis(**values):
    return StrategyRegistry().create("basis_capture", **values)


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_a_grid_gives_what_each_setting_gives_alone(name):
    segment, strategy = open_segment(DATA / name), basis()
    configs = grid_configs(strategy)
    ends = bucket_ends(segment.first_ts_ns, segment.last_ts_ns)
    found, other = (
        grid_runs(segment, strategy, configs, ends, config=RunConfig(), threads=n) for n in (1, 2)
    )
    assert len(found.runs) == len(configs) > 1
    for one, two, config in zip(found.runs, other.runs, configs, strict=True):
        alone = backtest(segment, type(strategy).made_with(config))
        assert tuple(one.net) == increments_of(alone).net
        assert sum(one.net_by_instrument) == one.equity[-1] == alone.exact.net_pnl
        assert one.n_fills == alone.n_fills
        assert one.trips.shape[1] + one.is_open == count_round_trips(alone.exact.fills)
        assert one.config is config
        assert (one.halves == two.halves).all() and (one.trips == two.trips).all()
    # The curve itself, at the ends that it has.
    curve = backtest(segment, type(strategy).made_with(configs[0])).equity_curve(10**9)
    at = np.searchsorted(curve.ts_ns, ends, side="right") - 1
    same = np.flatnonzero(curve.ts_ns[at] == ends)
    equity = found.runs[0].equity
    assert len(same)
    assert [equity[k] for k in same] == curve.equity[at[same]].tolist()


def test_a_window_is_a_fresh_run_closed_at_its_end():
    segment, strategy = open_segment(DATA / "planted"), basis()
    span = segment.last_seq - segment.first_seq
    window = Window(segment, segment.first_seq + span // 2, segment.last_seq - span // 4)
    ends = bucket_ends(window.first_ts_ns, window.last_ts_ns, 50)
    config = RunConfig(flatten=True)
    [found] = grid_runs(window, strategy, [strategy.config], ends, config=config).runs
    alone = backtest(window, strategy, flatten=True)
    assert found.equity[-1] == alone.exact.net_pnl
    assert found.n_fills == alone.n_fills > 0
    assert not found.is_open
    assert (found.trips >= window.first_ts_ns).all()


def test_weights_multiply_money_and_wide_ones_are_refused():
    segment, strategy = open_segment(DATA / "edgeless"), basis()
    ends = np.array([segment.last_ts_ns])

    def run(weights):
        made = grid_runs(
            segment, strategy, [strategy.config], ends, config=RunConfig(), weights=weights
        )
        return made.runs[0]

    assert run((7, 7)).equity == [7 * value for value in run(None).equity]
    assert sum(run((7, 1)).net_by_instrument) == run((7, 1)).equity[-1]
    with pytest.raises(FixedPointOverflow):
        run((2**63, 1))


def test_a_strategy_that_changes_its_settings_is_refused():
    class Stubborn(type(basis())):  # type: ignore[misc]
        @classmethod
        def made_with(cls, config=None):
            return super().made_with()

    segment, strategy = open_segment(DATA / "edgeless"), Stubborn()
    ends = np.array([segment.last_ts_ns])
    other = grid_configs(basis())[0]
    with pytest.raises(StrategyError, match="does not keep"):
        grid_runs(segment, strategy, [other], ends, config=RunConfig())
