"""The suite asked gate by gate: other seeds and draws, its checkpoint, the plan's arguments."""

from __future__ import annotations

import re
import sys
import types
from datetime import timedelta
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi import G2AntiOverfitSuite, PermutationResult, TimeShiftResult
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.report import run_gates
from quantlaxmi.strategies.code_digest import code_digest
from quantlaxmi.strategies.registry import load_file

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = GatePolicy(
    random_sides={"n_draws": 300},
    extend_factor=1,
    random_entry={"n_sims": 300, "n_neutral_pairs": 20},
    label_permutation={"n_perms": 300},
    market_null={"n_draws": 19, "n_draws_extended": 19},
    time_shift={"n_shifts": 19},
)


@pytest.fixture(scope="module")
def run():
    return quantlaxmi.backtest(quantlaxmi.open_segment(DATA / "edgeless"), "basis_capture")


def suite_of(run, checkpoint=None):
    return G2AntiOverfitSuite.from_run(run, policy=POLICY, threads=1, checkpoint=checkpoint)


def test_other_seeds_and_draws_are_not_answered_from_the_checkpoint(run, tmp_path):
    path, plain = tmp_path / "c", suite_of(run)
    kept = suite_of(run, Checkpoint(path, b"\x01" * 32))
    assert kept.run_random_entry() == plain.run_random_entry()
    assert kept.run_permutation() == plain.run_permutation()
    before = path.read_bytes()
    other = kept.run_random_entry(seed=7)
    assert other == plain.run_random_entry(seed=7)
    assert other != plain.run_random_entry()
    for n_perms in (199, 999):  # fewer and more than were counted
        assert kept.run_permutation(n_perms=n_perms) == plain.run_permutation(n_perms=n_perms)
        assert kept.run_permutation(n_perms=n_perms)[0].monte_carlo.draws == n_perms
    assert path.read_bytes() == before
    assert suite_of(run, Checkpoint(path, b"\x01" * 32)).run_permutation() == kept.run_permutation()


@pytest.mark.parametrize("seed", [1.5, "1", True, -1, 2**63, 2**64])
def test_a_seed_that_is_none_is_refused_in_one_line(run, seed):
    asked = [
        lambda: suite_of(run).run_random_entry(seed=seed),
        lambda: G2AntiOverfitSuite.from_run(run, seed=seed),
        lambda: run_gates(run.segment, "basis_capture", seed=seed),
    ]
    if seed != 2**63:  # a run's own may be that large
        asked.append(lambda: quantlaxmi.replay(run.segment, "basis_capture", seed=seed))
    for ask in asked:
        with pytest.raises(InputError, match=r"^seed: was .*, expected a whole number, 0 to"):
            ask()


def test_the_plan_s_calls(run):
    """Label permutation and, where asked, the market null; shifts as durations."""
    suite = suite_of(run)
    labels, market = suite.run_permutation(99, market=True)
    assert isinstance(labels, PermutationResult)
    assert (labels.kind, market.kind) == ("labels", "market")
    assert suite.run_permutation(99) == [labels]
    assert suite.run_market_null() == [market]
    shifts = [timedelta(milliseconds=20), timedelta(seconds=1)]
    found = suite.run_time_shift(shifts=shifts)
    assert all(isinstance(result, TimeShiftResult) for result in found)
    assert [result.kind for result in found] == ["circular", "lead", "delay"]
    assert [result.kind for result in suite.run_time_shift(19)] == ["circular", "lead"]
    assert found[2:] == suite.run_delay((20, 1000))
    curve = [point["ms"] for point in found[2].details["curve"]]
    assert curve == [0, 20, 50, 1000]  # the policy's required one with them
    for wrong in ([timedelta(microseconds=5)], [timedelta(0)], [-shifts[0]], [5]):
        with pytest.raises(ConfigError, match="shifts: was"):
            suite.run_time_shift(shifts=wrong)
    with pytest.raises(ConfigError, match="ascending"):
        suite.run_time_shift(shifts=shifts[::-1])


STRATEGY = """
from quantlaxmi.strategies.basis_capture import BasisCapture

class Mine(BasisCapture):
    strategy_id = "mine"
    def bind(self, instruments, *, interpreted=False):
        return super().bind(instruments, interpreted=interpreted)
"""


def test_a_checkpoint_is_not_believed_after_the_strategy_s_code_changed(run, tmp_path):
    """Its decisions are the same here; on the markets that draws make they need not be."""
    policy = GatePolicy(
        suites={"g2": ["label_permutation"]},
        random_sides={"n_draws": 19},
        extend_factor=1,
        min_trades=2,
        label_permutation={"n_perms": 19},
    )

    def judged(folder, text):
        folder.mkdir()
        (folder / "mine.py").write_text(text)
        found = load_file(folder / "mine.py", "Mine")
        return run_gates(run.segment, found(), policy=policy, checkpoint=tmp_path / "c")

    first = judged(tmp_path / "a", STRATEGY)
    assert judged(tmp_path / "b", STRATEGY).report_hash == first.report_hash
    with pytest.raises(ConfigError, match="another run, strategy"):
        judged(
            tmp_path / "d",
            STRATEGY.replace("return super", "instruments += ()\n        return super"),
        )


def made(text, name="made_without_a_file"):
    """The class of a text that was never a file, as in a notebook."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, "<text>", "exec"), vars(module))
    return module.Mine


BODY = """
class Mine:
    level = 3
    @staticmethod
    def near(x): return x in {'a', 'b'}
    @property
    def half(self): return [y / 2 for y in (1, 2)]
    def step(self, x):
        return x > 5
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("> 5", "> 6"), ("> 5", "< 5"), ("level = 3", "level = 4"), ("/ 2", "/ 3"), ("'b'", "'c'")],
)
def test_code_without_a_file_is_known_by_what_it_compiles_to(old, new):
    digest = code_digest(made(BODY)())
    assert code_digest(made("\n# moved\n" + BODY)()) == digest
    assert code_digest(made(BODY.replace(old, new))()) != digest


def test_code_digest_sees_functions_modules_and_nothing():
    assert code_digest(None) == code_digest() != code_digest(re)
    assert code_digest(made) != code_digest(suite_of)
    assert code_digest(lambda: 1) != code_digest(made)
    assert code_digest(3) == code_digest(4)  # of a class without a file and without code
