"""Reports of every kind, made with few draws: what the schema must take and comparisons read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from quantlaxmi import backtest, from_frame, open_segment, run_gates
from quantlaxmi.calibrate.markets import COSTS
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.gates import GatePolicy
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.report import GateReport
from quantlaxmi.segment import Window, messages_before
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.trials import TrialLedger
from quantlaxmi.trials.holdout import seal_from
from tests.report.rare_reports import RARE, carried
from tests.run import test_currencies

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = GatePolicy(
    extend_factor=1,
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 2},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 39, "n_draws_extended": 39},
    ablation={"n_bootstrap": 99},
)
COSTS_FILE = """
queue = "pro_rata"
trade_clock = "receive"
[spot]
maker_bps = "10"
taker_bps = "10"
buy_fee = "base"
borrow_bps = "700"
impact_bps = "0.01"
[perp]
maker_bps = "2"
taker_bps = "5"
min_notional = "100"
[perp.BTCUSDT-PERP]
maker_bps = "1"
taker_bps = "4"
"""
RISK_FILE = """
max_position = "9"
max_notional = "900000"
max_loss = "90000"
on_max_loss = "close"
max_orders_per_second = 1000
max_orders_per_minute = 60000
max_book_age_ms = 90000
capital = "900000"
leverage = "3"
short_spot = "refuse"
[symbols.BTCUSDT-PERP]
max_position = "5"
max_notional = "800000"
"""


@dataclass(frozen=True)
class Sample:
    """A report, and what it is verified with.

    Attributes
    ----------
    report : GateReport
    segment : object
        As `verify_report` takes it.
    options : dict
        Of `verify_report`.
    """

    report: GateReport
    segment: Any
    options: Mapping[str, Any]


def _bundled(name: str, **options: Any) -> Sample:
    given: dict[str, Any] = {"policy": POLICY, **options}
    return Sample(run_gates(DATA / name, BasisCapture(), **given), DATA / name, {})


def _everything(folder: Path) -> Sample:
    """Both suites, with a window, a grid of which one setting fails, trials and latencies."""
    segment = open_segment(DATA / "planted")
    rows = messages_before(segment, segment.last_ts_ns)
    backtest(rows, BasisCapture(BasisCaptureConfig(threshold_bps=7)), trials=folder)
    (folder / "grid.toml").write_text(
        'strategy = "basis_capture"\n[values]\nthreshold_bps = [4, 5]\n'
        "exit_threshold_bps = [2.5, 4.5]\n"
    )
    report = run_gates(
        rows,
        BasisCapture(),
        gates="g2,g3",
        policy=POLICY,
        grid=folder / "grid.toml",
        trials=folder,
        latency=LatencyModel(response=Latency(table_ns=(1000, 2000))),
        leg_latency_ns=1_000,
    )
    return Sample(report, segment, {})


def _settings(folder: Path) -> Sample:
    """Costs and limits of every kind, and one gate: the others are left out."""
    (folder / "costs.toml").write_text(COSTS_FILE)
    (folder / "risk.toml").write_text(RISK_FILE)
    return _bundled(
        "planted",
        policy=GatePolicy(early="guards", suites={"g2": ["net_positive"]}),
        costs=CostModel.load(folder / "costs.toml"),
        limits=RiskLimits.load(folder / "risk.toml"),
    )


def _premium(**changes: Any) -> Sample:
    case = carried(False)
    policy = POLICY.replace(**changes)
    report = run_gates(case.segment, case.strategy, policy=policy, costs=COSTS["free"])
    return Sample(report, case.segment, {"strategy": case.strategy})


def _holdout(folder: Path) -> Sample:
    segment = open_segment(DATA / "planted")
    middle = (segment.first_ts_ns + segment.last_ts_ns) // 2
    seal_from(segment, middle, TrialLedger(folder))
    report = run_gates(segment, BasisCapture(), policy=POLICY, trials=folder, open_seal=True)
    return Sample(report, segment, {})


def _short(_: Path) -> Sample:
    """Fewer messages than there are clock buckets, and few arrangements."""
    policy = POLICY.replace(min_trades=2, min_arrangements=1)
    segment = open_segment(DATA / "planted")
    rows = Window(segment, 0, 180, 0)
    return Sample(run_gates(rows, BasisCapture(), gates="g2,g3", policy=policy), segment, {})


def _bars(folder: Path) -> Sample:
    """Delays in bars, a grid of which one setting fails its own check, gates left out."""
    path = f"{DATA.parent}/examples/sma_trend.py:Trend"
    (folder / "grid.toml").write_text(
        'strategy = "sma_trend"\n[values]\nfast = [2, 3, 9]\nslow = [6]\n'
        'every_seconds = [60]\nsize = ["0.5"]\n'
    )
    closes = [100 + (k * k * 7 // 5) % 11 + (k // 9) % 4 for k in range(600)]
    frame = {
        "time": [
            f"2024-01-0{1 + k // 1440}T{k // 60 % 24:02d}:{k % 60:02d}:00Z" for k in range(600)
        ],
        **dict.fromkeys(("open", "high", "low", "close"), closes),
        "volume": [1000] * len(closes),
    }
    segment = from_frame(frame, symbol="1000SHIBUSDT", interval="1m")
    suites = {"g2": ["delay", "lag_profile"], "g3": ["cost_sensitivity"]}
    report = run_gates(
        segment,
        StrategyRegistry().get(path),
        gates="g2,g3",
        policy=GatePolicy(suites=suites),
        costs=CostModel.binance(),
        grid=folder / "grid.toml",
    )
    return Sample(report, segment, {"strategy": path})


def _converted(folder: Path) -> Sample:
    coin = msgspec.structs.replace(
        test_currencies.BTC, contract_exponent=-1, price_units=10, contract_id="X"
    )
    market, strategy = test_currencies.market(coin), test_currencies.Turns()
    rates = [test_currencies.rate_file(folder)]
    report = run_gates(
        market,
        strategy,
        policy=GatePolicy(suites={"g2": ["net_positive"]}),
        costs=test_currencies.FREE,
        convert=rates,
    )
    return Sample(report, market, {"strategy": strategy, "convert": rates})


def _margin(folder: Path) -> Sample:
    """Sixty session days whose orders are asked for margin, by a stated daily volatility."""
    (folder / "risk.toml").write_text(
        'capital = "800000"\nmargin = "scan"\n[[daily_volatility]]\nunderlying = "NIFTY"\n'
        'valid_from = 2024-11-20\nvalue = "0.0086"\n'
    )
    segment = generate_chain_segment("fair", folder / "s", days=60, snapshots=4)
    report = run_gates(
        segment,
        CalendarCarry(),
        policy=GatePolicy(suites={"g2": ["net_positive", "equity"]}),
        limits=RiskLimits.load(folder / "risk.toml"),
    )
    return Sample(report, segment, {})


#: Kind -> what makes it; each is given an empty folder.
KINDS: Mapping[str, Callable[[Path], Sample]] = {
    "planted": lambda _: _bundled("planted"),
    "edgeless": lambda _: _bundled("edgeless", gates="g2,g3"),
    "diagnosis": lambda _: _bundled("planted", seed=7),
    "everything": _everything,
    "settings": _settings,
    "margin": _margin,
    "premium": lambda _: _premium(),
    "premium not accepted": lambda _: _premium(accept_premium=False),
    "holdout": _holdout,
    "short": _short,
    "bars": _bars,
    "converted": _converted,
    **{
        name: lambda folder, make=make: Sample(*make(folder, POLICY)) for name, make in RARE.items()
    },
}
