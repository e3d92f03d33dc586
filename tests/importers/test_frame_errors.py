"""A wrong frame is one sentence: column, row, value, what was expected."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import quantlaxmi as ql
from tests.importers.test_frame import frame_of


def with_cell(column: str, row: int, value: Any) -> dict[str, Any]:
    frame = frame_of()
    frame[column][row] = value
    return frame


def without(*columns: str, **renamed: str) -> dict[str, Any]:
    """The frame less some columns, and with names of others in place of theirs."""
    kept = {name: values for name, values in frame_of().items() if name not in columns}
    return {renamed.get(name, name): values for name, values in kept.items()}


def rows(*order: int) -> dict[str, Any]:
    return {name: [values[k] for k in order] for name, values in frame_of().items()}


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (
            with_cell("close", 17, float("nan")),
            "frame (row 17): column 'close' was 'nan', expected a price",
        ),
        (
            with_cell("close", 17, None),
            "frame (row 17): column 'close' was 'nan', expected a price",
        ),
        (
            with_cell("open", 3, -1.5),
            "frame (row 3): column 'open' was '-1.5', expected a price above 0",
        ),
        (
            with_cell("close", 4, float("inf")),
            "frame (row 4): column 'close' was 'inf', expected a price",
        ),
        (with_cell("close", 4, "abc"), "frame (row 4): column 'close' was 'abc', expected a price"),
        (
            with_cell("high", 4, 0.5),
            "frame (row 4): open 100.021, high 0.5, low 99.521, close 100.11; expected low",
        ),
        (
            with_cell("low", 4, 1e30),
            "frame (row 4): column 'low' was '1e+30', expected a price that fits 64 bits",
        ),
        (
            with_cell("volume", 7, -4.0),
            "frame (row 7): column 'volume' was '-4', expected a volume of 0 or more",
        ),
        (with_cell("time", 5, None), "frame (row 5): column 'time' was"),
        (
            rows(0, 1, 2, 2, 3),
            "frame (row 3): column 'time': the bar of row 2 begins at the same time",
        ),
        (
            rows(0, 1, 2, 5, 4, 6),
            "frame (row 4): column 'time': the bar begins 3600 s before that of row 3",
        ),
        (rows(), "frame: has no line below its header; expected bars"),
        (rows(0), "frame: has too few times to tell the length of a bar; expected it as interval"),
        (
            without("close"),
            "frame: lacks a column of close; it has 'time', 'open', 'high', 'low', 'volume'",
        ),
        (without(close="clsoe"), "frame: lacks a column of close; did you mean 'clsoe'?"),
        (without("volume"), "frame: lacks a column of volume"),
        (without("time"), "frame: lacks a column of time"),
        (without(time=""), None),
        (
            without("time") | {"": list(range(60))},
            "frame (row 0): the column without a name, an index, was '0'",
        ),
        (
            frame_of() | {"time": ["09:15"] * 60, "date": ["20240101"] * 60},
            "has its times in columns 'date' and 'time'; expected one column",
        ),
        (
            {"open": [1.0, 2.0], "close": [1.0]},
            "frame: has 1 row in column 'close' and 2 in 'open'",
        ),
        ({}, "frame: has no column; expected bars"),
        (5, "frame: was of type int; expected a data frame of pandas, Polars or Arrow"),
        (None, "frame: was of type NoneType; expected a data frame"),
        (np.zeros(3), "frame: was of type numpy.ndarray; expected a data frame"),
        (pa.array([1]), "expected a data frame"),
    ],
)
def test_frame_refusals_are_one_sentence(frame: Any, sentence: str | None) -> None:
    if sentence is None:
        assert ql.from_frame(frame, "BTCUSDT").n_messages
        return
    symbol = None if isinstance(frame, dict) and "a" in frame else "BTCUSDT"
    with pytest.raises(ql.InputError) as caught:
        ql.from_frame(frame, symbol)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"symbol": None}, "frame: has no symbol; expected it as symbol"),
        ({"symbol": "XYZ"}, "from_frame (spot.currency): is missing: XYZ ends in no known quote"),
        ({"kind": "swap"}, "kind: was 'swap'; expected spot or perp"),
        ({"kind": {"BTCUSDT": "spot"}}, "was given kinds by name for one frame"),
        ({"interval": "1x"}, "interval: was '1x'; expected a length such as 1m, 4h, 1d"),
        ({"interval": "2h"}, "expected a multiple of 7200 s"),
        ({"interval": 5}, "interval: was '5'; expected a length such as 1m, 4h, 1d"),
        ({"costs": [1]}, "costs: was [1]; expected a dict such as {'size': 5}"),
        (
            {"costs": {"half_spred_bps": 1}},
            "costs: has 'half_spred_bps'; did you mean 'half_spread_bps'?",
        ),
        (
            {"costs": {"half_spread_bps": -1}},
            "from_frame (half_spread_bps): was '-1', expected a decimal",
        ),
        ({"costs": {"half_spread_bps": float("nan")}}, "from_frame (half_spread_bps): was"),
        ({"costs": {"size": True}}, "costs (size): was True; expected a number"),
        ({"venue": ""}, "from_frame (venue): was ''"),
    ],
)
def test_frame_wrong_terms_are_one_sentence(told: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ql.QuantlaxmiError, match=re.escape(sentence)):
        ql.from_frame(frame_of(), **({"symbol": "BTCUSDT"} | told))


def test_frame_pair_refusals() -> None:
    frame = frame_of()
    with pytest.raises(ql.InputError, match="frame perp: is the same object as frame spot"):
        ql.from_frame({"spot": frame, "perp": frame}, "BTCUSDT")
    with pytest.raises(ql.InputError, match="has no kind of 'B'; expected spot or perp"):
        ql.from_frame({"A": frame, "B": frame_of()}, kind={"A": "spot"})
    with pytest.raises(ql.ConfigError, match="A ends in no known quote currency"):
        ql.from_frame({"A": frame, "B": frame_of()}, kind={"A": "spot", "B": "spot"})


def test_frame_of_days_by_a_local_clock_is_refused_with_a_remedy() -> None:
    zone = "America/New_York"
    days = np.arange("2024-03-01", "2024-03-31", dtype="datetime64[D]").astype("datetime64[s]")
    short = days.astype(np.int64) + 5 * 3600 - 3600 * (days >= np.datetime64("2024-03-11"))
    frame = {name: values[:30] for name, values in frame_of().items()}
    local = frame | {"time": pa.array(short, pa.int64()).cast(pa.timestamp("s", zone))}
    with pytest.raises(ql.InputError, match=r"days of 23 and of 24 hours.* tz_localize"):
        ql.from_frame(local, "BTCUSDT")
    assert ql.from_frame(frame | {"time": days}, "BTCUSDT").gaps == ()
