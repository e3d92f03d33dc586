"""Lines of bars taken many at once are taken as one by one: rows, quarantine, gaps and errors."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.text_cells import decimal_cells, equal_cells, split_cells, stamp_cells
from quantlaxmi.errors import FixedPointError, InputError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers import import_bars
from quantlaxmi.importers.bars import csv as bars_csv
from quantlaxmi.importers.bars import messages as bars_messages
from quantlaxmi.importers.bars import spool
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.timestamps import FIRST_NS, LAST_NS, BadStamp, stamp_reader
from tests.bars_files import HEADER, MAPPING, random_lines, rows_of, run_import, write_files
from tests.depth import examples

LINES = random_lines(60)


def outcome(folder: Path, data: bytes, mapping: str, careful: bool) -> tuple[Any, ...]:
    """What an import comes to: everything it writes, or its error."""
    path, rules = write_files(folder, [], mapping)
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        if careful:

            def split(*args: Any) -> tuple[int, int]:
                found: tuple[int, int] = split_cells(*args)
                args[-1][:] = 0
                return found

            patch.setattr(bars_csv, "split_cells", split)
        out = folder / f"seg-{careful}"
        try:
            result = import_bars([path], out, mapping=rules, max_quarantine=Fraction(1))
        except InputError as error:
            return ("refused", str(error))
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    manifest = result.segment.manifest
    faults = out / "quarantine.jsonl"
    said = faults.read_bytes() if faults.exists() else b""
    return manifest.digest, manifest.gaps, manifest.notes, said, result.captures


EDITS = st.lists(
    st.tuples(
        st.integers(0, len(LINES) - 1),
        st.integers(0, 9),
        st.sampled_from(
            ["", "0", "-1", "nan", "1e400", "1.123456789", "x", '"7"', " 42000.5 ", "\xe9", "1,2",
             "1704067200", "1704067200000", "1704110400", "1704114000", "\t1", "99999999999",
             "42000.50000000", "+42000.1", "1e3"]
        ),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(
    EDITS,
    st.lists(st.integers(0, len(LINES) - 1), max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@example([(0, 0, "x"), (1, 0, "1704114000"), (59, 9, "")], [7], "\n", True)
def test_damaged_files_come_to_the_same(edits, swaps, newline, ended) -> None:
    lines = [line.split(",") for line in LINES]
    for row, column, value in edits:
        lines[row][column] = value
    for row in swaps:
        lines[row], lines[row - 1] = lines[row - 1], lines[row]
    text = newline.join([HEADER, *(",".join(line) for line in lines)]) + newline * ended
    with tempfile.TemporaryDirectory() as folder:
        ways = [outcome(Path(folder), text.encode(), MAPPING, careful) for careful in (0, 1)]
    assert ways[0] == ways[1]


@pytest.mark.parametrize(
    "mapping",
    [
        MAPPING.replace('unit = "s"', ""),
        MAPPING.replace('unit = "s"', 'zone = "Asia/Kolkata"'),
        MAPPING.replace('unit = "s"', 'zone = "Europe/Berlin"\nstamp = "close"'),
        MAPPING.replace('unit = "s"', 'unit = "%Y-%m-%d %H:%M:%S"'),
        MAPPING.replace('every = "8h"', 'times = "0.5"'),
        MAPPING.replace('size = "5"', 'size = "5"\nmax_jump_bps = "20"'),
        MAPPING.replace(
            "[perp]", '[perp]\nvolume = "s_high"\nshare = "0.3"\nsymbol_column = "time"'
        ),
    ],
    ids=["iso", "zone", "close", "pattern", "times", "jump", "volume"],
)
@pytest.mark.parametrize("day", ["2024-01-01", "2024-03-30", "2024-10-26"])
def test_every_kind_of_mapping_comes_to_the_same(tmp_path: Path, mapping: str, day: str) -> None:
    start = datetime.fromisoformat(day)
    lines = []
    for k, line in enumerate(LINES):
        _, _, rest = line.partition(",")
        stamp = (start + timedelta(hours=k)).isoformat(" ")
        if "unit" in mapping and "%" not in mapping:
            stamp = str(int((start + timedelta(hours=k)).replace(tzinfo=UTC).timestamp()))
        lines.append(f"{stamp},{rest}")
    lines[30] = lines[30].replace(",", ",9", 1)
    text = "\n".join([HEADER, *lines, ""]).encode()
    assert outcome(tmp_path, text, mapping, False) == outcome(tmp_path, text, mapping, True)


@pytest.mark.parametrize(("size", "memory_bytes"), [(1, 0), (3, 1000), (7, 1 << 20)])
def test_pieces_of_any_size_give_the_same_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, memory_bytes: int
) -> None:
    """Lines read, rows kept and messages made at a time; rows in memory, the others on disk."""
    lines = [line for k, line in enumerate(LINES) if k not in (9, 10, 31)]
    lines[20] = lines[20].replace(",", ",x", 1)
    mapping = MAPPING.replace('size = "5"', 'size = "5"\nmax_jump_bps = "25"')
    (tmp_path / "whole").mkdir()
    whole = run_import(tmp_path / "whole", lines, mapping=mapping)
    monkeypatch.setattr(bars_csv, "BATCH_LINES", size)
    monkeypatch.setattr(bars_messages, "CHUNK_ROWS", size)
    monkeypatch.setattr(spool, "CHUNK_ROWS", size)
    monkeypatch.setattr(spool.chunks, "__defaults__", (size,))
    monkeypatch.setattr(spool.Store.__init__, "__defaults__", (memory_bytes,))
    result = run_import(tmp_path, lines, mapping=mapping)
    assert result.segment.digest == whole.segment.digest
    assert result.segment.manifest.gaps == whole.segment.manifest.gaps
    assert rows_of(result) == rows_of(whole)
    assert result.quarantine_reasons == whole.quarantine_reasons
    assert result.quarantine_reasons["partial-bar"] > 0


def cell(text: bytes) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(1, np.int64), np.array([len(text)])


@settings(max_examples=examples(300))
@given(st.from_regex(r"[+-]?[0-9]{0,12}(\.[0-9]{0,9})?(e[+-]?[0-9])?", fullmatch=True))
def test_decimal_cells_are_exact(text: str) -> None:
    raw, out, good = text.encode(), np.zeros(1, np.int64), np.ones(1, np.uint8)
    decimal_cells(raw or b" ", *cell(raw), -8, -1, out, good, good.copy())
    try:
        wanted = FixedPoint.from_text(text, -8).mantissa
    except FixedPointError:
        assert good[0] == 0
    else:
        assert (good[0], out[0]) == (1, wanted)


STAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).flatmap(
    lambda at: st.sampled_from(
        [at.isoformat(), at.isoformat(" "), f"{at:%Y-%m-%d}", f"{at:%Y-%m-%d %H:%M}",
         f"{at.isoformat()}Z", f"{at:%Y-%m-%d %H:%M:%S} UTC", f"{at.isoformat()}+05:30",
         f"{at:%Y-%m-%dT%H:%M}-0330", f"{at:%Y-%m-%d}Z", f"{at:%Y-%m-%d %H:%M:%S}.",
         f"{at:%Y-%m-%d %H:%M:%S}.1234567891", f"{at:%Y-%m-31 %H:%M}", f"{at:%Y-02-29}",
         f"{at:%Y-%m-%d 24:00}", f"{at:%Y-%m-%d %H:%M:60}", f"{at:%Y/%m/%d}", f"{at:%Y-%m-%d %H}"]
    )
)  # fmt: skip


@settings(max_examples=examples(400))
@given(STAMPS)
def test_stamps_are_read_as_by_the_careful_reader(text: str) -> None:
    raw, out, zoned, good = text.encode(), *(np.ones(1, t) for t in (np.int64, np.uint8, np.uint8))
    stamp_cells(raw, *cell(raw), out, zoned, good)
    right = bool(good[0]) and FIRST_NS <= out[0] < LAST_NS
    try:
        wanted = stamp_reader(TimeColumn("t"))(text)
    except BadStamp:
        assert not right
    else:
        assert right and out[0] == wanted


def test_cells_of_lines() -> None:
    text = b'1, 2 ,x\r\n4,5\n\n"6",7,8\n9,\xc3\xa9,1\n 10,11,12 \n13,14,15'
    n = 10
    starts, ends, lines = (np.zeros((k, n), np.int64) for k in (2, 2, 2))
    plain = np.zeros(n, np.uint8)
    slots = np.array([1, 0, -1])
    found = split_cells(text, 0, len(text), ord(","), 12, slots, starts, ends, lines, plain)
    assert found == (6, text.index(b"13"))
    assert plain[:6].tolist() == [1, 0, 0, 0, 0, 1]
    shown = [text[a:b] for k in (0, 5) for a, b in zip(starts[:, k], ends[:, k], strict=True)]
    assert shown == [b"2", b"1", b"11", b"10"]
    assert [text[a:b] for a, b in lines[:, :3].T] == [b"1, 2 ,x", b"4,5", b""]
    good = np.ones(n, np.uint8)
    equal_cells(text, starts[0], ends[0], b"11", good)
    assert good[:6].tolist() == [0, 0, 0, 0, 0, 1]
