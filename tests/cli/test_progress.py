"""The progress line: what it says, and that it is silent where nobody looks."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from quantlaxmi.gates import GatePolicy
from quantlaxmi.progress import Progress
from quantlaxmi.report import run_gates


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


def test_a_notebook_gets_the_line_where_it_is_asked_for(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("gates", always=True) as progress:
        progress.named("market_null", 1, 2)
    assert "gates: market_null  50 %" in stream.getvalue()


def test_gates_called_from_python_say_how_far_they_are(monkeypatch):
    """And nothing where nobody asks."""
    data = Path(__file__).resolve().parents[2] / "data" / "edgeless"
    policy = GatePolicy(suites={"g2": ["net_positive", "look_ahead"]})
    for asked, said in ((True, "gates: look_ahead 100 %"), (False, ""), (None, "")):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        run_gates(data, "basis_capture", policy=policy, progress=asked)
        assert said in stream.getvalue()
        assert bool(stream.getvalue()) == bool(asked)
