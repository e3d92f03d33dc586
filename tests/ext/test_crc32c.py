"""CRC-32C against its naive twin and published vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.crc32c import crc32c
from tests.depth import examples
from tests.naive.crc32c import crc32c as naive


@pytest.mark.parametrize(
    ("data", "value"),
    [  # RFC 3720, B.4
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_crc32c_published_vectors(data, value):
    assert crc32c(data) == crc32c(data, portable=True) == naive(data) == value


@settings(max_examples=examples(100), deadline=None)
@given(data=st.binary(max_size=300), cut=st.integers(0, 300), start=st.integers(0, 2**32 - 1))
def test_crc32c_is_the_twins_from_any_start_and_offset(data, cut, start):
    view = memoryview(data)[cut:]
    for portable in (False, True):
        assert crc32c(view, start, portable=portable) == naive(view, start)
    assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


@pytest.mark.parametrize("size", [6143, 6144, 6145, 12287, 12288, 20000])
@pytest.mark.parametrize("start", [0, 1, 2**32 - 1])
def test_crc32c_of_long_data_which_is_summed_in_three_parts(size, start):
    data = np.random.default_rng(size).integers(0, 256, size + 1, np.uint8)[1:]
    assert crc32c(data, start) == crc32c(data, start, portable=True) == naive(bytes(data), start)


def test_crc32c_takes_arrays_and_refuses_strided_ones():
    array = np.arange(10, dtype="<i8")
    array.flags.writeable = False
    assert crc32c(array) == crc32c(array.tobytes())
    assert crc32c(array[:0]) == 0
    with pytest.raises((BufferError, ValueError)):
        crc32c(array[::2])
    with pytest.raises(TypeError):
        crc32c("text")
    with pytest.raises(OverflowError):
        crc32c(b"", -1)
