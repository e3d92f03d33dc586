"""Many inputs at once: a segment each, a line each, one log of what was refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from quantlaxmi.batch.imports import LOG, folder_names, import_many
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.segment import open_segment

HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"


def trades(n, spoiled=()):
    """A file of Tardis trades; the lines at some places are no trades."""
    rows = []
    for k in range(n):
        stamp = 1_700_000_000_000_000 + 1_000_000 * k
        price = "x" if k in spoiled else f"100.{k % 100:02d}"
        rows.append(f"binance,BTCUSDT,{stamp},{stamp + 1000},{k},buy,{price},0.25\n")
    return HEAD + "".join(rows)


@pytest.fixture
def files(tmp_path):
    """A sound file, one with a faulty line in 200, one that is nothing, and one that is absent."""
    place = tmp_path / "in"
    place.mkdir()
    (place / "a.csv").write_text(trades(200))
    (place / "b.csv").write_text(trades(200, {7}))
    (place / "c.csv").write_text("nothing\n")
    return [place / name for name in ("a.csv", "b.csv", "c.csv", "d.csv")]


def log_of(out):
    return [json.loads(line) for line in (out / LOG).read_text().splitlines()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_input_is_the_segment_that_it_is_alone(files, tmp_path, jobs):
    out, told = tmp_path / "out", []
    found = import_many("tardis", files, out, jobs=jobs, told=told.append)
    assert [one.status for one in found] == ["made", "made", "refused", "refused"]
    assert sorted(one.input for one in told) == [str(one) for one in files]
    for path, one in zip(files[:2], found[:2], strict=True):
        alone = import_capture("tardis", inputs=[path], out=tmp_path / path.stem)
        assert open_segment(one.segment).digest == one.digest == alone.segment.digest
        assert one.messages == alone.messages_by_kind and one.lines == alone.lines
    assert sorted(one.name for one in out.iterdir()) == ["a", "b", LOG]
    by_input = {line["input"]: line for line in log_of(out)}
    assert set(by_input) == {str(path) for path in files[1:]}
    (reason,) = by_input[str(files[1])]["reasons"].items()
    assert by_input[str(files[1])]["refused"] == 1 == reason[1]
    assert by_input[str(files[2])]["refused"] == "all" and by_input[str(files[2])]["error"]


def test_what_is_there_is_passed_over(files, tmp_path):
    out = tmp_path / "out"
    first = import_many("tardis", files[:1], out, jobs=1)
    before = (out / "a" / "segment.json").stat().st_mtime_ns
    found = import_many("tardis", files[:2], out, jobs=1)
    assert [one.status for one in found] == ["there", "made"]
    assert (out / "a" / "segment.json").stat().st_mtime_ns == before and first[0].status == "made"
    # What is no segment is in the way of one, and stays.
    (out / "c").mkdir()
    (out / "c" / "note").write_text("mine")
    (found,) = import_many("tardis", [files[2]], out, jobs=1)
    assert found.status == "refused" and (out / "c" / "note").read_text() == "mine"


def test_names_are_those_of_files_and_no_two_are_equal():
    assert folder_names(["x/a.csv.gz", "b", "c.d.parquet"]) == ["a", "b", "c.d"]
    for inputs, said in (
        (["x/a.csv", "y/a.csv.gz"], "both would be segment a"),
        (["/"], "names no segment"),
        ([".."], "names no segment"),
        (["a\0"], "names no segment"),
    ):
        with pytest.raises(InputError, match=said):
            folder_names(inputs)


def test_calls_that_cannot_be_are_one_line_before_any_work(files, tmp_path):
    out = tmp_path / "out"
    for form, inputs, where, said in (
        ("none", files, out, "expected one of"),
        ("tardis", [], out, "no input"),
        ("tardis", files, files[0].parent / "a.csv" / "x", "a.csv"),
        ("tardis", files, tmp_path / "absent" / "out", "cannot be made"),
    ):
        with pytest.raises(InputError, match=said):
            import_many(form, inputs, where, jobs=1)
    assert not out.exists()
    out.mkdir()
    (out / LOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError):
        import_many("tardis", [files[2]], out, jobs=1)
    assert not (tmp_path / "elsewhere").exists()


def test_the_command_has_a_line_each_and_its_exit_code(files, tmp_path, capsys):
    words = ["import", "--format", "tardis", "--out", str(tmp_path / "out"), "--jobs", "2"]
    assert main_crypto([*words, "--input", str(files[0]), str(files[1])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and "2 inputs: 2 made, 0 there, 0 refused" in lines[2]
    assert any("1 line refused" in line for line in lines) and LOG in lines[2]
    assert main_crypto([*words, *map(str, files), "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["status"] == {"there": 2, "refused": 2}
    assert [one["status"] for one in facts["inputs"]] == ["there", "there", "refused", "refused"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x.csv"], "without --jobs"),
        (["x.csv", "--jobs", "0"], "--jobs"),
        (["--jobs", "1"], "no input"),
        (["x.csv", "--jobs", "1", "--spot", "y"], "given with --spot"),
        (["x/a.csv", "y/a.csv", "--jobs", "1"], "both would be segment a"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, words, said):
    assert main_crypto(["import", "--format", "tardis", "--out", str(tmp_path / "o"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_killed_import_leaves_whole_segments_and_the_same_call_goes_on(tmp_path):
    place, out = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    (place / "f000.csv").write_text(trades(400))
    for k in range(1, 12):
        shutil.copy(place / "f000.csv", place / f"f{k:03d}.csv")
    files = sorted(place.iterdir())
    code = "import sys; from quantlaxmi.batch.imports import import_many; "
    code += "import_many('tardis', sys.argv[2:], sys.argv[1], jobs=2)"
    running = subprocess.Popen([sys.executable, "-c", code, str(out), *map(str, files)])
    end = time.monotonic() + 60
    while not list(out.glob("*/segment.json")):
        assert time.monotonic() < end and running.poll() is None
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(0.5)  # its processes end when it has
    kept = {one.parent.name for one in out.glob("f*/segment.json")}
    found = import_many("tardis", files, out, jobs=1)
    assert {one.status for one in found} <= {"made", "there"}
    assert {one.input.rpartition("/")[2][:4] for one in found if one.status == "there"} >= kept
    # An empty temporary folder that is young may be about to be locked: it is left for later.
    names = sorted(one.name for one in out.iterdir() if any(one.iterdir()))
    assert names == [path.stem for path in files]
    assert len({open_segment(out / path.stem).digest for path in files}) == 1
