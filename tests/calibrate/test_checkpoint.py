"""The checkpoint of a calibration is believed as it was written, or not at all."""

from __future__ import annotations

import pytest

from quantlaxmi.calibrate.work import CHECKPOINT, Checkpoint
from quantlaxmi.errors import ConfigError

OF = "a" * 64
DONE = {"size/quiet:0+8": {"equity": {"P": 1, "F": 7}}, "size/quiet:8+8": {"equity": {"F": 8}}}


@pytest.fixture
def kept(tmp_path):
    checkpoint = Checkpoint(tmp_path, OF, {})
    checkpoint.done.update(DONE)
    checkpoint.write()
    return tmp_path / CHECKPOINT


def test_a_checkpoint_reads_back(kept):
    assert Checkpoint(kept.parent, OF, {}).done == DONE


def test_every_changed_byte_is_refused(kept):
    """One digit of a count was believed before, and went into the published rates."""
    data = kept.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        kept.write_bytes(changed)
        with pytest.raises(ConfigError, match=r"calibration\.jsonl"):
            Checkpoint(kept.parent, OF, {})


def test_a_cut_file_and_one_without_its_hash_are_refused(kept):
    lines = kept.read_bytes().splitlines(keepends=True)
    bare = b'{"calibration": "%s"}\n' % OF.encode()
    for changed in (lines[:-1], [*lines, lines[-1]], [bare, *lines[1:]], [lines[0], *lines[:0:-1]]):
        kept.write_bytes(b"".join(changed))
        with pytest.raises(ConfigError, match="was changed or cut"):
            Checkpoint(kept.parent, OF, {})
