"""Kernels: views over records, the ABI check, bindings, and kernels made by Numba."""

from __future__ import annotations

import ctypes

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import schema
from quantlaxmi.errors import StrategyError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import EventKind
from quantlaxmi.strategies import basis_capture_kernel, views
from quantlaxmi.strategies.basis_capture import KERNEL, BasisCapture
from quantlaxmi.strategies.kernel import (
    KERNEL_RECORDS,
    BoundStrategy,
    check_abi,
    load_compiled,
    make_params,
    mask_of,
)
from quantlaxmi.strategies.numba_kernel import STATUS_EXCEPTION, cmp_products, compile_kernel
from tests.strategy_harness import CAN_TRADE, PAIR, STEP, caller, memory_of

I64 = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.sampled_from([-(1 << 63), (1 << 63) - 1, 0, 1, -1, 1 << 62]),
)
jit_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compiles nothing")


@pytest.mark.parametrize("made, dtype", views.STRUCTURES, ids=lambda v: getattr(v, "__name__", ""))
def test_views_have_the_layout_of_their_dtype(made, dtype):
    assert ctypes.sizeof(made) == dtype.itemsize
    for name in dtype.names:
        field = getattr(made, name)
        assert (field.offset, field.size) == (dtype.fields[name][1], 8)


def test_view_shares_memory():
    slots = np.zeros(3, schema.SLOT_DTYPE)
    seen = views.view(slots)
    seen[1].i, seen[2].f = -(1 << 63), 0.5
    assert slots["i"].tolist() == [0, -(1 << 63), 0] and slots["f"][2] == 0.5
    slots["i"][0] = 7
    assert seen[0].i == 7 and len(seen) == 3
    assert len(views.view(slots[:0])) == 0


@pytest.mark.parametrize(
    "records",
    [
        np.zeros(3, np.int64),
        np.zeros((2, 2), schema.SLOT_DTYPE),
        np.zeros(4, schema.SLOT_DTYPE)[::2],
        np.broadcast_to(np.zeros(1, schema.SLOT_DTYPE), 1),
    ],
)
def test_view_refuses_what_it_cannot_share(records):
    with pytest.raises(StrategyError):
        views.view(records)


def test_structure_refuses_narrow_fields():
    with pytest.raises(StrategyError, match="'a' was <i4"):
        views.structure("X", np.dtype([("a", "<i4")]))


def test_compiled_kernel_has_this_abi():
    sizes = basis_capture_kernel.RECORD_SIZES
    assert sizes == {name: dtype.itemsize for name, dtype in KERNEL_RECORDS.items()}
    assert basis_capture_kernel.ABI_VERSION == schema.KERNEL_ABI_VERSION


@pytest.mark.parametrize(
    ("version", "sizes", "said"),
    [
        (None, {}, "built for kernel ABI None"),
        (schema.KERNEL_ABI_VERSION + 1, {}, "build it again"),
        (schema.KERNEL_ABI_VERSION, {"book": 96}, "a book record of 96 bytes"),
    ],
)
def test_another_abi_is_refused(version, sizes, said):
    with pytest.raises(StrategyError, match=said):
        check_abi("k", version, sizes)


