"""What must hold of every run: routes, prefixes, conservation, errors."""

import gc
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.session import Session
from quantlaxmi.schema import EventKind, FillFlag, OrderStatus, RiskRule
from quantlaxmi.segment import SegmentWriter, open_segment
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.displayed import hold_to_displayed
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_replay_loop import random_cases

HIGH = traded.I64_MAX


def config_of(case: Case) -> RunConfig:
    return RunConfig.of(costs=case.costs, latency_ns=case.latency_ns, flatten=case.flatten)


def same_runs(a, b):
    for name in twins.TABLES:
        assert getattr(a.exact, name).tobytes() == getattr(b.exact, name).tobytes(), name
    assert (a.exact.accounts, a.exact.cash, a.n_messages) == (
        b.exact.accounts,
        b.exact.cash,
        b.n_messages,
    )
    assert a.trace.trace_hash == b.trace.trace_hash
    assert a.trace.outcome_hash == b.trace.outcome_hash


# --- routes ------------------------------------------------------------------------------------


@settings(max_examples=examples(120), deadline=None)
@given(random_cases(60), st.lists(st.integers(0, 120), max_size=12))
def test_replay_in_batches_equals_backtest(case, cuts):
    """Cuts fall anywhere, in the middle of a depth message too."""
    whole, seen = twins.run_case(case)
    pieces, seen_again = twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == seen_again


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(40), st.integers(1, 7))
def test_result_does_not_depend_on_stride_or_chunks(case, stride):
    """The engine stops after any number of rows and goes on; chunks end after any row."""
    whole, seen = twins.run_case(case)
    instruments = traded.UNIVERSES[case.universe]
    strategy = twins.script(case.schedule)
    session = Session(
        instruments,
        strategy.bind(instruments),
        RunConfig.of(costs=case.costs, latency_ns=case.latency_ns, flatten=case.flatten),
    )
    session._stride = stride
    for chunk in row_chunks(case.tables, stride + 1):
        session.feed(chunk)
    session.finish()
    for name, rows in session.engine.tables().items():
        assert rows.tobytes() == getattr(whole.exact, name).tobytes(), name
    assert type(strategy).log == seen


def test_the_last_tables_are_the_engines_own_memory():
    builder = MarketBuilder()
    for _ in range(4):
        builder.quote(0, 99, 5, 101, 5).wait(1)
    case = Case("c", builder.tables(), {1: Decision((Leg(0, 1, 2),))}, flatten=True)
    instruments = traded.UNIVERSES[case.universe]
    session = Session(
        instruments,
        twins.script(case.schedule).bind(instruments),
        RunConfig.of(costs=case.costs, latency_ns=case.latency_ns, flatten=case.flatten),
    )
    session.feed(case.tables)
    session.finish()
    copies = session.engine.tables()
    accounts = session.engine.accounts()
    last = session.engine.tables(last=True)
    assert len(last["fills"]) == 2
    for name, rows in last.items():
        assert rows.dtype == copies[name].dtype
        assert rows.tobytes() == copies[name].tobytes(), name
        assert not rows.flags.writeable
        if len(rows):
            with pytest.raises(ValueError, match="WRITEABLE"):
                rows.setflags(write=True)
    assert session.engine.accounts() == accounts
    assert all(len(rows) == 0 for rows in session.engine.tables().values())
    with pytest.raises(RuntimeError, match="handed over"):
        session.engine.finish()
    with pytest.raises(RuntimeError, match="handed over"):
        session.feed(case.tables)
    del session
    gc.collect()
    assert last["fills"].tobytes() == copies["fills"].tobytes()


def row_chunks(tables, size):
    """All rows in order of seq, ``size`` at a time, as chunks of the tables."""
    places = sorted(
        (seq, k, table)
        for table, columns in tables.items()
        for k, seq in enumerate(columns["seq"].tolist())
    )
    for start in range(0, len(places), size):
        wanted = defaultdict(list)
        for _, k, table in places[start : start + size]:
            wanted[table].append(k)
        yield {
            table: {name: column[rows[0] : rows[-1] + 1] for name, column in tables[table].items()}
            for table, rows in wanted.items()
        }


