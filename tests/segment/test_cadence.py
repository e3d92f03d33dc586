"""Cadence: stated in the manifest, outside the digest, else derived from quiet quotes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.segment import (
    MemorySegment,
    SegmentWriter,
    Window,
    open_segment,
    open_whole,
    segment_info,
    split_segment,
)
from quantlaxmi.segment.manifest import load_manifest, manifest_hash
from tests.segments import INSTRUMENTS, make_tables, write_segment


def tables_with(quiet: int, loud: int):
    """Quotes, of which the first are quiet."""
    tables = make_tables(4 * (quiet + loud) + 40)
    quotes = {name: column[: quiet + loud] for name, column in tables["quotes"].items()}
    quotes["flags"] = (np.arange(quiet + loud) < quiet).astype(np.int8)
    return {"quotes": quotes}


@pytest.mark.parametrize("cadence", ["events", "bars", "snapshots"])
def test_what_is_stated_holds_and_the_digest_does_not_move(tmp_path, cadence):
    tables = tables_with(6, 4)
    plain = write_segment(tmp_path / "plain", tables)
    stated = write_segment(tmp_path / "stated", tables, cadence=cadence)
    assert (stated.cadence, stated.digest) == (cadence, plain.digest)
    assert open_segment(tmp_path / "stated", verify="all").cadence == cadence
    assert stated.manifest.manifest_sha256 != plain.manifest.manifest_sha256
    assert Window(stated, last=3).cadence == cadence
    assert MemorySegment(INSTRUMENTS, tables, cadence=cadence).cadence == cadence
    assert segment_info(stated)["cadence"] == cadence
    split_segment(stated, tmp_path / "parts", rows=3)
    parts = open_whole(tmp_path / "parts")
    assert {part.manifest.cadence for part in parts.parts} == {cadence}
    assert (parts.cadence, parts.digest) == (cadence, plain.digest)


@pytest.mark.parametrize(
    ("quiet", "loud", "cadence"),
    [(0, 9, "events"), (1, 8, "events"), (4, 5, "events"), (5, 5, "bars"), (9, 0, "bars")],
)
def test_without_a_statement_half_the_quotes_decide(tmp_path, quiet, loud, cadence):
    tables = tables_with(quiet, loud)
    segment = write_segment(tmp_path / "s", tables)
    assert "cadence" not in json.loads((tmp_path / "s" / "segment.json").read_text())
    assert segment.manifest.cadence is None
    assert segment.cadence == MemorySegment(INSTRUMENTS, tables).cadence == cadence
    # A window is what the whole is, whichever quotes it holds.
    assert Window(segment, last=int(tables["quotes"]["seq"][0])).cadence == cadence
    split_segment(segment, tmp_path / "parts", rows=2)
    assert open_whole(tmp_path / "parts").cadence == cadence


def test_a_segment_without_quotes_is_of_events(tmp_path):
    assert write_segment(tmp_path / "s", make_tables(0)).cadence == "events"


def test_a_recording_keeps_what_its_writer_said(tmp_path):
    tables = tables_with(1, 9)
    writer = SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS, cadence="snapshots")
    writer.append("quotes", tables["quotes"])
    writer.close()
    assert SegmentWriter.resume(tmp_path / "s").seal().cadence == "snapshots"


def test_another_word_is_refused(tmp_path):
    with pytest.raises(SegmentError, match="cadence"):
        SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS, cadence="ticks")
    with pytest.raises(SegmentError, match="cadence was 'ticks', expected events, bars"):
        MemorySegment(INSTRUMENTS, {}, cadence="ticks")
    write_segment(tmp_path / "t", tables_with(1, 2))
    path = tmp_path / "t" / "segment.json"
    for word in ('"ticks"', "null"):
        path.write_bytes(
            path.read_bytes().replace(b'"digest"', f'"cadence": {word},\n  "digest"'.encode(), 1)
        )
        with pytest.raises(SegmentCorrupt):
            open_segment(tmp_path / "t")


def test_bundled_segments_state_events():
    from tests.run.test_golden import DATA

    for name in ("planted", "edgeless"):
        manifest = load_manifest(DATA / name)
        assert manifest.cadence == "events"
        assert manifest.manifest_sha256 == manifest_hash(manifest)
