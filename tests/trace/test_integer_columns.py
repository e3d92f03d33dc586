"""Integer columns of a trace's JSON: canonical, and read in no other form."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.int_text import format_ints, parse_ints
from tests import trace_cases as cases
from tests.depth import examples


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(cases.I64, max_size=30))
def test_integer_columns_are_json(values: list[int]) -> None:
    column = np.array(values, np.int64)
    text = format_ints(column)
    assert text == json.dumps(values, separators=(",", ":")).encode()
    np.testing.assert_array_equal(parse_ints(text), column)
    wide = np.zeros(2 * len(values), np.int64)
    wide[::2] = column
    assert format_ints(wide[::2]) == text


@settings(max_examples=examples(300), deadline=None)
@given(st.text("[],-0123456789 .e+", max_size=30).map(lambda t: t.encode()))
def test_only_canonical_columns_are_read(text: bytes) -> None:
    try:
        values = parse_ints(text)
    except ValueError:
        try:
            told = json.loads(text)
        except ValueError:
            return
        # Text that JSON reads and we refuse is no list, no integers, or not canonical.
        canonical = json.dumps(told, separators=(",", ":")).encode()
        wide = isinstance(told, list) and any(
            isinstance(v, int) and not -(2**63) <= v < 2**63 for v in told
        )
        plain = isinstance(told, list) and all(type(v) is int for v in told)
        assert canonical != text or wide or not plain
    else:
        assert json.loads(text) == values.tolist()
        assert format_ints(values) == text


@pytest.mark.parametrize(
    "text",
    [
        *["", "[", "1", "[1", "1]", "[1]]", "[-]", "[-0]", "[01]", "[1,]", "[,1]", "[1 ]", "[1.0]"],
        *[
            f"[{2**63}]",
            f"[{-(2**63) - 1}]",
            f"[{10**19}]",
            f"[{10**40}]",
            "[1e3]",
            "[+1]",
            "[[1]]",
        ],
    ],
)
def test_columns_not_canonical_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|array"):
        parse_ints(text.encode())
