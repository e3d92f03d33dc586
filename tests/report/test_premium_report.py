"""Reports of a premium: the same on any threads, resumed, interpreted; each verified again."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from quantlaxmi.calibrate.markets import COSTS, PERP, SPOT, Funding, make_market, mids_of
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.worlds.catalogue import EDGES
from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.gates.path.increments import net_by_bucket, run_equity
from quantlaxmi.report import run_gates, verify_report
from quantlaxmi.run.replay import backtest
from quantlaxmi.strategies import StrategyRegistry
from tests.depth import some

ROOT = Path(__file__).resolve().parents[2]
#: Few draws of what decides nothing here; the market null of a premium may stop or go on.
POLICY = GatePolicy(
    extend_factor=1,
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 9},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 39, "n_draws_extended": 79, "grid_search": "off"},
    ablation={"n_bootstrap": 99},
)


def made(world: str = "carry-t7"):
    """A run of a world of the calibration."""
    return next(one for one in EDGES if one.name == world).make(Draws(run_key(2, world, 0)), False)


@pytest.fixture(scope="module")
def case():
    return made()


def judged(case, policy=POLICY, **options):
    return run_gates(case.segment, case.strategy, policy=policy, costs=COSTS["free"], **options)


@pytest.fixture(scope="module")
def report(case):
    return judged(case, threads=1)


def verified(report, case, tmp_path):
    """Whether `verify_report` comes to the same."""
    report.save(tmp_path / "report.json")
    return verify_report(tmp_path / "report.json", case.segment, strategy=case.strategy).matches


def test_a_premium_passes_and_says_who_earns_it(report, case, tmp_path):
    assert (report.verdict, report.edge, report.g2_passed) == ("PASS", "premium", True)
    assert "earned by anyone who holds this, on this segment" in report.verdict_text
    assert report.unseen_text.endswith("once in 66 buckets would erase this")
    premium = report.results[0].result("premium")
    assert premium.details["decorrelation_seconds"] > 0
    assert "Carried by funding" in premium.reasons[0]
    assert "Decorrelation time of the part without timing: " in premium.reasons[0]
    assert re.search(
        r"timing: 349\.8 s, a tenth of the segment is 1[45]\d\d s\.$", premium.reasons[0]
    )
    assert verified(report, case, tmp_path)


@pytest.mark.parametrize("threads", some([2, 4], 1))
def test_threads_change_nothing(report, case, threads):
    assert judged(case, threads=threads).report_hash == report.report_hash


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("calls", some([4, 8, 14], 1))
def test_an_interruption_changes_nothing(report, case, tmp_path, calls):
    left = [calls]

    def progress(gate, done, total):
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    path = tmp_path / "gates.checkpoint"
    with contextlib.suppress(Interrupted):
        judged(case, checkpoint=path, progress=progress)
    assert left[0] == 0
    assert judged(case, checkpoint=path).report_hash == report.report_hash


def test_a_policy_that_takes_no_premium_fails_it_for_that_reason(report, case, tmp_path):
    strict = judged(case, POLICY.replace(accept_premium=False))
    assert (strict.verdict, strict.edge, strict.g2_passed) == ("FAIL", None, False)
    premium = strict.results[0].result("premium")
    assert premium.verdict is Verdict.FAIL
    assert premium.reasons[0].endswith(
        "The policy does not accept a premium (accept_premium = false)."
    )
    assert "policy: accept_premium = False (default True);" in strict.verdict_text
    assert strict.unseen_text == ""
    assert verified(strict, case, tmp_path)


def test_the_choice_of_a_premium_is_not_tested(case, tmp_path):
    """Markets of chance tell nothing of funding: PASS with one setting, no verdict on a choice."""
    config = case.strategy.config
    grid = [config, msgspec.structs.replace(config, every=16)]
    policy = POLICY.replace(suites={"g3": ["selection"]})
    alone = judged(case, policy, gates="g2,g3")
    assert (alone.edge, alone.g3_passed) == ("premium", False)  # short of its other gates
    assert alone.results[1].selection.verdict is Verdict.NOT_APPLICABLE
    assert "selection not tested, trials unknown" in alone.verdict_text
    chosen = judged(case, policy, gates="g2,g3", grid=grid)
    selection = chosen.results[1].selection
    assert selection.verdict is Verdict.INCONCLUSIVE and selection.details["premium"] is True
    assert "its choice among settings is not tested. Judge this one setting" in selection.reasons[0]
    assert chosen.results[0].edge == "premium" and chosen.verdict == "INCONCLUSIVE"
    said = "best of 2 settings, whose premiums' selection is not tested, other trials unknown"
    assert said in chosen.verdict_text
    strict = judged(case, policy.replace(accept_premium=False), gates="g3", grid=grid)
    assert strict.results[0].selection.verdict is Verdict.FAIL
    assert verified(chosen, case, tmp_path)


def test_a_chosen_seed_says_no_edge(report, case, tmp_path):
    chosen = judged(case, seed=7)
    assert (chosen.verdict, chosen.edge, chosen.g2_passed) == ("DIAGNOSIS", None, None)
    assert chosen.unseen_text == ""
    assert verified(chosen, case, tmp_path)
    forged = replace(chosen, verdict="PASS").sealed()
    assert not verified(forged, case, tmp_path)


SCRIPT = """
from tests.report.test_premium_report import judged, made
print(judged(made()).report_hash)
"""


def test_interpreted_kernels_give_the_same_report(report):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert found.stdout.strip() == report.report_hash, found.stderr


def test_what_a_venue_settles_after_the_last_message_is_in_the_last_bucket(case):
    """Its clock is ahead of the recorder's: ablation once ended with an error there."""
    run = backtest(case.segment, case.strategy, costs=COSTS["free"])
    curve, _ = run_equity(run, 600 * 10**9)
    own = net_by_bucket(run, curve)
    funding = run.exact.funding.copy()
    last = run.segment.last_ts_ns
    assert len(funding) > 30 and funding["ts_ns"][-1] <= last
    in_last = funding["ts_ns"] > curve.ts_ns[-2]  # what was paid in the last bucket stays there
    funding["ts_ns"][in_last] = last + 7
    late = replace(run, exact=replace(run.exact, funding=funding))
    assert net_by_bucket(late, curve) == own
    funding["ts_ns"][-1] = last + 10**9
    late = replace(run, exact=replace(run.exact, funding=funding))
    assert sum(net_by_bucket(late, curve)) == run.exact.net_pnl


