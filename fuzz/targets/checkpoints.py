"""Checkpoints of gates and of calibrations: edited content whose hashes fit, and edited text."""

from __future__ import annotations

import json
from typing import Any

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json, edit_lines
from quantlaxmi.calibrate import checkpoint
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.checkpoint import Checkpoint, DrawCounts
from quantlaxmi.gates.results import MonteCarlo

ALLOWED = (ConfigError,)
IDENTITY = bytes(range(32))
GATES: dict[str, Any] = {
    "random_entry": {"done": 1000, "found": [3, 40], "stopped": False},
    "permutation": {"done": 60, "found": [20], "stopped": True},
}
#: Gate, statistics, most draws, exceedances at which it stops.
LOADED = (("random_entry", 2, 1000, 0), ("permutation", 1, 10**6, 20), ("other", 1, 1, 0))
LINES: list[Any] = [
    {"batch": "size/null:0+4", "counts": {"g2": {"P": 3, "F": 1}, "x": {"I": 2}}},
    {"batch": "size/null:4+2", "counts": {"g2": {"F": 2}}},
    {"batch": "size/null:9+5", "counts": {}},
    {"batch": "paid/null:0+1@0123456789abcdef", "counts": {"x": {"P": 1}}},
]


def one(draw: Draw) -> None:
    if draw.number(2):
        gates(draw)
    else:
        calibration(draw)


def gates(draw: Draw) -> None:
    """Counts of gates, sealed anew or not."""
    path = scratch.file("checkpoint.json", b"")
    path.unlink()
    empty = Checkpoint(path, IDENTITY)
    found = edit_json(draw, GATES) if draw.number(4) else GATES
    try:
        value = {"run": IDENTITY.hex(), "gates": found, "hash": empty._seal(found)}
        text = json.dumps(value).encode()
    except (RecursionError, TypeError, AttributeError):
        return
    path.write_bytes(edit_bytes(draw, text, WORDS, 3) if draw.number(3) == 0 else text)
    held = Checkpoint(path, IDENTITY)
    for gate, n, most, stop in LOADED:
        kept = held.load(gate, n, most, stop)
        if kept is not None:
            assert len(kept.found) == n
            assert all(0 <= count <= kept.done <= most for count in kept.found)
            assert kept.stopped == (stop > 0 and kept.found[0] == stop)
            MonteCarlo(kept.found[0], kept.done, kept.stopped).to_json()
    held.save("other", DrawCounts(5, (2,), False))
    assert Checkpoint(path, IDENTITY).load("other", 1, 5) == DrawCounts(5, (2,), False)


def calibration(draw: Draw) -> None:
    """Runs of a calibration, sealed anew or not."""
    try:
        lines = [json.dumps(line).encode() for line in edit_json(draw, LINES)]
    except (RecursionError, TypeError):
        return
    if draw.number(3) == 0:
        lines = edit_lines(draw, lines)
    path = scratch.file(checkpoint.CHECKPOINT, b"")
    path.unlink()
    batches = b"".join(line + b"\n" for line in lines)
    seal = checkpoint.Checkpoint(path.parent, "a" * 64, {})._seal(batches)
    head = json.dumps({"calibration": "a" * 64, "hash": seal}).encode() + b"\n"
    text = head + batches
    path.write_bytes(edit_bytes(draw, text, WORDS, 3) if draw.number(4) == 0 else text)
    held = checkpoint.Checkpoint(path.parent, "a" * 64, {})
    before = _totals(held)
    held.write()
    again = checkpoint.Checkpoint(path.parent, "a" * 64, {})
    assert again.spans == held.spans
    assert _totals(again) == before


def _totals(held: checkpoint.Checkpoint) -> Any:
    """Runs and counts of each experiment, however its runs are cut."""
    return {
        key: (
            sum(count for count, _ in spans.values()),
            checkpoint.summed(spans[first][1] for first in sorted(spans)),
        )
        for key, spans in held.spans.items()
    }
