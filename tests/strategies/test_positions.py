"""Recorded positions run like a strategy; gates judge them, but those that ask the rule itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.gates.results import Verdict
from quantlaxmi.gates.suites import ALL_GATES
from quantlaxmi.schema import Side
from quantlaxmi.strategies.positions import RecordedPositions
from tests.importers.test_frame import HOUR, START, frame_of

DATA = Path(__file__).parents[2] / "data"
COSTS = ql.CostModel.binance()
NEED_CODE = {"look_ahead", "market_null", "ablation", "walk_forward", "selection"}


class Follows(ql.CryptoStrategy):
    """Long after a close above the one before, else flat."""

    strategy_id = "follows"
    last = 0

    def on_market(self, event: ql.ReplayEvent, ctx: ql.Context) -> ql.DecisionEvent | None:
        mid2, held = ctx.book("BTCUSDT").mid2, ctx.position("BTCUSDT").qty
        wanted, self.last = (10**8 if mid2 > self.last else 0), mid2
        if wanted == held:
            return None
        side = Side.BUY if wanted > held else Side.SELL
        return ctx.decide([ql.LegIntent("BTCUSDT", side, abs(wanted - held))], rationale="rule")


@pytest.fixture(scope="module")
def bars() -> Any:
    return ql.from_frame(frame_of(300), "BTCUSDT", costs={"share": 1})


def decided(run: ql.Run) -> dict[str, list[Any]]:
    """Time of each decision that traded, and the position it led to."""
    frame: dict[str, list[Any]] = {"time": []}
    frame |= {one.symbol: [] for one in run.instruments}
    held = {one.symbol: 0.0 for one in run.instruments}
    fills, times = run.exact.fills, run.exact.decisions["ts_ns"]
    for fill in fills:
        one = run.instruments[int(fill["instrument"])]
        held[one.symbol] += int(fill["side"]) * int(fill["qty"]) * 10.0**one.qty_exponent
        time = int(times[int(fill["decision"])])
        if frame["time"][-1:] == [time]:
            for values in frame.values():
                values.pop()
        frame["time"].append(time)
        for symbol, qty in held.items():
            frame[symbol].append(round(qty, 8))
    return frame


def test_positions_of_a_strategy_trade_as_it_did(bars: Any) -> None:
    run = ql.backtest(bars, Follows(), costs=COSTS)
    assert run.n_fills > 50
    recorded = ql.from_positions(bars, decided(run))
    again = ql.backtest(bars, recorded, costs=COSTS)
    for name in ("ts_ns", "price", "qty", "side", "instrument"):
        assert again.exact.fills[name].tolist() == run.exact.fills[name].tolist()
    assert (again.exact.net_pnl, again.exact.gross_pnl) == (run.exact.net_pnl, run.exact.gross_pnl)
    streamed = ql.replay(bars, recorded, costs=COSTS)  # a second run begins as new
    assert streamed.trace.trace_hash == again.trace.trace_hash


def test_positions_stamped_with_the_beginning_of_a_bar(bars: Any) -> None:
    plain = decided(ql.backtest(bars, Follows(), costs=COSTS))
    early = plain | {"time": [time - HOUR * 10**9 for time in plain["time"]]}
    runs = [
        ql.backtest(bars, ql.from_positions(bars, frame, interval=interval), costs=COSTS)
        for frame, interval in ((plain, None), (early, "1h"))
    ]
    assert runs[0].trace.trace_hash == runs[1].trace.trace_hash


def test_positions_empty_cells_keep_what_was(bars: Any) -> None:
    time = [START + HOUR * k for k in (5, 6, 7, 9)]
    kept = ql.from_positions(bars, {"time": time, "position": [1.5, None, float("nan"), 0.0]})
    full = ql.from_positions(bars, {"time": time, "BTCUSDT": ["1.5", "1.5", "1.5", "0"]})
    assert kept.config_hash == full.config_hash
    run = ql.backtest(bars, kept, costs=COSTS)
    assert run.exact.fills["qty"].sum() == 3 * 10**8
    signed = run.exact.fills["qty"] * run.exact.fills["side"]
    assert signed.tolist() == [15 * 10**7, -15 * 10**7]


def test_positions_that_are_not_filled_at_once_are_sent_again() -> None:
    bars = ql.from_frame(frame_of(40), "BTCUSDT", costs={"share": "0.01"})
    made = ql.from_positions(bars, {"time": [START + HOUR], "position": [3]})
    run = ql.backtest(bars, made, costs=COSTS)
    assert run.n_decisions > 2
    assert int(run.exact.fills["qty"].sum()) == 3 * 10**8


def test_positions_refused_wait_for_the_next_row(bars: Any) -> None:
    limits = RiskLimits(max_position=ql.FixedPoint(1, 0))
    time = [START + HOUR * k for k in (2, 20)]
    made = ql.from_positions(bars, {"time": time, "position": [5, 1]})
    run = ql.backtest(bars, made, costs=COSTS, limits=limits)
    assert run.n_decisions == 2
    assert run.n_fills == 1


def test_gates_that_need_the_code_are_these() -> None:
    assert {gate.name for gate in ALL_GATES if gate.needs_code} == NEED_CODE


@pytest.fixture(scope="module")
def planted() -> tuple[Any, RecordedPositions, ql.GatePolicy]:
    segment = ql.open_segment(DATA / "planted")
    recorded = ql.from_positions(segment, decided(ql.backtest(segment, "basis_capture")))
    wanted = ("net_positive", "look_ahead", "delay", "equity", "premium", "market_null", "ablation")
    policy = ql.GatePolicy()
    g3 = policy.suites["g3"]
    return segment, recorded, ql.GatePolicy(suites={"g2": wanted, "g3": g3})


def test_recorded_positions_never_pass(planted: Any, tmp_path: Path) -> None:
    segment, recorded, policy = planted
    report = ql.run_gates(segment, recorded, gates="g2,g3", policy=policy)
    assert report.verdict == "INCONCLUSIVE"
    for suite in report.results:
        assert suite.verdict is Verdict.INCONCLUSIVE
        for result in suite.results:
            asks_the_rule = result.gate.partition(".")[0] in NEED_CODE
            assert any("Its code is needed" in r for r in result.reasons) == asks_the_rule
            if asks_the_rule:
                assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.SHOWN)
            elif result.role == "guard":
                assert result.verdict is Verdict.PASS, result
    report.save(tmp_path / "report.json")
    check = ql.verify_report(tmp_path / "report.json", segment, strategy=recorded)
    assert check.matches
    with pytest.raises(ql.ReportError, match="was made of positions; expected those"):
        ql.verify_report(tmp_path / "report.json", segment)
    frame = {"time": [segment.first_ts_ns], "BTCUSDT": [0.01]}
    with pytest.raises(ql.ReportError, match="the strategy given has"):
        other = ql.from_positions(segment, frame)
        ql.verify_report(tmp_path / "report.json", segment, strategy=other)


def test_recorded_positions_that_lose_fail(bars: Any) -> None:
    frame = {"time": [START + HOUR * k for k in range(1, 290)]}
    frame |= {"position": [k % 2 for k in range(289)]}
    recorded = ql.from_positions(bars, frame)
    policy = ql.GatePolicy(suites={"g2": ("net_positive", "look_ahead", "equity", "market_null")})
    report = ql.run_gates(bars, recorded, costs=COSTS, policy=policy)
    assert report.verdict == "FAIL"


def test_recorded_positions_have_no_settings_and_no_holdout(planted: Any) -> None:
    segment, recorded, _ = planted
    with pytest.raises(ql.StrategyError, match="have no settings to try"):
        RecordedPositions.made_with()
    with pytest.raises(ql.ConfigError, match="--open-seal: was given with recorded positions"):
        ql.run_gates(segment, recorded, open_seal=True)
    with pytest.raises(ql.StrategyError, match="recorded positions are of 'BTCUSDT'"):
        ql.backtest(
            ql.from_frame(frame_of(), "ETHUSDT"),
            RecordedPositions(["BTCUSDT"], np.zeros(1, np.int64), np.ones((1, 1), np.int64)),
            costs=COSTS,
        )


T = [START + HOUR, START + 2 * HOUR]


@pytest.mark.parametrize(
    ("frame", "told", "sentence"),
    [
        ({"time": T, "BTCUSD": [1, 0]}, {}, "column 'BTCUSD' is no instrument; did you mean"),
        ({"time": T, "x": [1, 0]}, {}, "column 'x' is no instrument; expected BTCUSDT"),
        ({"time": T}, {}, "lacks a column of positions; expected BTCUSDT"),
        ({"BTCUSDT": [1, 0]}, {}, "lacks a column of time"),
        ({"time": T[::-1], "BTCUSDT": [1, 0]}, {}, "positions (row 1): column 'time' was"),
        ({"time": T[:1] * 2, "BTCUSDT": [1, 0]}, {}, "not after row 0; expected ascending"),
        ({"time": [T[0], None], "BTCUSDT": [1, 0]}, {}, "positions (row 1): column 'time' was"),
        ({"time": T, "BTCUSDT": [1, 1e-9]}, {}, "(row 1): column 'BTCUSDT' was '1e-9', expected"),
        ({"time": T, "BTCUSDT": [1, "a"]}, {}, "(row 1): column 'BTCUSDT' was 'a', expected"),
        ({"time": T, "BTCUSDT": [1, float("inf")]}, {}, "(row 1): column 'BTCUSDT' was 'inf'"),
        ({"time": T, "BTCUSDT": [1, 1e30]}, {}, "(row 1): column 'BTCUSDT' was '1e+30'"),
        ({"time": [], "BTCUSDT": []}, {}, "positions: has no line below its header"),
        ({"time": [T[0] * 2], "BTCUSDT": [1]}, {}, "begin after the last message"),
        ({"time": T, "BTCUSDT": [1, 0]}, {"interval": "x"}, "interval: was 'x'; expected a length"),
        (7, {}, "positions: was of type int; expected a data frame"),
    ],
)
def test_positions_refusals_are_one_sentence(
    frame: Any, told: dict[str, Any], sentence: str, bars: Any
) -> None:
    with pytest.raises(ql.InputError) as caught:
        ql.from_positions(bars, frame, **told)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_positions_round_toward_zero_when_asked(bars: Any) -> None:
    frame = {"time": T, "BTCUSDT": [1.123456789, -1.123456789]}
    with pytest.raises(ql.InputError, match="round = True"):
        ql.from_positions(bars, frame)
    made = ql.from_positions(bars, frame, round=True)
    assert made._targets.tolist() == [[112345678], [-112345678]]


def test_example_from_vectorbt_runs(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[2] / "examples/from_vectorbt.py"
    spec = importlib.util.spec_from_file_location("from_vectorbt", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    out = capsys.readouterr().out
    assert "22 decisions, 22 fills" in out
    assert out.endswith("verdict FAIL: recorded positions can fail, and never pass\n")


def test_report_on_a_frame_is_verified_on_the_folder_it_is_saved_to(
    bars: Any, tmp_path: Path
) -> None:
    policy = ql.GatePolicy(suites={"g2": ("net_positive", "look_ahead", "equity", "delay")})
    report = ql.run_gates(bars, Follows(), costs=COSTS, policy=policy)
    report.save(tmp_path / "report.json")
    saved = bars.save(tmp_path / "saved")
    check = ql.verify_report(tmp_path / "report.json", saved, strategy=Follows())
    assert check.matches, check.differences
