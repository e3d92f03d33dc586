"""Levels of books read as plain text give what the exact reading of the same line gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.binance_rows import BinanceRows
from quantlaxmi._ext.stream_merge import StreamMerge
from quantlaxmi.importers.binance.messages import RAW_DECODERS, UNSET, classify
from tests.captures import MS, T0, diff, snapshot, spot_lines
from tests.depth import examples

EXACT = (None,) * len(RAW_DECODERS)
#: One a line, in its JSON.
ODD = r"""
[["1.5","2"]]
[["1.5","0"],["1","0.00000001"]]
[]
[ ]
[["1.5", "2"]]
[ ["1","2"]]
[["1","2"] ]
[["1","2"],]
[["1","2"]
[["1","2"]]]
[["1","2"],["3","4"]]
[["1","2"]["3","4"]]
[["1","2","3"]]
[["1"]]
[[]]
[["1",2]]
[[1,"2"]]
[["",""]]
[["1",""]]
[["","1"]]
[["0","1"]]
[["-1","1"]]
[["1","-1"]]
[["1","-0"]]
[["+1","+2"]]
[["1e2","1E-3"]]
[["\u0031","2"]]
[["1\"","2"]]
[["1","\u0032"]]
[["é","2"]]
[["1 ","2"]]
[[" 1","2"]]
[["0.000000001","1"]]
[["1","0.000000001"]]
[["0.10000000000","1"]]
[["92233720368.54775807","1"]]
[["92233720368.54775808","1"]]
[["1","99999999999999999999"]]
[["1e400","1"]]
[["1","2"],["x","3"]]
[["1","2"],["3","x"]]
["1","2"]
"x"
null
{}
{"1":"2"}
5
[[[]]]
[["1","2"],null]
[["NaN","2"]]
[["1_0","2"]]
[["1","2"],["1","3"]]
""".strip().splitlines()


def read(decoders: Any, lines: list[bytes]) -> tuple[Any, ...]:
    rows = BinanceRows("x", False, decoders, classify, UNSET, 10**9)
    rows.feed(b"\n".join(lines) + b"\n", True)
    merge = StreamMerge([rows])
    tables = merge.release([True])
    columns = {
        (table, name): column.tolist()
        for table, found in tables.items()
        for name, column in found.items()
    }
    return (
        columns, rows.take_faults(), merge.take_faults(), merge.take_gaps(), merge.take_counts(),
        rows.votes_own, rows.votes_other, rows.n_lines,
    )  # fmt: skip


def around(odd: list[bytes]) -> list[bytes]:
    """A capture in which every kind of stream is known before and read after."""
    lines = spot_lines(20)
    return [*lines, *odd, *spot_lines(8, T0 + 10_000 * MS)]


def with_levels(text: bytes, bids: str, asks: str) -> bytes:
    """The line with these texts as its levels."""
    return text.replace(b'["b"]', bids.encode()).replace(b'["a"]', asks.encode())


def lines_of(k: int, bids: str, asks: str) -> list[bytes]:
    at = T0 + 500 * MS + 10 * k
    return [
        with_levels(diff(at, 2000 + k, 2000 + k, None, ["b"], ["a"]), bids, asks),
        with_levels(snapshot(at + 1, 3000 + k, ["b"], ["a"]), bids, asks),
    ]


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_on_either_side(text):
    odd = lines_of(0, text, '[["2000","1"]]') + lines_of(1, '[["0.5","1"]]', text)
    found, exact = read(RAW_DECODERS, around(odd)), read(EXACT, around(odd))
    assert found == exact


def test_plain_levels_are_read_without_the_exact_reader():
    seen = []

    def noting(body):
        seen.append(body)
        return classify(body)

    lines = around(lines_of(0, '[["1.5","2"],["1","0"]]', '[["3.25","1e-8"]]'))
    rows = BinanceRows("x", False, RAW_DECODERS, noting, UNSET, 10**9)
    rows.feed(b"\n".join(lines), True)
    assert not rows.take_faults()
    assert len(seen) <= 4  # the first line of each stream, which is not known by name yet
    columns, *_ = read(RAW_DECODERS, lines)
    assert {150_000_000, 100_000_000, 325_000_000} <= set(columns["depth", "price"])
    assert np.sum(np.array(columns["depth", "qty"]) == 1) == 2


numbers = st.sampled_from(
    ["1", "1.5", "0", "0.00000001", "2e3", "-1", "", "x", "1.000000000", "7.1"]
)
levels = st.lists(st.tuples(numbers, numbers), max_size=4)


@st.composite
def texts(draw: Any) -> str:
    text = "[" + ",".join(f'["{p}","{q}"]' for p, q in draw(levels)) + "]"
    for _ in range(draw(st.integers(0, 2))):
        k = draw(st.integers(0, len(text)))
        character, cut = draw(st.sampled_from(list('[]", \\1.e-'))), draw(st.integers(0, 1))
        text = text[:k] + character + text[k + cut :]
    return text


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(texts(), texts()), max_size=4))
def test_edited_levels(pairs):
    odd = [line for k, (bids, asks) in enumerate(pairs) for line in lines_of(k, bids, asks)]
    assert read(RAW_DECODERS, around(odd)) == read(EXACT, around(odd))
