"""Records of a run need no strategy: what was stored gives the same trace, tables and equity."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings

from quantlaxmi.errors import InputError
from quantlaxmi.run.equity import equity_curve
from quantlaxmi.run.record_arrays import arrays_of, records_of
from quantlaxmi.run.records import RunRecords
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.tables import RUN_TABLES, run_table
from quantlaxmi.segment import open_segment
from quantlaxmi.trace import load_trace
from tests import twins
from tests.depth import examples
from tests.run.test_order_flows import order_cases
from tests.segment.test_parts import DATA


@pytest.fixture(scope="module")
def run():
    return backtest(open_segment(DATA / "planted"), "basis_capture")


@pytest.fixture(scope="module")
def stored(run, tmp_path_factory) -> RunRecords:
    """The records of the run from two files, as a catalog would keep them."""
    folder = tmp_path_factory.mktemp("records")
    run.trace.save(folder / "trace.arrow")
    np.savez(folder / "records.npz", **arrays_of(run.exact))
    with np.load(folder / "records.npz") as arrays:  # no pickles: plain types alone
        return records_of(load_trace(folder / "trace.arrow").header, dict(arrays))


def same(a: RunRecords, b: RunRecords) -> None:
    for name in twins.TABLES:
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name
    assert a.header == b.header
    assert (a.accounts, a.cash, a.ledger_exponent) == (b.accounts, b.cash, b.ledger_exponent)
    assert a.net_by_currency == b.net_by_currency
    assert a.gross_by_currency == b.gross_by_currency
    assert (a.n_messages, a.depth_gaps) == (b.n_messages, b.depth_gaps)
    assert a.last_mids.tolist() == b.last_mids.tolist()
    assert list(a.trade_attributions()) == list(b.trade_attributions())


def test_stored_records_are_those_of_the_run(run, stored):
    same(stored, run.exact)
    assert stored.trace.trace_hash == run.trace.trace_hash
    assert stored.trace.outcome_hash == run.trace.outcome_hash


@pytest.mark.parametrize("name", RUN_TABLES)
def test_tables_need_records_alone(run, stored, name):
    # The costs say at what spot is borrowed.
    assert run_table(stored, run.segment, name, run.loans).equals(run.table(name))


def test_equity_needs_records_alone(run, stored):
    step = 60 * 10**9
    curve = equity_curve(stored, open_segment(DATA / "planted"), step, loans=run.loans)
    expected = run.equity_curve(step)
    assert curve.equity.tolist() == expected.equity.tolist()
    assert curve.table().equals(expected.table())


@settings(max_examples=examples(60), deadline=None)
@given(order_cases())
def test_records_of_any_run_come_back(case):
    run, _ = twins.run_case(case)
    same(records_of(run.header, arrays_of(run.exact)), run.exact)


def _changed(arrays, name, change):
    return {k: v for k, v in arrays.items() if k != name} | change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("fills", {}),
        ("counts", {}),
        ("cash", {"cash": np.zeros((3, 2), np.int64)}),
        ("booked", {"booked": np.zeros((2, 5), np.int64)}),
        ("attributions", {"attributions": np.zeros((1, 5, 2), np.int64)}),
        ("last_mids", {"last_mids": np.zeros(2)}),
        ("orders", {"orders": np.zeros(4, np.int64)}),
        ("risk", {"risk": np.array(5)}),
    ],
)
def test_other_arrays_are_refused_by_name(run, name, change):
    arrays = _changed(arrays_of(run.exact), name, change)
    with pytest.raises(InputError, match=name):
        records_of(run.header, arrays)


def test_a_run_points_at_its_records(run):
    assert run.n_fills == len(run.exact.fills)
    assert run.n_decisions == len(run.exact.decisions)
    assert run.header == run.exact.header
    for name in ("decisions", "attributions"):
        assert not hasattr(run, name)  # raw rows are under exact only
    assert len(run.fills()) == run.n_fills
    assert len(run.orders()) == len(run.exact.orders)


@pytest.mark.parametrize("name", ["net_pnl", "gross_pnl", "net_by_currency", "cash", "accounts"])
def test_an_integer_is_under_exact_and_says_so(run, name):
    assert not hasattr(run, name)
    with pytest.raises(AttributeError, match=rf"the integer .* is run\.exact\.{name}, .* run\."):
        getattr(run, name)
    assert getattr(run.exact, name) is not None


def test_other_attributes_of_a_run_are_unknown_as_usual(run):
    with pytest.raises(AttributeError, match="'Run' object has no attribute 'netto'"):
        run.netto


def test_the_decimal_amounts_are_the_exact_integers(run):
    unit = Decimal(10) ** (run.exact.ledger_exponent - 1)
    assert (run.net, run.gross) == (run.exact.net_pnl * unit, run.exact.gross_pnl * unit)
