"""Results as Arrow tables: the engine's integers, read back exactly from decimals."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.tables import RUN_TABLES
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

NEVER = ("threshold_bps=100000",)
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def run():
    return backtest(open_segment(DATA / "planted"), "basis_capture")


def _rows(run, name):
    # A datetime has no nanoseconds, so Arrow gives none of these as Python objects.
    return run.table(name).drop_columns(["ts"]).to_pylist()


def test_times_keep_their_nanoseconds(run):
    times = run.table("fills")["ts"]
    assert str(times.type) == "timestamp[ns, tz=UTC]"
    assert times.cast("int64").to_pylist() == run.exact.fills["ts_ns"].tolist()


def test_every_table_has_the_runs_rows(run):
    lengths = {name: run.table(name).num_rows for name in RUN_TABLES}
    assert lengths == {
        "decisions": run.n_decisions,
        "legs": len(run.exact.legs),
        "orders": len(run.exact.orders),
        "fills": run.n_fills,
        "funding": len(run.exact.funding),
        "borrow": len(run.exact.borrow),
        "settled": 0,
        "risk": len(run.exact.risk),
        "bundles": 0,
        "attributions": run.n_fills,
        "note_rounding": 0,
        "ledger": 3 * run.n_fills - 1,  # the first fill's line has one instrument
    }
    for name in RUN_TABLES:
        run.table(name).validate(full=True)


def test_fills_read_back_exactly(run):
    for row, fill in zip(_rows(run, "fills"), run.exact.fills, strict=True):
        one = run.instruments[fill["instrument"]]
        assert row["symbol"] == one.symbol
        assert row["side"] == ("BUY" if fill["side"] > 0 else "SELL")
        assert row["price"] == Decimal(int(fill["price"])).scaleb(one.price_exponent)
        assert row["position"] == Decimal(int(fill["position"])).scaleb(one.qty_exponent)
        fee = (int(fill["fee_hi"]) << 64) + (int(fill["fee_lo"]) & (2**64 - 1))
        assert row["fee"] == Decimal(fee).scaleb(run.ledger_exponent)


def test_attributed_money_sums_to_cash(run):
    rows = _rows(run, "attributions")
    total = sum(row["cash_effect"] for row in rows)
    assert total == Decimal(sum(run.exact.cash.values())).scaleb(run.ledger_exponent)
    for row in rows:
        assert row["cash_effect"] == (
            row["gross"] - row["slippage"] - row["fee"] + row["funding"] - row["borrow"]
        )


def test_decisions_say_why(run):
    rows = _rows(run, "decisions")
    assert {row["type"] for row in rows} == {"ENTER", "EXIT"}
    assert all(row["rationale"] in run.header.rationales for row in rows)
    assert all(row["confidence"] is None for row in rows)


def test_unknown_table_is_refused_by_name(run):
    with pytest.raises(InputError, match=r"'trades'.*decisions, legs"):
        run.table("trades")


def test_a_ledger_of_nothing_held_has_the_sums_and_the_same_types(run):
    idle = backtest(run.segment, StrategyRegistry().create("basis_capture", sets=NEVER))
    assert idle.n_fills == 0
    empty = idle.table("ledger")
    assert empty.num_rows == 0
    assert empty.schema == run.table("ledger").schema
    curve = idle.equity_curve(60 * 10**9)
    table = curve.table()
    table.validate(full=True)
    assert table.num_rows == len(curve)
    assert table["symbol"].null_count == len(curve)
    assert set(table["equity"].to_pylist()) == {0}
