"""Draws are made in short calls, by as many threads as are asked for, and end when told to."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from quantlaxmi.parallel import divided


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [0, 1, 31, 64, 1000])
def test_every_row_is_made_once(rows: int, count: int) -> None:
    out = np.zeros(rows, np.int64)

    def work(first: int, part: np.ndarray) -> None:
        part += first + np.arange(len(part)) + 1

    divided.divide(work, out, count)
    assert out.tolist() == list(range(1, rows + 1))


def test_calls_are_as_long_as_an_interrupt_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = 0.0, []

    def work(first: int, part: np.ndarray) -> None:
        nonlocal now
        calls.append((first, len(part)))
        now += 0.01 * len(part) if first < 300 else 0.3 * len(part)

    monkeypatch.setattr(divided.time, "perf_counter", lambda: now)
    divided.divide(work, np.zeros(400), 1)
    assert [size for _, size in calls[:5]] == [1, 2, 4, 8, 8]
    assert {size for first, size in calls if first >= 308} == {1}
    assert sum(size for _, size in calls) == 400


def test_an_error_ends_the_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an interrupt does, which the main thread meets while it waits."""
    clock = itertools.count()  # so that every call is of one row
    monkeypatch.setattr(divided.time, "perf_counter", lambda: 0.1 * next(clock))
    begun, failed = threading.Event(), threading.Event()
    rows: list[int] = []

    def work(first: int, part: np.ndarray) -> None:
        if first == 0:
            begun.wait()
            failed.set()
            raise KeyboardInterrupt
        begun.set()
        failed.wait()
        rows.append(first)
        threading.Event().wait(0.001)

    with pytest.raises(KeyboardInterrupt):
        divided.divide(work, np.zeros(20_000), 2)
    assert len(rows) < 10_000
