"""Cells of plain lines, compared with splitting in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.text_cells import split_cells
from tests.depth import examples

LINE = st.lists(
    st.sampled_from([*b"0123456789.,;\t -x", 34, 127, 31, 0, 13, 195, 255]) | st.integers(32, 126),
    max_size=40,
).map(lambda line: bytes(byte for byte in line if byte != 10))


def split(line: bytes, delimiter: int, n_columns: int, longest: int) -> list[bytes] | None:
    """The cells of a plain line without blanks around them; None where it is not plain."""
    line = line.removesuffix(b"\r")
    strange = (byte for byte in line if byte != delimiter)
    if not 0 < len(line) <= longest or any(b < 32 or b > 126 or b == 34 for b in strange):
        return None
    cells = line.split(bytes([delimiter]))
    return [cell.strip(b" ") for cell in cells] if len(cells) == n_columns else None


@settings(max_examples=examples(400), deadline=None)
@given(
    lines=st.lists(LINE, max_size=6),
    delimiter=st.sampled_from(b",;\t"),
    n_columns=st.integers(1, 5),
    longest=st.sampled_from([7, 20, 100]),
    rest=st.sampled_from([b"", b"1,2"]),
)
def test_cells_of_lines_are_those_that_python_splits(
    lines: list[bytes], delimiter: int, n_columns: int, longest: int, rest: bytes
) -> None:
    text = b"".join(line + b"\n" for line in lines) + rest
    slots = np.arange(n_columns, dtype=np.int64)
    slots[n_columns // 2] = -1  # one that nobody reads
    starts, ends = (np.zeros((n_columns, len(lines) + 1), np.int64) for _ in range(2))
    places, plain = np.zeros((2, len(lines) + 1), np.int64), np.zeros(len(lines) + 1, np.uint8)
    out = (starts, ends, places, plain)
    n, at = split_cells(text or b"1", 0, len(text), delimiter, longest, slots, *out)
    assert (n, at) == (len(lines), len(text) - len(rest))
    for k, line in enumerate(lines):
        assert text[places[0, k] : places[1, k]] == line.removesuffix(b"\r")
        wanted = split(line, delimiter, n_columns, longest)
        assert plain[k] == (wanted is not None)
        if wanted is not None:
            found = [text[starts[c, k] : ends[c, k]] for c in range(n_columns) if slots[c] >= 0]
            assert found == [cell for c, cell in enumerate(wanted) if slots[c] >= 0]


@pytest.mark.parametrize("byte", [0, 9, 31, 34, 127, 128, 255])
@pytest.mark.parametrize("place", range(20))
def test_a_strange_byte_anywhere_makes_a_line_one_to_read_with_care(byte: int, place: int) -> None:
    line = bytearray(b"1722470400000,61.5,7")
    line[place] = byte
    out = [np.zeros((3, 1), np.int64) for _ in range(2)]
    plain = np.ones(1, np.uint8)
    slots = np.arange(3, dtype=np.int64)
    text = bytes(line) + b"\n"
    split_cells(text, 0, len(text), 44, 99, slots, *out, np.zeros((2, 1), np.int64), plain)
    assert plain[0] == 0