def test_a_position_that_is_held_throughout_can_be_a_premium(tmp_path):
    """One round trip: nothing is asked of its entries, and what settles is judged."""
    rows = 2_000
    moves = np.random.default_rng(3).integers(-60, 61, rows).astype(np.int64)
    moves[1::2] = moves[::2]
    mid = mids_of(moves, 2, 10_000_000)
    funding = Funding(16, np.full(rows // 16, 10_000, np.int64), int(mid[0]))
    market = make_market(
        mid - 10, mid + 10, instruments=(PERP, SPOT), step_ns=1_800 * 10**9, funding=funding
    )
    carry = StrategyRegistry(installed=False).create(f"{ROOT}/examples/funding_carry.py:Carry")
    report = run_gates(market, carry, policy=POLICY, costs=COSTS["free"])
    (g2,) = report.results
    assert g2.net_positive.details["trips"] == 1
    verdicts = {result.gate: result.verdict for result in g2.results}
    assert verdicts["market_null"] is verdicts["random_entry.matched"] is Verdict.INCONCLUSIVE
    assert verdicts["random_entry.neutral"] is Verdict.NOT_APPLICABLE
    assert verdicts["net_positive"] is verdicts["premium"] is Verdict.PASS
    assert (report.verdict, report.edge) == ("PASS", "premium")
    report.save(tmp_path / "report.json")
    assert verify_report(tmp_path / "report.json", market, strategy=carry).matches
