"""The progress line: what it says, and that it is silent where nobody looks."""

from __future__ import annotations

import io
import sys

import pytest

from quantlaxmi.cli.output import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines_of(monkeypatch, calls, stream=None):
    stream = stream or Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    now = [0.0]
    with Progress("gates", clock=lambda: now[0]) as progress:
        for seconds, name, done, total in calls:
            now[0] = seconds
            progress.named(name, done, total)
    return [line.strip() for line in stream.getvalue().split("\r") if line.strip()]


def test_time_left_follows_the_pace_of_this_work(monkeypatch):
    said = lines_of(
        monkeypatch,
        [
            (0, "random_entry", 500, 1000),  # gone on with after an interruption
            (1, "random_entry", 510, 1000),
            (10, "random_entry", 600, 1000),
            (50, "random_entry", 1000, 1000),
            (50, "market", 0, 1000),
            (60, "market", 1, 1000),
        ],
    )
    assert said == [
        "gates: random_entry  50 %",
        "gates: random_entry  51 %",
        "gates: random_entry  60 %, 0:00:40 left",
        "gates: random_entry 100 %",
        "gates: market   0 %",
        "gates: market   0 %, 2:46:30 left",
    ]


def test_a_file_gets_nothing(monkeypatch):
    assert lines_of(monkeypatch, [(0, "x", 1, 2), (9, "x", 2, 2)], io.StringIO()) == []


@pytest.mark.parametrize("total", [0, None])
def test_without_a_whole_the_count_is_shown(monkeypatch, total):
    assert lines_of(monkeypatch, [(9, "x", 12345, total)]) == ["gates: x 12,345"]
