"""What was sealed is on the disk before the manifest says so."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from quantlaxmi.errors import SegmentError
from quantlaxmi.segment import SegmentWriter, open_segment
from tests.segments import INSTRUMENTS, make_tables, write_segment


def test_every_file_is_durable_before_the_manifest_takes_its_place(tmp_path, monkeypatch):
    fsync, replace = os.fsync, Path.replace
    written: dict[int, int] = {}
    checked = []

    def noting(fd):
        fsync(fd)
        status = os.fstat(fd)
        written[status.st_ino] = status.st_size

    def checking(source, target):
        if json.loads(source.read_bytes())["state"] == "sealed":
            for path in [*tmp_path.glob("s/*/*"), tmp_path / "s/wal", tmp_path / "s/columns"]:
                status = path.stat()
                assert written.get(status.st_ino) == status.st_size, path
                checked.append(path.name)
            assert source.stat().st_ino in written
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(Path, "replace", checking)
    write_segment(tmp_path / "s", make_tables(300), batch_rows=64)
    assert {"quotes.arrow", "depth.arrow", "quotes-000.arrows", "columns"} <= set(checked)


@pytest.mark.parametrize("failing", ["quotes-000.arrows", "depth.arrow", "funding.arrow"])
def test_a_disk_that_refuses_leaves_a_recording(tmp_path, monkeypatch, failing):
    fsync = os.fsync
    writer = SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS)
    tables = make_tables(300)
    for table, columns in tables.items():
        writer.append(table, columns)

    def refusing(fd):
        if Path(f"/proc/self/fd/{fd}").readlink().name == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refusing)
        with pytest.raises(SegmentError, match=rf"{failing}: cannot be made durable: ") as error:
            writer.seal()
    assert "\n" not in str(error.value)
    with pytest.raises(SegmentError, match="sealed"):
        open_segment(tmp_path / "s")
    with SegmentWriter.resume(tmp_path / "s") as writer:
        assert writer.seal().counts["quotes"].rows == len(tables["quotes"]["seq"])
