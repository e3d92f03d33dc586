"""What is made ready ahead is what the gates call: no kernel is compiled for other arrays."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from pathlib import Path

import numba
import pytest

from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates import kernels_ahead as kernels_ahead_module
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.kernels_ahead import kernels_ahead
from quantlaxmi.gates.suites import ALL_GATES
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.report import run_gates

DATA = Path(__file__).resolve().parents[2] / "data"
KERNELS = {
    "random_entry": "_draws",
    "permutation": "shuffled",
    "time_shift": "circular",
    "random_sides": "random_sides",
    "stationary_bootstrap": "resampled_sums",
}
POLICY = GatePolicy(
    extend_factor=1,
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 9},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 19, "n_draws_extended": 19},
    ablation={"n_bootstrap": 99},
)


def test_every_sweep_is_in_the_list():
    assert sorted(gate.kernels for gate in ALL_GATES if gate.kernels) == sorted(KERNELS)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compiles nothing")
@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_a_run_compiles_nothing_but_what_was_made_ready(name):
    kernels = {}
    for module, kernel in KERNELS.items():
        found = import_module(f"quantlaxmi._jit.{module}")
        found.prepare()
        kernels[module] = getattr(found, kernel)
    before = {module: list(kernel.signatures) for module, kernel in kernels.items()}
    run_gates(DATA / name, "basis_capture", policy=POLICY, threads=2)
    assert {module: list(kernel.signatures) for module, kernel in kernels.items()} == before


def _gate(kernels):
    return Gate("toy", "g2", (), NoSettings, lambda context: [], kernels=kernels)


def test_kernels_are_made_ready_beside_the_gates(monkeypatch):
    """On another thread, in the order of the gates; the block waits for it at its end."""
    seen, begun = [], threading.Event()

    class Module:
        @staticmethod
        def prepare():
            begun.wait(10)
            seen.append(threading.current_thread() is threading.main_thread())

    monkeypatch.setattr("quantlaxmi.gates.kernels_ahead.import_module", lambda name: Module)
    with kernels_ahead([_gate("a"), _gate(""), _gate("b")], threads=2):
        assert not seen
        begun.set()
    assert seen == [False, False]
    with kernels_ahead([_gate("a")], threads=1):
        pass
    assert len(seen) == 2


def test_threads_take_shorter_turns_until_the_last_kernel_is_ready():
    usual = sys.getswitchinterval()
    with kernels_ahead_module._short_turns:
        assert sys.getswitchinterval() == pytest.approx(kernels_ahead_module._TURN)
        with kernels_ahead_module._short_turns:
            pass
        assert sys.getswitchinterval() < usual
    assert sys.getswitchinterval() == usual


def test_an_error_ends_it_after_the_kernel_at_hand(monkeypatch):
    seen, begun, go = [], threading.Event(), threading.Event()

    class Module:
        @staticmethod
        def prepare():
            seen.append(1)
            begun.set()
            go.wait(10)

    monkeypatch.setattr("quantlaxmi.gates.kernels_ahead.import_module", lambda name: Module)

    def left():
        with kernels_ahead([_gate("a"), _gate("b"), _gate("c")], threads=2):
            begun.wait(10)
            threading.Timer(0.05, go.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        left()
    assert seen == [1]


def test_a_kernel_that_cannot_be_made_ready_is_left_to_its_gate(monkeypatch):
    monkeypatch.setattr("quantlaxmi.gates.kernels_ahead.import_module", lambda name: object())
    with kernels_ahead([_gate("a")], threads=2):
        pass
