"""Session days of option chains: where they end, and what gates do where there are some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.observation import RunObservation, context_of
from quantlaxmi.gates.path.session_days import SessionDays, session_days
from quantlaxmi.gates.results import Inconclusive, Verdict
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.segment import open_segment

DATA = Path(__file__).resolve().parents[2] / "data"


def test_days_end_at_their_last_snapshot(tmp_path: Path) -> None:
    segment = generate_chain_segment("fair", tmp_path / "s", days=3, snapshots=9)
    days = session_days(segment)
    assert days is not None and days.n_days == 3
    chain = segment.columns("chain")
    stamps = np.unique(chain["ts_ns"])
    assert days.ends.tolist() == stamps[8::9].tolist()
    assert days.step_ns == int(np.diff(stamps)[0])
    assert session_days(open_segment(DATA / "planted")) is None


def test_one_snapshot_has_no_step(tmp_path: Path) -> None:
    segment = generate_chain_segment("fair", tmp_path / "s", days=1, snapshots=2)
    days = session_days(segment)
    assert days is not None and days.n_days == 1 and days.step_ns > 0


def test_equity_of_days_needs_sixty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run with made-up session days: few are INCONCLUSIVE with the count."""
    import quantlaxmi as ql
    from quantlaxmi.gates import equity, premium

    run = ql.backtest(DATA / "planted", "basis_capture")
    context = context_of(run, GatePolicy())
    span = np.linspace(run.segment.first_ts_ns, run.segment.last_ts_ns, 61)[1:].astype(np.int64)
    span[-1] = run.segment.last_ts_ns
    for n, verdict in ((60, Verdict.PASS), (59, Verdict.INCONCLUSIVE)):
        observed = RunObservation(run)
        observed.sessions = SessionDays(span[60 - n :], 10**9)  # type: ignore[misc]
        [found] = equity.GATE.judge(replace(context, observed=observed))
        assert found.verdict is verdict, found.reasons
        if n == 60:
            net = sum(observed.net_by_day)
            assert net == context.amounts.net
            assert found.details["buckets"] == 60 and "60 session days" in found.reasons[0]
        else:
            assert "Session days: 59, at least 60 needed" in found.reasons[0]
    [found] = premium.GATE.judge(replace(context, observed=observed))
    assert found.verdict is Verdict.FAIL and "earns by timing" in found.reasons[0]
    with pytest.raises(Inconclusive, match="nights"):
        replace(context, observed=observed).increments()
