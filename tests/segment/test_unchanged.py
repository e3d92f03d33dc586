"""Columns that are changed while a run uses them: the run gives no result."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from quantlaxmi.errors import SegmentCorrupt
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.report import run_gates
from quantlaxmi.report.run_gates import report_of
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import Window, open_segment, open_whole, split_segment
from quantlaxmi.segment.unchanged import check_unchanged

DATA = Path(__file__).parents[2] / "data"
WORDS = "was changed after it was verified"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "planted", tmp_path / "segment"))


def flip(path: Path, at: int = 5_000) -> None:
    """Change a byte in place, as a program that writes into the file would."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def quotes(folder: Path) -> Path:
    return folder / "columns" / "quotes.arrow"


class Meddler:
    """Calls a function once, at the first progress of a run."""

    def __init__(self, work) -> None:
        self.work = work

    def __call__(self, *_: object) -> None:
        work, self.work = self.work, lambda: None
        work()


@pytest.mark.parametrize("way", ["written", "replaced", "longer", "removed", "back in time"])
def test_a_run_over_changed_columns_gives_no_result(folder: Path, way: str) -> None:
    segment = open_segment(folder)
    file = quotes(folder)

    def meddle() -> None:
        times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
        if way == "replaced":
            other = shutil.copy2(file, folder.parent / "other")
            Path(other).replace(file)
        elif way == "longer":
            with file.open("ab") as opened:
                opened.write(b"x")
        elif way == "removed":
            file.unlink()
        else:
            flip(file)
        if way == "back in time":
            os.utime(file, ns=times)

    with pytest.raises(SegmentCorrupt) as caught:
        backtest(segment, "basis_capture", progress=Meddler(meddle))
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    if way in ("written", "replaced", "longer"):
        assert WORDS in str(caught.value)


def test_a_window_and_parts_are_looked_at(folder: Path, tmp_path: Path) -> None:
    segment = open_segment(folder)
    window = Window(segment, segment.first_seq + 100)
    with pytest.raises(SegmentCorrupt, match=WORDS):
        backtest(window, "basis_capture", progress=Meddler(lambda: flip(quotes(folder))))
    split_segment(open_segment(DATA / "planted"), tmp_path / "parts", rows=11_111)
    parts = open_whole(tmp_path / "parts")
    check_unchanged(parts)
    flip(quotes(parts.parts[1].path))
    with pytest.raises(SegmentCorrupt, match=WORDS):
        check_unchanged(parts)


def test_gates_over_changed_columns_give_no_report(folder: Path) -> None:
    policy = GatePolicy(suites={"g2": ("net_positive",)})
    run = backtest(open_segment(folder), "basis_capture")
    flip(quotes(folder))
    with pytest.raises(SegmentCorrupt, match=WORDS):
        report_of(run, policy=policy)
    with pytest.raises(SegmentCorrupt):
        run_gates(open_segment(folder, verify="manifest"), "basis_capture", policy=policy)


def test_rights_and_links_may_change(folder: Path, tmp_path: Path) -> None:
    segment = open_segment(folder)

    def harmless() -> None:
        quotes(folder).chmod(0o400)
        os.link(quotes(folder), tmp_path / "linked")

    run = backtest(segment, "basis_capture", progress=Meddler(harmless))
    assert run.trace.trace_hash == backtest(planted(), "basis_capture").trace.trace_hash


def planted():
    return open_segment(DATA / "planted")