@pytest.mark.parametrize("universe", ["binance", "mixed"])
def test_sealed_segment_gives_the_same_by_columns_log_and_memory(tmp_path, universe):
    instruments = traded.UNIVERSES[universe]
    n = len(instruments)
    tables = random_markets.random_market(11, 400, n)
    schedule = random_markets.random_schedule(12, 400, n)
    with SegmentWriter(
        tmp_path / "seg", venue="test", instruments=instruments, batch_rows=37
    ) as writer:
        for table, columns in tables.items():
            writer.append(table, columns)
        writer.seal()
    segment = open_segment(tmp_path / "seg")
    options = {"costs": traded.COSTS[2], "latency_ns": 3, "flatten": True}
    by_columns = backtest(segment, twins.script(schedule), **options)
    by_log = replay(segment, twins.script(schedule), **options)
    same_runs(by_columns, by_log)
    case = Case("", tables, schedule, 3, True, universe, traded.COSTS[2])
    engine, _ = twins.naive_run(case)
    twins.assert_same(by_columns, engine)
    assert by_log.n_fills > 50


@settings(max_examples=examples(30), deadline=None)
@given(random_cases(40))
def test_a_strategy_runs_again_from_the_start(case):
    segment = MemorySegment(case.tables, traded.UNIVERSES[case.universe])
    strategy = twins.script(case.schedule)
    options = {"costs": case.costs, "latency_ns": case.latency_ns}
    same_runs(backtest(segment, strategy, **options), backtest(segment, strategy, **options))


# --- no look-ahead -----------------------------------------------------------------------------


@settings(max_examples=examples(120), deadline=None)
@given(random_cases(60), st.integers(0, 60))
def test_records_of_a_truncated_market_are_a_prefix(case, length):
    whole, seen = twins.run_case(case)
    short = Case(
        "short",
        random_markets.truncated(case.tables, length),
        case.schedule,
        case.latency_ns,
        False,
        case.universe,
        case.costs,
    )
    part, seen_short = twins.run_case(short)
    assert whole.trace.records_bytes().startswith(part.trace.records_bytes())
    during = [x for x in seen_short if x[0] not in ("fill", "order")]
    assert [x for x in seen if x[0] not in ("fill", "order")][: len(during)] == during
    # What was filled before the cut is filled on the whole market too.
    last = part.segment.tables and max(
        (int(t["ts_ns"][-1]) for t in short.tables.values() if len(t["ts_ns"])), default=-1
    )
    before = part.exact.fills[part.exact.fills["ts_ns"] < last]
    assert whole.exact.fills[: len(before)].tobytes() == before.tobytes()


# --- conservation ------------------------------------------------------------------------------


@settings(max_examples=examples(150), deadline=None)
@given(random_cases())
def test_nothing_is_made_or_lost(case):
    run, _ = twins.run_case(case)
    fills, orders = twins.rows_of(run.exact.fills), twins.rows_of(run.exact.orders)
    by_order = defaultdict(int)
    for fill in fills:
        by_order[fill["order"]] += fill["qty"]
        assert fill["qty"] > 0
    opened = {o["order"]: o for o in orders if o["kind"] == 1}
    closed = {o["order"]: o for o in orders if o["kind"] == 4}
    assert set(opened) == set(closed) == set(range(len(opened)))
    for number, order in closed.items():
        assert order["filled_qty"] == by_order[number] <= order["qty"]
        whole = order["filled_qty"] == order["qty"]
        assert (order["status"] == OrderStatus.FILLED) == whole
        assert order["ts_ns"] >= opened[number]["ts_ns"]
    assert sum(by_order.values()) == run.exact.fills["qty"].sum()
    for i, account in enumerate(run.exact.accounts):
        mine = [f for f in fills if f["instrument"] == i]
        assert account.position == sum(f["side"] * f["qty"] for f in mine)
        assert account.fees == sum(f["fee"] for f in mine)
        assert (account.position == 0) <= (account.cost == 0 and account.unrealized == 0)
    for fill in fills:
        if fill["decision"] >= 0:
            assert fill["ts_ns"] == opened[fill["order"]]["ts_ns"] + case.latency_ns


