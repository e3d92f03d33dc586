"""Staged folders and guarded opening."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from quantlaxmi.errors import InputError, SegmentCorrupt, SegmentError
from quantlaxmi.files import (
    locked_folder,
    open_inside,
    read_bounded,
    staged_directory,
    write_whole,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_staged_directory_appears_whole(tmp_path):
    out = tmp_path / "out"
    with staged_directory(out) as folder:
        assert not out.exists()
        assert folder.parent.parent == tmp_path
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x")
    assert (out / "below" / "file").read_text() == "x"
    assert names(tmp_path) == ["out"]
    assert out.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_staged_directory_leaves_nothing_on_failure(tmp_path, error):
    with pytest.raises(error), staged_directory(tmp_path / "out") as folder:
        (folder / "file").write_text("x")
        raise error
    assert names(tmp_path) == []


def test_staged_directory_refuses_what_exists(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "folder", "dangling"):
        with pytest.raises(InputError, match="exists already"), staged_directory(tmp_path / name):
            pass
    with pytest.raises(InputError, match="cannot be made"), staged_directory(tmp_path / "no" / "x"):
        pass
    assert names(tmp_path) == ["dangling", "file", "folder"]


def test_staged_directory_does_not_replace_a_folder_made_meanwhile(tmp_path):
    with (
        pytest.raises(InputError, match="in the meantime"),
        staged_directory(tmp_path / "out"),
    ):
        (tmp_path / "out").mkdir()
    assert names(tmp_path) == ["out"]


def test_open_inside_follows_no_link_and_waits_for_no_pipe(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real/file")
    (tmp_path / "linked").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    for name, words in [
        ("link", "symbolic link"),
        ("linked/file", "linked/file: cannot be opened"),
        ("pipe", "not a regular file"),
        ("real", "not a regular file"),
        ("none", "is missing"),
    ]:
        with pytest.raises(SegmentCorrupt, match=words):
            open_inside(tmp_path, name)
    assert read_bounded(tmp_path, "real/file", 1) == b"x"
    with pytest.raises(SegmentCorrupt, match="longer than 0"):
        read_bounded(tmp_path, "real/file", 0)


def test_write_whole_replaces_and_cleans_up(tmp_path):
    write_whole(tmp_path / "f", b"one")
    write_whole(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").touch()
    with pytest.raises(SegmentError, match="cannot be written"):
        write_whole(tmp_path / "d", b"x")
    assert names(tmp_path) == ["d", "f"]


def test_locked_folder_admits_one_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from quantlaxmi.files import locked_folder\n"
        "with locked_folder(Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with locked_folder(tmp_path):
        held = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "being written by another process" in held.stderr
    subprocess.run(command, check=True)
