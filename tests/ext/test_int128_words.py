"""The portable 128-bit operations of int128_words.h against Python's integers."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext import _int128_words_check as words
from tests.depth import examples

WORD, ALL = 1 << 64, 1 << 128
MOST, LEAST = 2**127 - 1, -(2**127)
#: Around every power of two that a carry, a sign or a digit of 32 bits turns on.
EDGES = sorted(
    {
        max(0, min(ALL - 1, (1 << k) + near))
        for k in (0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 126, 127, 128)
        for near in (-2, -1, 0, 1, 2)
    }
    | {10**k for k in range(39)}
    # Digits at which the guessed quotient of a long division is one or two too high.
    | {
        (2**31 << 64) - 1,
        (2**63 + 2**32 - 1) << 64,
        (2**64 - 2**32) << 32,
        0x7FFFFFFF00000000 << 32,
    }
)
SIGNED_EDGES = sorted({s * e for e in EDGES for s in (1, -1) if LEAST <= s * e <= MOST})
UNSIGNED = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, ALL - 1),
    st.integers(0, 128).flatmap(lambda n: st.integers(0, 2**n - 1)),
)
SIGNED = st.one_of(
    st.sampled_from(SIGNED_EDGES),
    st.integers(LEAST, MOST),
    st.integers(0, 127).flatmap(lambda n: st.integers(-(2**n), 2**n - 1)),
)
MANY = settings(max_examples=examples(4000), deadline=None)


def fitting(value: int) -> int | None:
    return value if LEAST <= value <= MOST else None


def check_unsigned(a: int, b: int) -> None:
    low = (a % WORD) * (b % WORD)
    assert words.unsigned_pair(a, b) == (
        a < b,
        (a + b) % ALL,
        (a - b) % ALL,
        a * b % ALL,
        low,
    ), (a, b)
    if b:
        assert words.divided(a, b) == divmod(a, b), (a, b)


def check_signed(a: int, b: int) -> None:
    expected = (fitting(a + b), fitting(a - b), fitting(a * b), (a > b) - (a < b))
    assert words.signed_pair(a, b) == expected, (a, b)
    if b and (a, b) != (LEAST, -1):  # that quotient has no form
        whole = abs(a) // abs(b)
        assert words.truncated(a, b) == (whole if (a < 0) == (b < 0) else -whole), (a, b)


def test_every_pair_of_edges() -> None:
    for a in EDGES:
        for b in EDGES:
            check_unsigned(a, b)
    for a in SIGNED_EDGES:
        assert words.magnitude(a) == (abs(a), a)
        for b in SIGNED_EDGES:
            check_signed(a, b)


def test_every_shift_of_edges() -> None:
    for a in EDGES:
        for n in range(128):
            assert words.shifted(a, n) == ((a << n) % ALL, a >> n)


@MANY
@given(UNSIGNED, UNSIGNED)
def test_unsigned_integers(a: int, b: int) -> None:
    check_unsigned(a, b)


@MANY
@given(SIGNED, SIGNED)
@example(LEAST, LEAST)
@example(LEAST, 1)
@example(LEAST, -1)
def test_signed_integers(a: int, b: int) -> None:
    check_signed(a, b)


I64 = st.one_of(
    st.sampled_from([-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 1]),
    st.integers(-(2**63), 2**63 - 1),
)


@MANY
@given(I64, I64)
def test_words(a: int, b: int) -> None:
    total = a + b if -(2**63) <= a + b < 2**63 else None
    assert words.words(a, b) == (a, a * b, total)


def test_quotients_of_random_digits() -> None:
    """Operands of chosen lengths with long runs of zeros and ones, where a guess errs most."""
    draw = random.Random(20261130)
    for _ in range(examples(200_000)):
        n, d = (
            draw.getrandbits(128) & draw.getrandbits(128)
            if draw.random() < 0.3
            else (ALL - 1) ^ (draw.getrandbits(128) & draw.getrandbits(128) & draw.getrandbits(128))
            if draw.random() < 0.3
            else draw.getrandbits(128)
            for _ in range(2)
        )
        n, d = n >> draw.randrange(128), (d >> draw.randrange(128)) or 1
        assert words.divided(n, d) == divmod(n, d), (n, d)


def test_a_build_that_is_forced_is_the_portable_one() -> None:
    """`make test-portable` looks at kernels that use these operations, not at others."""
    if os.environ.get("QUANTLAXMI_PORTABLE_INT128") != "1":
        pytest.skip("needs a build that is forced: make test-portable")
    assert words.kernels_use_words()
