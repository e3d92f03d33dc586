"""The generator in C gives the bits of the one in Numba and of the definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi._ext.philox import words
from quantlaxmi._jit.compiler import running
from tests.jit import with_python_side as jit
from tests.naive.rng import word

U64 = st.integers(0, 2**64 - 1)


@given(key=U64, draw=U64, first=st.integers(0, 2**64 - 10), n=st.integers(0, 5))
def test_words_are_the_definition(key, draw, first, n):
    assert words(key, draw, n, first).tolist() == [word(key, draw, first + i) for i in range(n)]


def test_words_are_those_of_the_sweeps():
    out = np.empty(33, np.uint64)
    with running(1):
        jit.words(np.uint64(2**63 + 5), 17, out)
    assert words(2**63 + 5, 17, 33).tolist() == out.tolist()
