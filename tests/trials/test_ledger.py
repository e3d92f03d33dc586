"""The trial ledger: chained files of one writer each, whose union counts every trial once."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quantlaxmi.errors import TrialError
from quantlaxmi.trials import TrialLedger, current_ledger, merge_ledgers, using
from quantlaxmi.trials import ledger as ledger_module
from quantlaxmi.trials.records import encoded
from tests.depth import some
from tests.trials.lines import data, digest, naive_keys, naive_lines, trial

SEGMENTS, WRITERS, SETTINGS = 20, 3, 40


def folder(tmp_path: Path, name: str = "ledger") -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def written(path: Path, records: list[object]) -> TrialLedger:
    made = TrialLedger(path)
    made.append(records)  # type: ignore[arg-type]
    return made


def test_lines_are_those_of_the_format(tmp_path: Path) -> None:
    place = folder(tmp_path)
    ledger = written(place, [trial(1, k) for k in range(3)])
    (file,) = ledger.files
    lines = naive_lines(file.path)
    assert [line["record"]["kind"] for line in lines] == ["writer", *["trial"] * 3]
    assert [line["hash"] for line in lines] == file.hashes
    assert lines[1]["record"] == json.loads(encoded(trial(1, 0)))
    assert "time" not in json.dumps(lines)
    assert {tuple(key) for key in ledger.trial_keys()} == naive_keys([place])


def test_what_is_known_is_not_written_twice(tmp_path: Path) -> None:
    ledger = written(folder(tmp_path), [trial(1, 1), trial(1, 1)])
    assert ledger.append([trial(1, 1)]) == 0
    assert ledger.append([trial(1, 1, purpose="gates"), trial(1, 1, run=digest("b"))]) == 2
    assert (len(ledger.trials()), ledger.count()) == (3, 1)


@pytest.mark.parametrize("order", some(list(itertools.permutations(range(3))), 3), ids=str)
def test_merging_counts_every_trial_once(tmp_path: Path, order: tuple[int, ...]) -> None:
    """20 segments, three writers of 40 settings a segment each, two files copied between folders.

    Each writer's settings begin 10 after those of the one before, so 30 of 40 are another's too.
    """
    folders = [folder(tmp_path, f"machine{k}") for k in range(WRITERS)]
    for k, place in enumerate(folders):
        written(
            place,
            [
                trial(segment, setting)
                for segment in range(SEGMENTS)
                for setting in range(10 * k, 10 * k + SETTINGS)
            ],
        )
    for source, target in ((0, 1), (1, 2)):
        for path in list(folders[source].glob("*.jsonl")):
            shutil.copy(path, folders[target])
    every = sum(
        line["record"]["kind"] == "trial"
        for path in {p.name: p for place in folders for p in place.glob("*.jsonl")}.values()
        for line in naive_lines(path)
    )
    assert every == SEGMENTS * WRITERS * SETTINGS == 2400
    into = folder(tmp_path, "all")
    for k in order:
        merge_ledgers(into, [folders[k]])
    overlaps = SEGMENTS * (30 + 30)
    ledger = TrialLedger(into).refresh()
    assert ledger.count() == 2400 - overlaps == len(naive_keys(folders))
    assert len(ledger.files) == WRITERS
    assert merge_ledgers(into, folders) == (0, 0)
    per_segment = {ledger.count(data(segment)) for segment in range(SEGMENTS)}
    assert per_segment == {2 * 10 + SETTINGS}


def test_parts_and_overlapping_ranges_count_for_each_other(tmp_path: Path) -> None:
    parts = [data("a", 0, 9, parent="whole"), data("b", 10, 19, parent="whole")]
    other = data("c", 5, 12)
    same_market = data("d", 5, 12).__class__(
        segment=digest("d"), parent=digest("d"), first_ns=19, last_ns=30, instruments=("Sb", "X")
    )
    ledger = written(
        folder(tmp_path), [trial(0, k, data=one) for k, one in enumerate([*parts, other])]
    )
    assert ledger.count(parts[0]) == ledger.count(parts[1]) == 2
    assert ledger.count(other) == 1
    assert ledger.count(same_market) == 1  # overlaps part b by one instant, in one instrument
    assert ledger.count(data("e")) == 0
    assert ledger.count() == 3


def test_a_torn_last_line_is_passed_over_said_and_taken_off(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (file,) = written(place, [trial(1, 1), trial(1, 2)]).files
    whole = file.path.read_bytes()
    for cut in (1, 20, len(whole.split(b"\n")[-2])):
        file.path.write_bytes(whole[:-cut])
        again = TrialLedger(place).refresh()
        assert again.count() == 1
        assert again.files[0].torn == len(whole.split(b"\n")[-2]) + 1 - cut
    file.path.write_bytes(whole + b"\0" * 100)
    fresh = run_python(place, "ledger.append([trial(1, 3)])")
    assert "after line 3): removed 100 bytes of a line" in fresh
    assert file.path.read_bytes().startswith(whole)
    assert [line["record"]["kind"] for line in naive_lines(file.path)] == ["writer"] + 3 * ["trial"]


def run_python(place: Path, code: str) -> str:
    """Warnings of another process that works on the ledger."""
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from quantlaxmi.trials import TrialLedger;"
            "from tests.trials.lines import trial;"
            f"ledger = TrialLedger(sys.argv[1]).refresh(); {code}",
            place,
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    return found.stderr


def test_a_file_has_one_writer_at_a_time_and_goes_on_afterwards(tmp_path: Path) -> None:
    place = folder(tmp_path)
    mine = written(place, [trial(1, 1)])
    run_python(place, "ledger.append([trial(1, 2)])")
    assert len(mine.refresh().files) == 2  # this process has its own
    run_python(place, "ledger.append([trial(1, 3)])")
    assert len(mine.refresh().files) == 2  # the other's was free
    mine.append([trial(1, 4)])
    assert mine.count() == 4
    assert len(mine.files) == 2


def test_a_copied_folder_gets_a_file_of_its_own(tmp_path: Path) -> None:
    first = folder(tmp_path)
    run_python(first, "ledger.append([trial(1, 1)])")
    shutil.copytree(first, tmp_path / "copy")
    run_python(tmp_path / "copy", "ledger.append([trial(1, 2)])")
    run_python(first, "ledger.append([trial(1, 3)])")
    assert merge_ledgers(first, [tmp_path / "copy"]) == (1, 2)
    assert TrialLedger(first).refresh().count() == 3


def test_a_forked_process_does_not_write_to_its_parents_file(tmp_path: Path) -> None:
    ledger = written(folder(tmp_path), [trial(1, 1)])
    child = os.fork()
    if not child:
        try:
            ledger.append([trial(1, 2)])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    ledger.append([trial(1, 3)])
    assert ledger.count() == 3
    assert len(ledger.files) == 2


def test_a_longer_copy_wins_and_a_fork_is_named(tmp_path: Path) -> None:
    first, second = folder(tmp_path, "a"), folder(tmp_path, "b")
    (file,) = written(first, [trial(1, 1)]).files
    shutil.copy(file.path, second)
    TrialLedger(first)
    run_python(first, "ledger.append([trial(1, 2)])")
    for source, target in ((first, second), (second, first)):
        merge_ledgers(target, [source])
        assert TrialLedger(target).refresh().count() == 2
    text = file.path.read_bytes().split(b"\n")
    forked = folder(tmp_path, "c")
    (other,) = written(forked, [trial(1, 9)]).files
    other.path.rename(forked / file.path.name)
    with pytest.raises(TrialError, match=r"\(line \d\): is another chain"):
        merge_ledgers(first, [forked])
    assert file.path.read_bytes().split(b"\n") == text


LINE = b'{"hash":"","index":1,"previous":"","record":{}}\n'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [lines[0], lines[1].replace(b'"mine"', b'"ours"'), lines[2]], "line 2"),
        (lambda lines: [lines[0], lines[2]], "line 2"),
        (lambda lines: [lines[0], lines[2], lines[1]], "line 2"),
        (lambda lines: [*lines, lines[2]], "line 4"),
        (lambda lines: lines[1:], "line 1"),
        (lambda lines: [lines[0], b" " + lines[1]], "line 2"),
        (lambda lines: [lines[0], LINE], "line 2"),
        (lambda lines: [lines[0], b"[" * 100_000 + b"\n"], "line 2"),
        (lambda lines: [lines[0], b'"\\ud800"\n'], "line 2"),
        (lambda lines: [lines[0], b"\xff\n"], "line 2"),
        (lambda lines: [lines[0], b"\n"], "line 2"),
        (lambda lines: [lines[0], lines[1][:-1] + b" " * (1 << 20) + b"\n"], "line 2"),
        (lambda lines: [lines[0], lines[1].replace(b'"-12"', b"-12")], "line 2"),
    ],
)
def test_a_broken_chain_is_named_by_file_and_line(tmp_path: Path, change, said: str) -> None:
    place = folder(tmp_path)
    (file,) = written(place, [trial(1, 1), trial(1, 2)]).files
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join(change(lines)))
    with pytest.raises(TrialError) as error:
        TrialLedger(place).refresh()
    assert str(error.value).startswith(f"{file.path} ({said}): ")
    assert "\n" not in str(error.value)


def test_an_object_that_read_before_reads_a_replaced_file_anew(tmp_path: Path) -> None:
    place = folder(tmp_path)
    ledger = written(place, [trial(1, 1), trial(1, 2)])
    path = ledger.files[0].path
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    path.write_bytes(b"".join(lines[:2]))
    assert ledger.refresh().count() == 1
    ledger.append([trial(1, 3)])
    assert ledger.count() == 2
    path.write_bytes(b"")
    assert ledger.refresh().count() in (0, 1)


def test_what_is_no_file_of_a_writer_is_refused(tmp_path: Path, monkeypatch) -> None:
    place = folder(tmp_path)
    name = "0" * 8 + "-0000-0000-0000-" + "0" * 12 + ".jsonl"
    (place / "README").write_text("notes are no trials\n")
    assert TrialLedger(place).refresh().count() == 0
    (place / "mine.jsonl").write_bytes(b"")
    with pytest.raises(TrialError, match="is not named as a writer's file"):
        TrialLedger(place).refresh()
    (place / "mine.jsonl").rename(tmp_path / "elsewhere")
    for make, said in (
        (lambda: (place / name).symlink_to(tmp_path / "elsewhere"), "is a symbolic link"),
        (lambda: os.mkfifo(place / name), "a named pipe"),
        (lambda: (place / name).mkdir(), "a folder"),
    ):
        make()
        with pytest.raises(TrialError, match=said):
            TrialLedger(place).refresh()
        (place / name).rmdir() if (place / name).is_dir() else (place / name).unlink()
    monkeypatch.setattr(ledger_module, "MAX_FILES", 1)
    for k in range(2):
        (place / name.replace("0.jsonl", f"{k}.jsonl")).write_bytes(b"")
    with pytest.raises(TrialError, match="has over 1 files"):
        TrialLedger(place).refresh()


def test_the_folder_exists_and_is_no_segment(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="is no folder"):
        TrialLedger(tmp_path / "absent")
    with pytest.raises(TrialError, match="is no folder"):
        TrialLedger("a\0b")
    segment = folder(tmp_path, "segment")
    (segment / "segment.json").write_text("{}")
    with pytest.raises(TrialError, match="is inside the segment"):
        TrialLedger(segment)


def test_the_current_ledger_is_named_inside_or_by_the_environment(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(ledger_module.ENVIRONMENT, raising=False)
    assert current_ledger() is None
    named, around, inside = (folder(tmp_path, name) for name in ("named", "around", "inside"))
    monkeypatch.setenv(ledger_module.ENVIRONMENT, str(around))
    found = current_ledger()
    assert found is not None and found.folder == around
    assert current_ledger() is found
    with using(TrialLedger(inside)):
        assert current_ledger().folder == inside  # type: ignore[union-attr]
        assert current_ledger(named).folder == named  # type: ignore[union-attr]
    with ledger_module.without_ledger():
        assert current_ledger() is None
    monkeypatch.setenv(ledger_module.ENVIRONMENT, str(tmp_path / "absent"))
    with pytest.raises(TrialError, match="absent: is no folder"):
        current_ledger()


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path, monkeypatch) -> None:
    ledger = written(folder(tmp_path), [trial(1, 1)])
    size = ledger.files[0].path.stat().st_size
    real = os.write

    def short(fd: int, text: bytes) -> int:
        return real(fd, text[:40])

    monkeypatch.setattr("quantlaxmi.trials.writer.os.write", short)
    with pytest.raises(TrialError, match="cannot be written: the line was written in part"):
        ledger.append([trial(1, 2)])
    monkeypatch.undo()
    assert ledger.files[0].path.stat().st_size == size
    ledger.append([trial(1, 3)])
    assert TrialLedger(ledger.folder).refresh().count() == 2
