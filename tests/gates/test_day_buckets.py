"""Money by session days: premium, regimes and the statistics beside selection ask it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi.gates import GatePolicy, premium, regimes, selection
from quantlaxmi.gates.context import Amounts
from quantlaxmi.gates.observation import RunObservation, context_of
from quantlaxmi.gates.path.clock_buckets import Increments, merged
from quantlaxmi.gates.path.day_steps import day_steps
from quantlaxmi.gates.path.session_days import SessionDays, session_days
from quantlaxmi.gates.results import Inconclusive, Verdict
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from tests.gates.bundle_sessions import run_of
from tests.gates.test_chain_sessions import SNAPSHOTS, Straddles
from tests.naive import surface

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("ten") / "s"
    return generate_chain_segment("fair", out, days=10, snapshots=SNAPSHOTS)


def test_longer_buckets_are_of_neighbours() -> None:
    values = list(range(1, 63))
    found = merged(values, 10)
    assert len(found) == 10 and sum(found) == sum(values)
    assert found[0] == sum(values[:6]) and found[-1] == sum(values[55:])
    assert merged(values[:60], 12) == [sum(values[5 * k : 5 * k + 5]) for k in range(12)]
    with pytest.raises(ValueError, match="cannot be 63"):
        merged(values, 63)


def test_days_have_the_ledgers_money(ten: Any) -> None:
    run = ql.backtest(ten, Straddles())
    observed = RunObservation(run)
    days, made = observed.day_increments, session_days(ten)
    assert made is not None and days.ends.tolist() == made.ends.tolist()
    assert days.net == observed.net_by_day and sum(days.gross) == observed.amounts.gross
    filled = np.searchsorted(made.ends, run.exact.fills["ts_ns"], side="left")
    assert [k for k, held in enumerate(days.held) if held] == sorted(set(filled.tolist()))


def test_steps_are_days_beside_the_front_forward() -> None:
    run = run_of(1, holes=0.1)
    days = session_days(run.segment)
    assert days is not None
    net = RunObservation(run).net_by_day
    steps = day_steps(run, days, net)
    assert steps is not None and steps.net == net and steps.symbol == "forward of NIFTY"
    assert sum(steps.trips) == RunObservation(run).n_trips
    chain = run.segment.columns("chain")
    prices: list[tuple[int, Fraction]] = []
    for ts in np.unique(chain["ts_ns"]).tolist():
        rows = {one.strike: [one.strike, 0, 0, 0, 0] for one in run.instruments}
        at = chain["ts_ns"] == ts
        columns = (chain[name][at].tolist() for name in ("instrument", "bid", "ask"))
        for i, bid, ask in zip(*columns, strict=True):
            one = run.instruments[i]
            if "20250902" in one.symbol:
                k = 1 if one.symbol.endswith("CE") else 3
                rows[one.strike][k : k + 2] = [bid, ask]
        value, _ = surface.forward([tuple(row) for row in rows.values()])  # type: ignore[misc]
        if value is not None:
            prices.append((ts, value))
    begins = [prices[0][0], *days.ends[:-1].tolist()]
    for begin, price in zip(begins, steps.price_at.tolist(), strict=True):
        known = [value for ts, value in prices if ts <= begin]
        assert abs(price - 2 * known[-1]) <= Fraction(1, 2)


def test_regimes_are_of_days(ten: Any) -> None:
    context = context_of(ql.backtest(ten, Straddles()), GatePolicy(regimes={"window": 2}))
    found, *shown = regimes.GATE.judge(context)
    assert found.verdict in (Verdict.PASS, Verdict.FAIL)
    assert found.details["steps"] == 10 and found.details["step_ns"] == 86_400 * 10**9
    assert found.details["symbol"] == "forward of NIFTY" and len(shown) >= 2


class Earner(RunObservation):
    """Days that a premium earned, in place of a run's."""

    n_days, gross, fees = 60, 10, -100

    @property
    def sessions(self) -> SessionDays:  # type: ignore[override]
        return SessionDays(np.arange(1, self.n_days + 1, dtype=np.int64) * 10**9, 1)

    @property
    def day_increments(self) -> Increments:  # type: ignore[override]
        n = self.n_days
        gross = tuple(self.gross * (-1) ** k for k in range(n))
        net = tuple(g - self.fees + k * k % 7 for k, g in enumerate(gross))
        return Increments(self.sessions.ends, gross, net, tuple(k % 2 == 0 for k in range(n)))

    @property
    def amounts(self) -> Amounts:  # type: ignore[override]
        made = self.day_increments
        return Amounts(sum(made.gross), 0, -sum(made.costs), 0, 0, 0, 1)

    @property
    def premium_events(self) -> int:  # type: ignore[override]
        return 30


def test_premium_asks_days() -> None:
    run = ql.backtest(DATA / "planted", "basis_capture")
    context = context_of(run, GatePolicy())

    def judged(**more: int) -> Any:
        observed = Earner(run)
        for name, value in more.items():
            setattr(observed, name, value)
        [found] = premium.GATE.judge(replace(context, observed=observed))
        return found

    found = judged()
    assert found.verdict is Verdict.PASS, found.reasons
    assert list(found.details["statistics"]) == [
        "Hall's t of net PnL in 60 buckets",
        "Hall's t of net PnL in 12 buckets",
        "t of net PnL in 10 buckets",
        "t of the part without timing in 60 buckets",
        "t of the part without timing in 10 buckets",
    ]
    assert judged(n_days=67).verdict is Verdict.PASS
    few = judged(n_days=59)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert few.reasons[0].startswith("Session days: 59, at least 60 needed")
    pays = judged(n_days=5, fees=100)
    assert pays.verdict is Verdict.FAIL and "earns by timing" in pays.reasons[0]


def test_selection_figures_are_of_days(ten: Any) -> None:
    run = ql.backtest(ten, CalendarCarry())
    context = context_of(run, GatePolicy())
    assert context.rerun is not None
    details: dict[str, Any] = {}
    shown = selection._statistics(context, context.rerun, 13, details)
    assert shown.verdict is Verdict.SHOWN and "Deflated Sharpe ratio over 13" in shown.reasons[0]
    days = RunObservation(run).net_by_day
    net = np.array([float(v) for v in days])
    assert details["sharpe_of_a_bucket"] == pytest.approx(net.mean() / net.std(), rel=1e-8)
    assert details["bootstrap_settings"] >= 2

    class Few(RunObservation):
        @property
        def sessions(self) -> SessionDays:  # type: ignore[override]
            return SessionDays(np.arange(9, dtype=np.int64), 1)

    with pytest.raises(Inconclusive, match="Session days: 9, at least 10 needed"):
        selection._statistics(replace(context, observed=Few(run)), context.rerun, 13, {})