def test_kernels_of_older_abis_are_refused_by_name(tmp_path, monkeypatch):
    for version in (3, 4):
        name = f"kernel_of_{version}"
        (tmp_path / f"{name}.py").write_text(
            f"ABI_VERSION = {version}\nRECORD_SIZES = {{}}\n"
            "def step(*a): return 0\ndef functions(): return step, None, None\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(StrategyError, match=f"{name} was built for kernel ABI {version}"):
            load_compiled(name, interpreted=True)


def test_a_kernel_without_asleep_never_sleeps(tmp_path, monkeypatch):
    (tmp_path / "wakeful_kernel.py").write_text(
        f"ABI_VERSION = {schema.KERNEL_ABI_VERSION}\nRECORD_SIZES = {{}}\n"
        "def step(*a): return 0\ndef functions(): return step, None, None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_compiled("wakeful_kernel", interpreted=True).asleep is None
    assert load_compiled(KERNEL).asleep


def test_compiled_and_interpreted_kernels_load_side_by_side():
    compiled, interpreted = load_compiled(KERNEL), load_compiled(KERNEL, interpreted=True)
    assert compiled.form == "kernel" and interpreted.form == "interpreted"
    assert load_compiled(KERNEL, interpreted=True).step is interpreted.step
    assert load_compiled(KERNEL).step == compiled.step


def test_a_module_left_uncompiled_is_refused(tmp_path, monkeypatch):
    (tmp_path / "loose_kernel.py").write_text(
        f"ABI_VERSION = {schema.KERNEL_ABI_VERSION}\nRECORD_SIZES = {{}}\n"
        "def step(*a): return 0\ndef functions(): return step, None, None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StrategyError, match="loose_kernel is not compiled"):
        load_compiled("loose_kernel")
    assert load_compiled("loose_kernel", interpreted=True).form == "interpreted"
    with pytest.raises(StrategyError, match=r"no \.py source"):
        load_compiled("no_such_kernel_module", interpreted=True)


def test_params_keep_every_form():
    params = make_params([7, FixedPoint(35, -1), 0.25])
    assert params.tolist() == [(7, 0, 7.0), (35, -1, 3.5), (0, 0, 0.25)]
    with pytest.raises(StrategyError, match="parameter 1 was"):
        make_params([0, 1 << 63])


def test_mask_has_a_bit_for_every_kind():
    assert mask_of([EventKind.QUOTE, EventKind.TRADE]) == 0b1010


def bound(**changes):
    values = {
        "strategy_id": "x",
        "config": None,
        "config_hash": bytes(32),
        "rationales": ("r",),
        "instruments": (0,),
        "universe": PAIR,
        "event_mask": 1 << EventKind.QUOTE,
        "form": "interpreted",
        "step": print,
    }
    return BoundStrategy(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config_hash": b""}, "32 bytes"),
        ({"rationales": ()}, "no rationale"),
        ({"rationales": ("r", "r")}, "lists a rationale text twice"),
        ({"instruments": ()}, "trades no instrument"),
        ({"instruments": (0, 0)}, "twice"),
        ({"instruments": (2,)}, "out of range"),
        ({"instruments": (-1,)}, "out of range"),
        ({"event_mask": 0}, "no event kind"),
        ({"event_mask": 1}, "bits of no EventKind"),
        ({"params": np.zeros(1)}, "PARAM_DTYPE"),
        ({"state": np.zeros(1)}, "SLOT_DTYPE"),
        ({"step": 12}, "must be callable"),
        ({"on_fill": 12}, "mixes"),
        ({"form": "kernel"}, "C address"),
        ({"form": "kernel", "step": 0}, "C address"),
        ({"form": "kernel", "step": 12, "can_trade": print}, "mixes"),
        ({"form": "python"}, "no kernel"),
        ({"form": "python", "step": None}, "no on_market"),
    ],
)
def test_bindings_are_held(changes, said):
    assert bound().form == "interpreted"
    with pytest.raises(StrategyError, match=said):
        bound(**changes)


@settings(deadline=None)  # the first call compiles
@given(I64, I64, I64, I64)
def test_cmp_products_is_exact(a, b, c, d):
    exact = (a * b > c * d) - (a * b < c * d)
    assert cmp_products(a, b, c, d) == exact
    if not numba.config.DISABLE_JIT:
        assert compiled_cmp(a, b, c, d) == exact


@numba.njit
def compiled_cmp(a, b, c, d):
    return cmp_products(a, b, c, d)


def noting(ctx, event, books, positions, features, state, params, legs_out):
    state[0].i += ctx.now_ns
    state[0].f = features[0].value / 2.0
    legs_out[1].qty = books[event.instrument].bid + params[0].value + positions[1].qty
    return 2


def failing(ctx, event, books, positions, features, state, params, legs_out):
    if ctx.now_ns == 3:
        raise ValueError("no")
    return 10 // ctx.now_ns


@pytest.mark.parametrize("interpreted", [False, True])
def test_numba_kernels_share_the_engines_memory(interpreted):
    binding = BasisCapture().bind(PAIR)
    memory = memory_of(binding)
    made = compile_kernel(noting, interpreted=interpreted)
    call = caller(binding, made.step, STEP, memory)
    memory["ctx"]["now_ns"] = 5
    memory["event"]["instrument"] = 1
    memory["books"]["bid"] = [3, 1 << 60]
    memory["params"]["value"][0] = -2
    memory["positions"]["qty"] = [1, 100]
    memory["features"]["value"] = 3.0
    memory["state"]["i"][0] = 0
    assert call() == 2 and call() == 2
    assert memory["state"]["i"][0] == 10 and memory["state"]["f"][0] == 1.5
    assert memory["legs_out"]["qty"].tolist()[:3] == [0, (1 << 60) + 98, 0]


@jit_only
@pytest.mark.parametrize("now, status", [(5, 2), (3, STATUS_EXCEPTION), (0, STATUS_EXCEPTION)])
def test_numba_exceptions_become_a_status(now, status):
    binding = BasisCapture().bind(PAIR)
    memory = memory_of(binding)
    memory["ctx"]["now_ns"] = now
    assert caller(binding, compile_kernel(failing).step, STEP, memory)() == status


@jit_only
def test_numba_faults_are_one_line():
    def wrong(ctx, event, books, positions, features, state, params, legs_out):
        return ctx.no_such_field

    with pytest.raises(StrategyError, match="Numba cannot compile kernel function wrong") as caught:
        compile_kernel(wrong)
    assert "\n" not in str(caught.value) and "no_such_field" in str(caught.value)


def test_on_fill_and_can_trade_may_be_left_out():
    made = compile_kernel(noting)
    assert made.on_fill is None and made.can_trade is None
    binding = BasisCapture().bind(PAIR)
    memory = memory_of(binding)
    assert caller(binding, binding.can_trade, CAN_TRADE, memory)() == 0
