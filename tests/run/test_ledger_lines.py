"""The ledger at every fill and on any clock, against the naive engine stopped at each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import EngineError
from quantlaxmi.run.ledger_lines import (
    MONEY,
    lines_at_fills,
    lines_at_times,
    marks_at,
    marks_at_times,
)
from quantlaxmi.run.result import Run
from tests import cases, random_markets, traded, twins
from tests.depth import examples
from tests.naive.engine import Engine
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases

Line = tuple[list[tuple[int, int, dict[str, int]]], dict[str, int]]


def line_of(engine: Engine, ts_ns: int) -> Line:
    """Position, mid2 and money of each instrument as the naive engine stands, and its cash."""
    lines = []
    for i, (account, book) in enumerate(zip(engine.accounts, engine.market.books, strict=True)):
        mid2 = book.mid2
        marked = engine.notional(i, 5 * mid2, account.position)
        cost = account.cost if account.position > 0 else -account.cost
        put_in = account.realized - cost  # what trading alone did to cash
        money = {
            "cash": 10 * (put_in - account.fees + account.funding - account.borrow),
            "realized": 10 * account.realized,
            "unrealized": marked - 10 * cost,
            "fees": 10 * account.fees,
            "funding": 10 * account.funding,
            "borrow": 10 * account.borrow,
            "accrued": 10 * engine.interest(i, ts_ns),
        }
        money["equity"] = money["cash"] + marked - money["accrued"]
        lines.append((account.position, mid2, money))
    return lines, {k: 10 * v for k, v in engine.cash.items()}


def assert_lines(run: Run, lines, k: int, expected: Line) -> None:
    each, cash = expected
    assert lines.held == tuple(sorted(set(run.exact.fills["instrument"].tolist())))
    for i, (position, mid2, money) in enumerate(each):
        if i not in lines.held:
            assert (position, set(money.values())) == (0, {0})
            continue
        at = lines.held.index(i)
        assert (lines.position[at, k], lines.mid2[at, k]) == (position, mid2)
        assert {n: getattr(lines.instruments[at], n)[k] for n in MONEY} == money
        assert (lines.first_line[at] <= k) == (i in run.exact.fills["instrument"][: k + 1])
    for currency, amount in cash.items():
        total = lines.totals[currency]
        assert total.cash[k] == amount
        for name in MONEY:
            mine = (
                m[2][name]
                for m, one in zip(each, run.instruments, strict=True)
                if one.currency == currency
            )
            assert getattr(total, name)[k] == sum(mine)
        assert total.equity[k] == (
            total.realized[k]
            + total.unrealized[k]
            - total.fees[k]
            + total.funding[k]
            - total.borrow[k]
            - total.accrued[k]
        )


@settings(max_examples=examples(100), deadline=None)
@given(st.one_of(random_cases(60, slow=True), order_cases(60)))
def test_every_fill_has_its_line(case) -> None:
    run, _ = twins.run_case(case)
    expected: list[Line] = []

    def note(fill) -> None:
        if fill["qty"]:
            expected.append(line_of(engine, fill["ts_ns"]))

    instruments, mine = case.instruments, []
    calls = iter(range(10**9))

    def decide(engine, *_):
        tops = [(b.bid, b.ask, b.valid) for b in engine.market.books]
        return random_markets.resolved(case.schedule.get(next(calls)), mine, engine.n_orders, tops)

    rules, limits = traded.rules_of(instruments, case.costs, case.limits)
    engine = Engine(
        traded.terms_of(instruments, case.costs),
        decide,
        latency_ns=case.latency_ns,
        fee_exponent=case.costs.fee_exponent,
        on_fill=note,
        rules=rules,
        limits=limits,
        pro_rata=case.costs.queue == "pro_rata",
        by_receipt=case.costs.trade_clock == "receive",
    )
    engine.run(case.tables, case.flatten)
    lines = lines_at_fills(run.exact, run.segment, run.loans)
    assert lines.ts_ns.tolist() == run.exact.fills["ts_ns"].tolist()
    assert len(lines) == len(expected) == run.n_fills
    for k, line in enumerate(expected):
        assert_lines(run, lines, k, line)
    table = run.table("ledger")
    filled = run.exact.fills["instrument"].tolist()
    ever = [len(set(filled[: k + 1])) for k in range(len(filled))]
    assert table.num_rows == sum(ever) + len(lines) * len(run.exact.cash)


def paid_at(case, row) -> int:
    """Receive time of a settlement: its own, but between the message of its row and the next."""
    times = {
        int(seq): int(ts)
        for table in case.tables.values()
        for seq, ts in zip(table["seq"], table["ts_ns"], strict=True)
    }
    coming = [seq for seq in times if seq > row["seq"]]
    after = times[row["seq"]]
    return min(max(row["ts_ns"], after), times[min(coming)] if coming else after)


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(60), st.integers(1, 9))
def test_a_clock_sees_all_up_to_its_time(case, step: int) -> None:
    run, _ = twins.run_case(case)
    first, last = run.segment.first_ts_ns, run.segment.last_ts_ns
    points = np.arange(first - 1, last + 1, step, dtype=np.int64)
    lines = lines_at_times(run.exact, run.segment, points)
    fills, funding = twins.rows_of(run.exact.fills), twins.rows_of(run.exact.funding)
    funding = [{**row, "ts_ns": paid_at(case, row)} for row in funding]
    for k, point in enumerate(points.tolist()):
        for i in range(len(run.instruments)):
            mine = [f for f in fills if f["instrument"] == i and f["ts_ns"] <= point]
            paid = [p["amount"] for p in funding if p["instrument"] == i and p["ts_ns"] <= point]
            if i not in lines.held:
                assert not mine
                assert not any(paid)
                continue
            at = lines.held.index(i)
            assert lines.position[at, k] == sum(f["side"] * f["qty"] for f in mine)
            assert lines.instruments[at].fees[k] == 10 * sum(f["fee"] for f in mine)
            assert lines.instruments[at].funding[k] == 10 * sum(paid)
            assert lines.instruments[at].realized[k] == 10 * (mine[-1]["realized"] if mine else 0)
            assert (lines.first_line[at] <= k) == bool(mine)


def test_the_last_line_is_the_run_s_own_result() -> None:
    case = cases.Case(
        "", random_markets.random_market(3, 300), random_markets.random_schedule(4, 300), 2
    )
    run, _ = twins.run_case(case)
    lines = lines_at_times(run.exact, run.segment, np.array([run.segment.last_ts_ns]))
    assert lines.totals["USDT"].equity[-1] == run.exact.net_pnl
    assert [m.unrealized[-1] for m in lines.instruments] == [
        a.unrealized for a in run.exact.accounts
    ]
    assert (5 * lines.mid2[:, -1]).tolist() == run.exact.last_mids.tolist()
    assert marks_at(run.segment, np.array([-1], np.int64), (0, 1)).tolist() == [[0], [0]]
    last = np.array([run.segment.last_ts_ns])
    reversed_marks = marks_at_times(run.segment, last, (1, 0))
    assert (5 * reversed_marks[::-1, 0]).tolist() == run.exact.last_mids.tolist()


def test_a_ledger_that_lies_is_found() -> None:
    case = cases.Case(
        "", random_markets.random_market(3, 300), random_markets.random_schedule(4, 300), 2
    )
    run, _ = twins.run_case(case)
    for field in ("price", "realized_lo", "position", "fee_lo"):
        wrong = run.exact.fills.copy()
        wrong[field][len(wrong) // 2] += 1
        records = replace(run.exact, fills=wrong)
        with pytest.raises(EngineError):
            lines_at_fills(records, run.segment)