@settings(max_examples=examples(150), deadline=None)
@given(random_cases())
def test_bundles_end_matched_or_say_so(case):
    run, _ = twins.run_case(case)
    short = [r for r in twins.rows_of(run.exact.risk) if r["rule"] == RiskRule.TRIM_SHORT]
    orders = twins.rows_of(run.exact.orders)
    for decision in twins.rows_of(run.exact.decisions):
        if not decision["bundle"] or decision["n_legs"] < 2:
            continue
        mine = [o for o in orders if o["decision"] == decision["sequence"] and o["kind"] == 4]
        legs = [o for o in mine if o["leg"] >= 0]
        trims = [o for o in mine if o["leg"] < 0]
        least = min(legs, key=_share)
        for order in legs:
            target = order["qty"] * least["filled_qty"] // least["qty"]
            excess = order["filled_qty"] - target
            own = [o for o in trims if o["instrument"] == order["instrument"]]
            told = [
                r
                for r in short
                if (r["decision"], r["instrument"]) == (decision["sequence"], order["instrument"])
            ]
            assert all(o["side"] == -order["side"] for o in own)
            left = excess
            for k, trim in enumerate(own):  # each is sent for what the ones before left
                assert trim["qty"] == left
                left -= trim["filled_qty"]
                assert (left > 0) == (k < len(told))
            assert bool(own) == bool(excess)
            assert [r["value"] for r in told] == [o["qty"] - o["filled_qty"] for o in own][
                : len(told)
            ]
            assert left == 0 or told[-1]["value"] == left


def _share(order):
    return Fraction(order["filled_qty"], order["qty"])


@settings(max_examples=examples(100), deadline=None)
@given(random_cases())
def test_no_fill_beyond_what_was_displayed(case):
    """By quotes alone: while its price stands, no side gives more than it showed."""
    tables = {**case.tables, "depth": random_markets.random_market(0, 0)["depth"]}
    case = Case(
        "q", tables, case.schedule, case.latency_ns, case.flatten, case.universe, case.costs
    )
    run, _ = twins.run_case(case)
    quotes = tables["quotes"]
    fills = twins.rows_of(run.exact.fills)
    for fill in fills:
        mine = (quotes["instrument"] == fill["instrument"]) & (quotes["seq"] <= fill["seq"])
        at = int(np.flatnonzero(mine)[-1])
        assert fill["price"] == quotes["ask" if fill["side"] > 0 else "bid"][at]
        assert fill["ts_ns"] >= quotes["ts_ns"][at]
        assert not fill["flags"] & FillFlag.DEPTH
    names = quotes.keys()
    rows = [
        dict(zip(names, row, strict=True))
        for row in zip(*(quotes[n].tolist() for n in names), strict=True)
    ]
    hold_to_displayed(rows, fills)


@settings(max_examples=examples(100), deadline=None)
@given(random_cases())
def test_doubles_agree_within_a_basis_point(case):
    """PnL recomputed from fills and funding in floats, as anybody would."""
    run, _ = twins.run_case(case)
    unit = 10.0**run.ledger_exponent
    instruments = traded.UNIVERSES[case.universe]
    cash, turnover = 0.0, 0.0
    held = [0.0 for _ in instruments]
    for fill in twins.rows_of(run.exact.fills):
        one = instruments[fill["instrument"]]
        price = fill["price"] * 10.0**one.price_exponent
        qty = fill["qty"] * 10.0**one.qty_exponent * one.multiplier[0]
        qty *= 10.0 ** one.multiplier[1]
        cash -= fill["side"] * price * qty + fill["fee"] * unit
        held[fill["instrument"]] += fill["side"] * qty
        turnover += price * qty
    for row in twins.rows_of(run.exact.funding):
        cash += row["amount"] * unit
    value = cash + sum(
        q * mid * 10.0 ** (one.price_exponent - 1)
        for q, mid, one in zip(held, run.exact.last_mids.tolist(), instruments, strict=True)
    )
    net = sum(run.exact.net_by_currency.values()) * unit / 10
    assert abs(value - net) <= 1e-4 * turnover + 1e-18
    assert abs(value - net) <= 1e-12 * (turnover + abs(value)) + 1e-18


def test_every_kind_is_seen():
    """The random markets hold what the tests above speak of."""
    kinds = defaultdict(int)
    flags = defaultdict(int)
    for seed in range(20):
        case = Case(
            "c",
            random_markets.random_market(seed, 90),
            random_markets.random_schedule(seed, 90),
            2,
            seed % 2 == 0,
            costs=traded.COSTS[1],
        )
        run, _ = twins.run_case(case)
        for row in twins.rows_of(run.exact.orders):
            kinds[row["reason"]] += 1
        for row in twins.rows_of(run.exact.fills):
            flags[row["flags"]] += 1
        kinds["funding"] += len(run.exact.funding)
        kinds["gaps"] += sum(run.exact.depth_gaps)
    assert set(kinds) == {0, 1, 2, 3, 4, 5, 6, 7, "funding", "gaps"}
    own = FillFlag.AFTER_OWN
    assert set(flags) == {0, 1, 2, 4, 5, 6} | {own | flag for flag in (0, 1, 2, 4, 5, 6)}
    assert all(EventKind) and min(kinds.values()) > 0
