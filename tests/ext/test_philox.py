"""The counter-based generator: published values, its naive twin, independence of order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.philox import below, words
from tests.depth import examples
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


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_twin_gives_the_published_values(counter, key, expected):
    assert tuple(naive.philox(counter, key)) == expected


@settings(max_examples=examples(200), deadline=None)
@given(key=U64, draw=U64, first=st.integers(0, 2**64 - 10), n=st.integers(0, 9))
def test_words_are_the_definition(key, draw, first, n):
    found = words(key, draw, n, first).tolist()
    assert found == [naive.word(key, draw, first + i) for i in range(n)]


def test_numbers_below_n_are_uniform():
    counts = [0] * 7
    for word in words(5, 0, 7000).tolist():
        counts[below(word, 7)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 27.9  # 6 degrees, 1e-4
