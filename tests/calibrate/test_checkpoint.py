"""The checkpoint of a calibration is believed as it was written, or not at all."""

from __future__ import annotations

import json

import pytest

from quantlaxmi.calibrate.checkpoint import CHECKPOINT, Checkpoint
from quantlaxmi.calibrate.experiments import Batch, Experiment, batches_of
from quantlaxmi.errors import ConfigError

OF = "a" * 64
PRINTS = {"quiet": "0123456789abcdef"}
QUIET = Experiment("size", "quiet", "", 4000)


def passes(count):
    return {"equity": {"P": 1, "F": count - 1}}


def written(folder, *runs):
    checkpoint = Checkpoint(folder, OF, PRINTS)
    for first, count in runs:
        checkpoint.add(Batch(QUIET, first, count), passes(count))
    checkpoint.write()
    return folder / CHECKPOINT


@pytest.fixture
def kept(tmp_path):
    return written(tmp_path, (0, 8), (16, 8))


def found(folder, runs=4000):
    return Checkpoint(folder, OF, PRINTS).found(Experiment("size", "quiet", "", runs))


def test_a_checkpoint_reads_back(kept):
    assert found(kept.parent) == {0: (8, passes(8)), 16: (8, passes(8))}


def test_runs_in_a_row_are_one_line(tmp_path):
    """A line a batch was 7 MB for the whole study."""
    kept = written(tmp_path, (50, 50), (150, 20), (0, 50))
    assert found(tmp_path) == {0: (100, {"equity": {"P": 2, "F": 98}}), 150: (20, passes(20))}
    written(tmp_path, (100, 50))
    assert found(tmp_path) == {0: (170, {"equity": {"P": 4, "F": 166}})}
    assert len(kept.read_text().splitlines()) == 2


def test_runs_are_counted_once(tmp_path):
    written(tmp_path, (0, 50), (25, 50), (49, 1), (0, 200))
    assert found(tmp_path) == {0: (50, passes(50))}


def test_sums_over_more_runs_than_are_asked_for_are_not_used(tmp_path):
    written(tmp_path, (0, 50), (50, 50), (120, 10))
    assert found(tmp_path, 130) == {0: (100, {"equity": {"P": 2, "F": 98}}), 120: (10, passes(10))}
    assert found(tmp_path, 99) == {}
    assert found(tmp_path, 125) == {0: (100, {"equity": {"P": 2, "F": 98}})}


def test_a_world_of_other_runs_finds_nothing(kept):
    other = Checkpoint(kept.parent, OF, {"quiet": "f" * 16})
    assert other.found(QUIET) == {}


@pytest.mark.parametrize("spans", [{}, {0: 50}, {0: 120}, {7: 3, 60: 110}, {0: 170}, {1: 1, 2: 1}])
def test_batches_leave_out_what_is_kept(spans):
    """Together with what is kept they are every run, once; none is larger than a batch."""
    experiment = Experiment("size", "quiet", "", 170)
    batches = batches_of([experiment], {first: (n, {}) for first, n in spans.items()})
    runs = [run for b in batches for run in range(b.first, b.first + b.count)]
    runs += [run for first, n in spans.items() for run in range(first, first + n)]
    assert sorted(runs) == list(range(170))
    assert all(b.first // 50 == (b.first + b.count - 1) // 50 for b in batches)


@pytest.mark.parametrize(
    "lines",
    [
        ["size/quiet:0+8", "size/quiet:7+8"],
        ["size/quiet:0+8", "size/quiet:0+8"],
        ["size/quiet:0+0"],
        ["size/quiet:-1+8"],
        ["size/quiet:0+7"],
        ["size/quiet"],
        [7],
    ],
)
def test_lines_that_cannot_be_are_refused_though_the_hash_is_right(tmp_path, lines):
    """A run in two lines, none in one, more letters than runs, a name that is none."""
    checkpoint = Checkpoint(tmp_path, OF, PRINTS)
    text = "".join(json.dumps({"batch": one, "counts": passes(8)}) + "\n" for one in lines)
    head = {"calibration": OF, "hash": checkpoint._seal(text.encode())}
    (tmp_path / CHECKPOINT).write_text(json.dumps(head) + "\n" + text)
    with pytest.raises(ConfigError, match="is not a calibration's checkpoint"):
        Checkpoint(tmp_path, OF, PRINTS)


def test_every_changed_byte_is_refused(kept):
    """One digit of a count was believed before, and went into the published rates."""
    data = kept.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        kept.write_bytes(changed)
        with pytest.raises(ConfigError, match=r"calibration\.jsonl"):
            Checkpoint(kept.parent, OF, PRINTS)


def test_a_cut_file_and_one_without_its_hash_are_refused(kept):
    lines = kept.read_bytes().splitlines(keepends=True)
    bare = b'{"calibration": "%s"}\n' % OF.encode()
    for changed in (lines[:-1], [*lines, lines[-1]], [bare, *lines[1:]], [lines[0], *lines[:0:-1]]):
        kept.write_bytes(b"".join(changed))
        with pytest.raises(ConfigError, match=r"was changed or cut|is not a calibration's"):
            Checkpoint(kept.parent, OF, PRINTS)
