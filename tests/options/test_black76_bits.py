"""The option maths have the same bits at any optimisation, and call nothing of libm."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi._ext.black76 as module
import quantlaxmi._ext.calendar_check as calendar_module
import quantlaxmi._ext.chain_surface as chain_module
import quantlaxmi._ext.fair_variance as null_module
import quantlaxmi._ext.scan_margin as margin_module
from quantlaxmi._ext import black76 as kernel
from tests.c_compilers import compiler

FOLDER = Path(module.__file__).parent
# The last one goes after -fno-fast-math, which takes it back.
FLAGS = ["-std=c11", "-ffp-contract=off", "-fno-fast-math", "-fno-math-errno"]
#: Reads rows of F, K, T, sigma, call; writes price, greeks, volatility of the price, status.
DRIVER = r"""
#include <stdio.h>
#include "black76.h"
int main(void) {
    double in[5], out[7];
    while (fread(in, sizeof in, 1, stdin) == 1) {
        double root = ql_sqrt(in[2]);
        int call = in[4] != 0.0;
        ql_greeks_t g = ql_greeks(in[0], in[1], root, in[3], call);
        out[0] = ql_black76(in[0], in[1], root, in[3], call);
        out[1] = g.delta; out[2] = g.gamma; out[3] = g.vega; out[4] = g.theta;
        out[6] = ql_implied(out[0], in[0], in[1], root, call, &out[5]);
        if (fwrite(out, sizeof out, 1, stdout) != 1) return 1;
    }
    return 0;
}
"""
#: A use of everything, as an object without the C library's input and output.
OBJECT = r"""
#include "black76.h"
double all(double f, double k, double t, double s, int call, double *out) {
    ql_greeks_t g = ql_greeks(f, k, ql_sqrt(t), s, call);
    double price = ql_black76(f, k, ql_sqrt(t), s, call);
    return g.delta + g.gamma + g.vega + g.theta + ql_implied(price, f, k, ql_sqrt(t), call, out);
}
"""
_NAMES = """
    exp exp2 expm1 exp10 log log2 log10 log1p pow sqrt cbrt hypot fma erf erfc tgamma lgamma
    sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh fmod remainder ldexp frexp
    scalbn rint nearbyint round floor ceil trunc fmin fmax fdim
"""
LIBM = {f"{name}{kind}" for name in _NAMES.split() for kind in ("", "f", "l")}


def rows() -> np.ndarray:
    """Options near and far, and some that have no price or no volatility."""
    rng = np.random.default_rng(76)
    n = 20_000
    f = np.exp(rng.uniform(0, 11, n))
    k = f * np.exp(rng.normal(0, 1, n) * rng.choice([1e-4, 0.02, 0.3, 3.0], n))
    t = np.exp(rng.uniform(-14, 1.5, n))
    sigma = np.exp(rng.uniform(-5, 2, n)) * rng.choice([0, 1], n, p=[0.02, 0.98])
    return np.column_stack([f, k, t, sigma, rng.integers(0, 2, n)])


def nm_program() -> str:
    found = shutil.which("nm")
    if found is None:
        pytest.skip("no nm here")
    return found


def outputs(tmp_path: Path, name: str, flags: list[str]) -> bytes:
    source, program = tmp_path / "driver.c", tmp_path / "driver"
    source.write_text(DRIVER)
    subprocess.run(
        [*compiler(name), *FLAGS, *flags, f"-I{FOLDER}", source, "-o", program], check=True
    )
    done = subprocess.run([program], input=rows().tobytes(), capture_output=True, check=True)
    return done.stdout


def own_outputs() -> bytes:
    """The same by the package's extension."""
    f, k, t, sigma, call = (np.ascontiguousarray(one) for one in rows().T)
    n, calls = len(f), call.astype(np.int8)
    out, status = np.empty((7, n)), np.empty(n, np.int8)
    assert kernel.price(f, k, t, sigma, calls, out[0], status) == -1
    assert kernel.greeks(f, k, t, sigma, calls, out[1:5], status) == -1
    assert kernel.implied(out[0], f, k, t, calls, out[5], status) == -1
    out[6] = status
    return np.ascontiguousarray(out.T).tobytes()


@pytest.mark.parametrize("name", ["gcc", "clang"])
@pytest.mark.parametrize("flags", ["-O0", "-O2", "-O3", "-O3 -march=native"])
def test_bits_are_those_of_the_package(tmp_path: Path, name: str, flags: str) -> None:
    found = outputs(tmp_path, name, flags.split())
    assert found == own_outputs()


def test_bits_would_show_a_contraction(tmp_path: Path) -> None:
    """Where the machine can contract, the comparison above sees it."""
    told = Path("/proc/cpuinfo")
    if not told.exists() or "fma" not in told.read_text().split():
        pytest.skip("this machine has no fused multiplication")
    changed = outputs(tmp_path, "gcc", ["-O3", "-march=native", "-ffp-contract=fast"])
    assert changed != own_outputs()


@pytest.mark.parametrize("name", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_object_asks_for_nothing_of_libm(tmp_path: Path, name: str, level: str) -> None:
    nm = nm_program()
    source, made = tmp_path / "all.c", tmp_path / "all.o"
    source.write_text(OBJECT)
    subprocess.run(
        [*compiler(name), *FLAGS, level, f"-I{FOLDER}", "-c", source, "-o", made], check=True
    )
    listed = subprocess.run([nm, "-u", made], capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) & LIBM == set()
    if name == "gcc":  # clang sets memory to zero by a function where it does not optimise
        assert listed.stdout.split() == []


@pytest.mark.parametrize(
    "which", [module, calendar_module, chain_module, null_module, margin_module]
)
def test_extensions_ask_for_nothing_of_libm(which) -> None:
    if sys.platform != "linux":
        pytest.skip("names of symbols are read as Linux writes them")
    nm = nm_program()
    listed = subprocess.run(
        [nm, "-D", "-u", which.__file__], capture_output=True, text=True, check=True
    )
    asked = {word.split("@")[0].lstrip("_") for word in listed.stdout.split()}
    assert any(one.startswith("Py") for one in asked)
    assert asked & LIBM == set()
