"""Attribution against its naive twin, and its identities."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from quantlaxmi.errors import EngineError, FixedPointOverflow
from quantlaxmi.run.attribution import attribute_fills
from quantlaxmi.schema import (
    BORROW_PAID_DTYPE,
    DECISION_DTYPE,
    FILL_DTYPE,
    FUNDING_PAID_DTYPE,
    LEG_DTYPE,
)
from tests import cases, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.naive import attribution as naive
from tests.run.test_replay_loop import random_cases

COLUMNS = ("gross", "slippage", "fee", "funding", "borrow", "edge")


def check(case: Case):
    run, _ = twins.run_case(case)
    engine, _ = twins.naive_run(case)
    mids = [5 * b.mid2 for b in engine.market.books]
    expected = naive.attribute(
        engine.decisions,
        engine.legs,
        engine.fills,
        engine.funding,
        mids,
        engine.notional,
        engine.borrow,
    )
    found = run.exact.attributions
    assert found.exponent == run.ledger_exponent - 1
    assert found.reference_price.tolist() == [row["reference_price"] for row in expected]
    for name in COLUMNS:
        assert getattr(found, name).tolist() == [row[name] for row in expected], name
    return run, engine, expected


def check_identities(run, engine, expected):
    """What each fill did to cash; what came to rest; and nothing else."""
    found = run.exact.attributions
    assert found.cash_effect.tolist() == [
        e["gross"] - e["slippage"] - e["fee"] + e["funding"] - e["borrow"] for e in expected
    ]
    direct = [
        -f["side"] * 10 * engine.notional(f["instrument"], f["price"], f["qty"]) - 10 * f["fee"]
        for f in engine.fills
    ]
    assert (found.cash_effect - found.funding + found.borrow).tolist() == direct
    for currency, cash in run.exact.cash.items():
        check_currency(run, engine, expected, direct, currency, cash)


def check_currency(run, engine, expected, direct, currency, cash):
    """Amounts of one currency, which are never added to another's."""
    mine = [one.currency == currency for one in run.instruments]
    rows = [e for e, f in zip(expected, engine.fills, strict=True) if mine[f["instrument"]]]
    traded = sum(d for d, f in zip(direct, engine.fills, strict=True) if mine[f["instrument"]])
    paid = sum(row["amount"] for row in engine.funding if mine[row["instrument"]])
    paid -= sum(row["amount"] for row in engine.borrow if mine[row["instrument"]])
    assert traded + 10 * paid == 10 * cash
    # Cash and what is still held at the last mid are the profit.
    held = sum(
        engine.notional(i, 5 * b.mid2, a.position)
        for i, (b, a) in enumerate(zip(engine.market.books, engine.accounts, strict=True))
        if mine[i]
    )
    net, gross = run.exact.net_by_currency[currency], run.exact.gross_by_currency[currency]
    assert net == 10 * cash + held
    late = 10 * paid - sum(e["funding"] - e["borrow"] for e in rows)
    costs = sum(e["slippage"] + e["fee"] - e["funding"] + e["borrow"] for e in rows) - late
    assert net == gross - costs
    accounts = [a for a, own in zip(run.exact.accounts, mine, strict=True) if own]
    if all(a.position == 0 for a in accounts):
        assert held == 0
        assert sum(a.realized for a in accounts) * 10 == sum(
            e["edge"] - e["slippage"] for e in rows
        )


@pytest.mark.parametrize("case", cases.replay_cases(), ids=str)
def test_corners_match_naive(case):
    for universe in traded.UNIVERSES:
        check_identities(
            *check(
                Case(case.name, case.tables, case.schedule, case.latency_ns, case.flatten, universe)
            )
        )


@settings(max_examples=examples(150), deadline=None)
@given(random_cases(slow=True))
def test_random_runs_match_naive(case):
    check_identities(*check(case))


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(slow=True))
def test_bps_follow_from_the_integers(case):
    run, _ = twins.run_case(case)
    rows = list(run.trade_attributions())
    found = run.exact.attributions
    assert len(rows) == run.n_fills
    ids = {row.fill_id for row in rows}
    assert len(ids) == len(rows)
    for k, row in enumerate(rows):
        parts = (row.gross, row.slippage, row.fee, row.funding, row.borrow, row.edge)
        assert parts == tuple(getattr(found, name)[k] for name in COLUMNS)
        assert row.cash_effect == row.gross - row.slippage - row.fee + row.funding - row.borrow
        assert row.symbol == run.instruments[run.exact.fills["instrument"][k]].symbol
        notional = abs(row.gross)
        for amount, bps in (
            (row.edge, row.gross_edge_bps),
            (row.fee, row.fee_drag_bps),
            (row.slippage, row.slippage_bps),
            (
                row.edge - row.slippage - row.fee + row.funding - row.borrow,
                row.realized_edge_bps,
            ),
        ):
            assert bps == (round(Fraction(amount * 10**8, notional)) if notional else 0)


def test_no_fills():
    empty = {
        "fills": np.zeros(0, FILL_DTYPE),
        "decisions": np.zeros(0, DECISION_DTYPE),
        "legs": np.zeros(0, LEG_DTYPE),
        "funding": np.zeros(0, FUNDING_PAID_DTYPE),
        "borrow": np.zeros(0, BORROW_PAID_DTYPE),
    }
    found = attribute_fills(empty, [1], np.zeros(1, np.int64), -8, [0])
    assert len(found) == 0
    assert found.cash_effect.tolist() == []
    with pytest.raises(EngineError, match="the ledger's cash to 10 "):
        attribute_fills(empty, [1], np.zeros(1, np.int64), -8, [1])


def test_money_that_does_not_fit_names_the_fill():
    fills = np.zeros(2, FILL_DTYPE)
    fills["side"], fills["decision"], fills["leg"] = 1, -1, -1
    fills["qty"][1] = traded.I64_MAX
    fills["price"][1] = traded.I64_MAX
    tables = {
        "fills": fills,
        "decisions": np.zeros(0, DECISION_DTYPE),
        "legs": np.zeros(0, LEG_DTYPE),
        "funding": np.zeros(0, FUNDING_PAID_DTYPE),
        "borrow": np.zeros(0, BORROW_PAID_DTYPE),
    }
    with pytest.raises(FixedPointOverflow) as caught:
        attribute_fills(tables, [10**6], np.zeros(1, np.int64), -8, [0])
    assert caught.value.row == 1
