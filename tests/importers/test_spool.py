"""Spools: the same rows in memory and on disk, within the bytes that a store may keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.importers.bars.spool import MemoryStore, Store

NAMES = ("at_ns", "line")
ROW_BYTES = 8 * len(NAMES)


def rows(start: int, stop: int) -> dict[str, np.ndarray]:
    at = np.arange(start, stop, dtype=np.int64)
    return {"at_ns": at * 60, "line": at}


@pytest.mark.parametrize("kept_rows", [0, 1, 5, 8, 9, 10**6])
def test_rows_come_back_whatever_is_kept_in_memory(tmp_path: Path, kept_rows: int) -> None:
    with Store(tmp_path, kept_rows * ROW_BYTES) as store:
        spool = store.spool(NAMES)
        assert spool.column("line").tolist() == []
        spool.append(rows(0, 5))
        assert spool.column("at_ns").tolist() == [0, 60, 120, 180, 240]
        spool.append(rows(5, 5))
        spool.append(rows(5, 9))
        assert len(spool) == 9
        spool.column("line")[3] = -7  # as marks of settlements are filled in
        assert spool.column("line").tolist() == [0, 1, 2, -7, 4, 5, 6, 7, 8]
        made = spool.without(np.array([1, -7, 8]), "line")
        assert made.column("line").tolist() == [0, 2, 4, 5, 6, 7]
        assert made.column("at_ns").tolist() == [0, 120, 240, 300, 360, 420]
        assert len(spool) == 0
        assert list(tmp_path.iterdir()) == []  # its files have no names


def test_a_store_keeps_no_more_than_it_may_and_takes_back_what_is_freed(tmp_path: Path) -> None:
    with Store(tmp_path, 10 * ROW_BYTES) as store:
        first, second = store.spool(NAMES), store.spool(NAMES)
        first.append(rows(0, 6))
        assert not store.take(4 * ROW_BYTES + 1)
        second.append(rows(0, 5))  # does not fit, and goes to disk
        assert second.column("line").tolist() == list(range(5))
        first.append(rows(6, 11))  # moves to disk with what it had
        assert first.column("line").tolist() == list(range(11))
        assert store.take(10 * ROW_BYTES)
        assert not store.take(1)
        store.take(-10 * ROW_BYTES)
        third = store.spool(NAMES)
        third.append(rows(0, 10))
        third.close()
        third.close()
        assert store.take(10 * ROW_BYTES)


def test_a_store_in_memory_has_no_bound_and_needs_no_folder() -> None:
    with MemoryStore(Path("missing")) as store:
        spool = store.spool(NAMES)
        for k in range(40):
            spool.append(rows(k * 50_000, (k + 1) * 50_000))
        assert int(spool.column("line")[-1]) == 1_999_999
