"""Hashes of runs of every strategy on known data, on every Python and machine."""

from __future__ import annotations

import json

import pytest

from quantlaxmi.run.replay import replay
from quantlaxmi.strategies import StrategyRegistry
from tests.golden.regenerate import DATA, HERE, SESSIONS, VARIANTS, cases, hashes, market, run

GOLDEN = json.loads((HERE / "traces.json").read_text(encoding="utf-8"))
CASES = cases()
IDS = ["/".join(case) for case in CASES]


def test_golden_every_strategy_and_segment_has_known_hashes() -> None:
    assert sorted(GOLDEN) == sorted(IDS)
    bundled = {p.name for p in DATA.iterdir() if (p / "segment.json").exists()}
    assert bundled == {segment for _, _, segment in CASES} - set(SESSIONS)
    assert all(entry["decisions"] > 0 for entry in GOLDEN.values())


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_golden_backtest_has_the_known_hashes(case: tuple[str, str, str]) -> None:
    assert hashes(run(*case)) == GOLDEN["/".join(case)]


@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "interpreted"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_golden_replay_has_the_known_hashes(case: tuple[str, str, str], interpreted: bool) -> None:
    name, variant, segment = case
    made = StrategyRegistry(installed=False).create(name, sets=VARIANTS[variant])
    found = replay(market(segment), made, interpreted=interpreted)
    assert hashes(found) == GOLDEN["/".join(case)]
