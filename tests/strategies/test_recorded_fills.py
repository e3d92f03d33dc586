"""Recorded fills: their positions are traded and judged, their own prices and fees kept exactly."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi.gates.results import Verdict
from quantlaxmi.strategies.recorded_fills import RecordedFills
from tests.importers.test_frame import HOUR, START
from tests.strategies.test_positions import COSTS, Follows, bars, decided

DATA = Path(__file__).parents[2] / "data"
__all__ = ["bars"]  # the fixture


def own_fills_of(run: ql.Run) -> dict[str, list[Any]]:
    """The fills of a run as a broker would list them, at the times of their decisions."""
    table = run.fills()
    return {
        "Time": run.exact.decisions["ts_ns"][run.exact.fills["decision"]].tolist(),
        "Symbol": table["symbol"],
        "Side": table["side"],
        "Qty": table["qty"],
        "Price": table["price"],
        "Commission": table["fee"],
    }


def by_hand(frame: dict[str, list[Any]], last_mid: Fraction) -> tuple[Fraction, Fraction]:
    """Fees and net of fills of one instrument, in fractions."""
    cash = held = fees = Fraction(0)
    for side, qty, price, fee in zip(
        frame["Side"], frame["Qty"], frame["Price"], frame["Commission"], strict=True
    ):
        signed = Fraction(str(qty)) * (1 if side == "BUY" else -1)
        cash -= signed * Fraction(str(price))
        held += signed
        fees += Fraction(str(fee))
    return fees, cash + held * last_mid - fees


def test_fills_of_a_run_that_took_the_same_books_differ_in_nothing(bars: Any) -> None:
    run = ql.backtest(bars, Follows(), costs=COSTS)
    made = ql.from_fills(bars, own_fills_of(run))
    again = ql.backtest(bars, made, costs=COSTS)
    for name in ("ts_ns", "price", "qty", "side", "instrument"):
        assert again.exact.fills[name].tolist() == run.exact.fills[name].tolist()
    (row,) = ql.compare_fills(again).arrow.to_pylist()
    assert row["difference"] == 0
    assert row["own_net"] == row["net"] == run.gross - run.slippage - run.fees
    assert row["own_fees"] == row["fees"] == run.fees
    assert row["own_fills"] == row["fills"] == run.n_fills
    streamed = ql.replay(bars, made, costs=COSTS)  # a second run begins as new
    assert streamed.trace.trace_hash == again.trace.trace_hash


def test_own_prices_and_fees_are_kept_exactly_and_decide_nothing(bars: Any) -> None:
    run = ql.backtest(bars, Follows(), costs=COSTS)
    frame = own_fills_of(run)
    draw = np.random.default_rng(7)
    frame["Price"] = [p + Decimal(int(draw.integers(-99, 99))).scaleb(-8) for p in frame["Price"]]
    frame["Commission"] = [
        Decimal(int(draw.integers(-(10**12), 10**12))).scaleb(-12) for _ in frame["Price"]
    ]
    other = ql.backtest(bars, ql.from_fills(bars, frame), costs=COSTS)
    assert other.exact.net_pnl == run.exact.net_pnl
    assert other.header.config_hash != run.header.config_hash
    (row,) = ql.compare_fills(other).arrow.to_pylist()
    one = run.instruments[0]
    mid = int(run.exact.last_mids[0]) * Fraction(10) ** (one.price_exponent - 1)
    fees, net = by_hand(frame, mid)
    assert (Fraction(row["own_fees"]), Fraction(row["own_net"])) == (fees, net)
    assert row["difference"] == row["own_net"] - row["net"]


def test_every_hash_covers_own_prices_and_fees(bars: Any) -> None:
    frame = own_fills_of(ql.backtest(bars, Follows(), costs=COSTS))
    hashes = {ql.from_fills(bars, frame).config_hash}
    for name, change in (("Price", Decimal("1e-8")), ("Commission", Decimal("1e-12"))):
        column = [frame[name][0] + change, *frame[name][1:]]
        hashes.add(ql.from_fills(bars, frame | {name: column}).config_hash)
    hashes.add(ql.from_positions(bars, {"time": frame["Time"][:1], "position": [1]}).config_hash)
    assert len(hashes) == 4


def test_fills_at_one_time_are_one_position(bars: Any) -> None:
    time = [START + HOUR * k for k in (5, 5, 5, 7)]
    made = ql.from_fills(bars, {"time": time, "qty": [1, 2, -4, 1], "price": [100] * 4})
    assert made._targets.tolist() == [[-(10**8)], [0]]
    run = ql.backtest(bars, made, costs=COSTS)
    assert (run.exact.fills["qty"] * run.exact.fills["side"]).tolist() == [-(10**8), 10**8]


def test_fills_of_two_instruments_keep_one_another(tmp_path: Path) -> None:
    segment = ql.open_segment(DATA / "planted")
    run = ql.backtest(segment, "basis_capture")
    made = ql.from_fills(segment, own_fills_of(run))
    positions = ql.from_positions(segment, decided(run))
    runs = [ql.backtest(segment, one) for one in (made, positions)]
    assert runs[0].exact.net_pnl == runs[1].exact.net_pnl
    assert sum(ql.compare_fills(runs[0])["own_fills"]) == run.n_fills
    policy = ql.GatePolicy(suites={"g2": ("net_positive", "look_ahead", "equity", "market_null")})
    report = ql.run_gates(segment, made, policy=policy)
    assert report.verdict == "INCONCLUSIVE"
    results = {one.gate: one.verdict for suite in report.results for one in suite.results}
    assert results["net_positive"] is Verdict.PASS
    assert results["look_ahead"] is results["market_null"] is Verdict.INCONCLUSIVE
    report.save(tmp_path / "report.json")
    assert ql.verify_report(tmp_path / "report.json", segment, strategy=made).matches
    with pytest.raises(ql.ReportError, match="was made of fills; expected those that from_fills"):
        ql.verify_report(tmp_path / "report.json", segment)


def test_fills_that_lose_fail_whatever_they_say_they_earned(bars: Any) -> None:
    time = [START + HOUR * k for k in range(1, 290)]
    side = ["buy" if k % 2 else "sell" for k in range(1, 290)]
    price = [1 if one == "buy" else 10**6 for one in side]
    made = ql.from_fills(bars, {"time": time, "side": side, "qty": [1] * 289, "price": price})
    run = ql.backtest(bars, made, costs=COSTS)
    assert ql.compare_fills(run)["own_net"][0] > 10**8
    policy = ql.GatePolicy(suites={"g2": ("net_positive", "look_ahead", "equity")})
    assert ql.run_gates(bars, made, costs=COSTS, policy=policy).verdict == "FAIL"


def test_comparing_asks_for_a_run_of_fills(bars: Any) -> None:
    with pytest.raises(ql.InputError, match="was of follows, expected a run of what from_fills"):
        ql.compare_fills(ql.backtest(bars, Follows(), costs=COSTS))


T = [START + HOUR, START + 2 * HOUR]
GOOD = {"time": T, "qty": [1, -1], "price": [100, 101]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"time": T[::-1]}, "fills (row 1): column 'time' was"),
        ({"time": [T[0], None]}, "fills (row 1): column 'time' was"),
        ({"time": [T[0], T[0] * 2]}, "fills (row 1): lies after the last message of the segment"),
        ({"time": [1_000_000_000, T[0]]}, "fills (row 0): lies before the first message"),
        ({"qty": None}, "lacks a column of quantity; expected one of qty, quantity"),
        ({"price": None}, "lacks a column of price; expected one of price"),
        ({"qty": [1, 0]}, "(row 1): column 'qty' was '0', expected a quantity that is not 0"),
        ({"qty": [1, 1e-9]}, "(row 1): column 'qty' was '1e-9', expected a number of at most 8"),
        ({"qty": [1, None]}, "fills (row 1): column 'qty' was 'nan', expected a number"),
        ({"side": ["buy", "sell"]}, "(row 1): column 'qty' was '-1', expected a quantity above 0"),
        ({"side": ["buy", "hold"]}, "(row 1): column 'side' was 'hold', expected buy or sell"),
        ({"price": [100, 0]}, "(row 1): column 'price' was '0', expected a price above 0"),
        ({"price": [100, "a"]}, "(row 1): column 'price' was 'a', expected a number"),
        ({"price": [100, float("inf")]}, "(row 1): column 'price' was 'inf', expected a number"),
        (
            {"fee": ["0", "1e-13"]},
            "(row 1): column 'fee' was '1e-13', expected a number of at most",
        ),
        ({"symbol": ["BTCUSDT", "BTCUSD"]}, "(row 1): column 'symbol' was 'BTCUSD'; did you mean"),
        ({"qty": [9e10, 9e10]}, "quantities too large to be added"),
        ({"time": [], "qty": [], "price": []}, "fills: has no line below its header"),
    ],
)
def test_fills_refusals_are_one_sentence(change: Any, sentence: str, bars: Any) -> None:
    frame = {name: column for name, column in (GOOD | change).items() if column is not None}
    with pytest.raises(ql.InputError) as caught:
        ql.from_fills(bars, frame)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_segment_of_two_asks_for_symbols() -> None:
    segment = ql.open_segment(DATA / "planted")
    with pytest.raises(ql.InputError, match="lacks a column of symbols; expected it to say which"):
        ql.from_fills(segment, {"time": [segment.first_ts_ns], "qty": [1], "price": [1]})


def test_an_empty_fee_is_none(bars: Any) -> None:
    made = ql.from_fills(bars, GOOD | {"fee": [None, 0.5]})
    assert isinstance(made, RecordedFills)
    assert made.own.fee.tolist() == [0, 5 * 10**11]


def test_example_from_fills_runs(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[2] / "examples/from_fills.py"
    spec = importlib.util.spec_from_file_location("from_fills", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    assert "never pass" in capsys.readouterr().out
