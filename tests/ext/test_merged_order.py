"""Streams in one order, and two tables in one order, compared with sorting in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.merged_order import merge_ascending, place_rows, place_value
from quantlaxmi._ext.table_order import first_break
from quantlaxmi.importers.bars.merged import Stream, merge_streams

STREAMS = st.lists(
    st.tuples(st.lists(st.integers(-3, 12), max_size=9).map(sorted), st.integers(0, 2)), max_size=6
)


def int64(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


@settings(deadline=None)
@given(STREAMS)
def test_merged_rows_are_those_that_sorting_gives(streams: list[tuple[list[int], int]]) -> None:
    times = [time for values, _ in streams for time in values]
    starts = np.cumsum([0, *(len(values) for values, _ in streams)])
    places, numbers, merged = merge_ascending(
        int64(times), starts.astype(np.int64), int64([group for _, group in streams]), 3, 100
    )
    rows = [(t, k, i) for k, (values, _) in enumerate(streams) for i, t in enumerate(values)]
    expected: list[list[tuple[int, int, int]]] = [[], [], []]
    for number, (_, k, i) in enumerate(sorted(rows)):
        expected[streams[k][1]].append((k, i, number))
    assert [group.tolist() for group in numbers] == [[100 + n for _, _, n in e] for e in expected]
    assert [group.tolist() for group in merged] == [
        [streams[k][0][i] for k, i, _ in e] for e in expected
    ]
    for group, wanted in enumerate(expected):
        values, row_of = np.full(len(wanted), -9), np.full(len(wanted), -9, np.int16)
        for k, (column, own) in enumerate(streams):
            if own == group:
                part = places[starts[k] : starts[k + 1]]
                place_rows(int64(column), part, values)
                place_value(k, part, row_of)
        assert values.tolist() == [streams[k][0][i] for k, i, _ in wanted]
        assert row_of.tolist() == [k for k, _, _ in wanted]


@pytest.mark.parametrize(
    ("times", "starts", "groups", "words"),
    [
        ([1, 2], [0, 1], [0], "do not fit"),
        ([1, 2], [0, 2, 1, 2], [0, 0, 0], "stream 1 has"),
        ([1, 2], [0, 1, 2], [0, 1], "stream 1 has"),
        ([2, 1], [0, 2], [0], "descends"),
    ],
)
def test_streams_that_are_none_are_refused(
    times: list[int], starts: list[int], groups: list[int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        merge_ascending(int64(times), int64(starts), int64(groups), 1)


@pytest.mark.parametrize("places", [[], [2], [0, 1, 2, 3], [1, 3, 5], [5, 3, 1], [0, 1, 3], [2, 2]])
def test_values_go_to_places_at_even_and_uneven_steps(places: list[int]) -> None:
    column, out = int64([7 + k for k in range(len(places))]), np.full(6, -1, np.int64)
    place_rows(column, int64(places), out)
    wanted = np.full(6, -1, np.int64)
    for place, value in zip(places, column.tolist(), strict=True):
        wanted[place] = value
    assert out.tolist() == wanted.tolist()


@pytest.mark.parametrize("places", [[0, 2], [-1, 0], [0], [0, 1, 1]])
def test_a_place_that_a_table_lacks_is_refused(places: list[int]) -> None:
    with pytest.raises(IndexError, match="no such place"):
        place_rows(int64([7, 8]), int64(places), np.zeros(2, np.int64))


@pytest.mark.parametrize("places", [[0, 5, 1], [0, -1, 1]])
def test_a_place_between_good_ones_that_a_table_lacks_is_refused(places: list[int]) -> None:
    with pytest.raises(IndexError, match="no such place"):
        place_rows(int64([7, 8, 9]), int64(places), np.zeros(2, np.int64))


@pytest.mark.parametrize("places", [[0, 2], [-1]])
def test_one_value_goes_to_places_that_are_there(places: list[int]) -> None:
    with pytest.raises(IndexError, match="no such place"):
        place_value(7, int64(places), np.zeros(2, np.int16))


def test_rows_of_one_time_come_in_the_order_of_their_streams() -> None:
    def rows(table: str, times: list[int], value: int, instrument: int) -> Stream:
        values = {"ts_ns": int64(times), "bid": int64([value + t for t in times])}
        return Stream(table, values, {"instrument": instrument})

    streams = [rows("bars", [5], 0, 1), rows("quotes", [5, 6], 10, 0), rows("quotes", [5], 20, 1)]
    tables, n_rows = merge_streams([*streams, rows("funding", [], 0, 0)], 100)
    assert n_rows == 4
    assert list(tables) == ["bars", "quotes"]
    assert tables["bars"]["seq"].tolist() == [100]
    assert tables["quotes"]["seq"].tolist() == [101, 102, 103]
    assert tables["quotes"]["bid"].tolist() == [15, 25, 16]
    assert tables["quotes"]["instrument"].tolist() == [0, 1, 0]
    assert merge_streams([rows("bars", [], 0, 0)], 100) == ({}, 0)


TABLE = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=12).map(
    lambda rows: [(seq, seq // 3 + late) for seq, late in sorted(rows)]
)


@settings(deadline=None)
@given(TABLE, TABLE.filter(bool))
def test_the_first_break_of_two_tables_is_the_plain_one(
    few: list[tuple[int, int]], many: list[tuple[int, int]]
) -> None:
    expected = len(few), 0
    for k, (seq, ts_ns) in enumerate(few):
        at = sum(other < seq for other, _ in many)
        if at < len(many) and many[at][0] == seq:
            expected = k, 1
        elif (at > 0 and many[at - 1][1] > ts_ns) or (at < len(many) and many[at][1] < ts_ns):
            expected = k, 2
        if expected[1]:
            break
    columns = [int64([row[k] for row in table]) for table in (few, many) for k in (0, 1)]
    assert first_break(*columns) == expected
