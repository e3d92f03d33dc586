"""The counter-based generator: published values, its naive twin, independence of order."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._jit import wide
from quantlaxmi._jit.compiler import running
from tests.depth import examples
from tests.jit import with_python_side as jit
from tests.naive import rng as naive

U64 = st.integers(0, 2**64 - 1)

# Random123, kat_vectors: counter, key, output of philox4x32 with 10 rounds.
KNOWN = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def _block(key, high, low):
    return tuple(int(x) for x in jit.block(np.uint64(key), np.uint64(high), np.uint64(low)))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_block_known_vectors(counter, key, expected):
    assert tuple(naive.philox(counter, key)) == expected
    found = _block(
        key[0] | key[1] << 32, counter[2] | counter[3] << 32, counter[0] | counter[1] << 32
    )
    assert found == (expected[0] | expected[1] << 32, expected[2] | expected[3] << 32)


@settings(max_examples=examples(50), deadline=None)
@given(key=U64, draw=st.integers(0, 2**63 - 1), n=st.integers(0, 9))
def test_words_match_naive(key, draw, n):
    out = np.zeros(n, np.uint64)
    jit.words(np.uint64(key), draw, out)
    assert out.tolist() == [naive.word(key, draw, i) for i in range(n)]


@settings(max_examples=examples(100), deadline=None)
@given(word=U64, n=st.integers(1, 2**32))
def test_below_matches_naive(word, n):
    assert int(jit.below(np.uint64(word), n)) == naive.below(word, n)


def test_below_is_uniform():
    counts = np.zeros(7, int)
    out = np.zeros(7000, np.uint64)
    jit.words(np.uint64(5), 0, out)
    for word in out:
        counts[jit.below(word, 7)] += 1
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # chi-square, 6 degrees, 1e-4


def _wide(pair):
    """Compiled functions hand back Python integers; they take unsigned ones."""
    return tuple(np.uint64(x) for x in pair)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), max_size=6))
def test_wide_sums_are_exact(values):
    s = q = (np.uint64(0), np.uint64(0))
    with running(1):
        for x in values:
            s = _wide(jit.add_signed(*s, np.int64(x)))
            q = _wide(jit.add_square(*q, np.int64(x)))
    assert (int(s[0]) << 64 | int(s[1])) == sum(values) % 2**128
    assert (int(q[0]) << 64 | int(q[1])) == sum(x * x for x in values) % 2**128


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_what_has_no_python_side_says_so():
    with pytest.raises(TypeError, match="add_signed is called by kernels alone"):
        wide.add_signed(np.uint64(0), np.uint64(0), 1)


def test_importing_gates_loads_no_numba():
    code = (
        "import sys, quantlaxmi.gates, quantlaxmi.gates.suites, quantlaxmi.report;"
        "print([m for m in ('numba', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
