"""The text of a report's file: any plain value is written as the standard library indents it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.report import gate_report

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=20,
)


def usual(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def outcome(function: Any, value: Any) -> Any:
    """What is written, or the class of what is raised: of an infinity, or half a surrogate pair."""
    try:
        return function(value)
    except ValueError as error:
        return type(error)


@given(PLAIN)
def test_any_plain_value(value: Any) -> None:
    assert outcome(gate_report._text, value) == outcome(usual, value)


def test_numbers_and_texts_that_other_writers_shorten() -> None:
    value = {"b": [10**40, 1e-7, -0.0, 5e-324, 1e22, 0.1], "a": {"é\u2028\0/": [], "{": {}}}
    assert gate_report._text(value) == usual(value)
