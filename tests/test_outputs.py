"""No output is an input, and what killed runs left of an output is told and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.batch import Catalog
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError, LeftoverRemoved, ReportError, TraceError
from quantlaxmi.files import FileKind, staged_directory, write_output, write_whole

DATA = Path(__file__).parents[1] / "data"
KIND = FileKind("a toy", b"toy")
RUN = "--segment-dir seg --strategy basis_capture"
SWEEP = "--segments seg --strategies basis_capture --catalog new"


@pytest.fixture
def room(tmp_path, monkeypatch):
    """An empty folder with a segment in it, which is the working folder."""
    shutil.copytree(DATA / "edgeless", tmp_path / "seg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(folder):
    return sorted(p.name for p in folder.iterdir())


INSIDE = "is inside the segment"
CATALOG = "is among the files of the catalog"
LINES = {
    f"backtest {RUN} --output-trace seg/segment.json": INSIDE,
    f"replay {RUN} --output-trace seg/columns/a.arrow": INSIDE,
    f"backtest {RUN} --run-dir seg/run": INSIDE,
    f"run-gates {RUN} --gates g2 --output-report seg/segment.json": INSIDE,
    f"run-gates {RUN} --gates g2 --output-report seg/g2.json": INSIDE,
    f"run-gates {RUN} --gates g2 --checkpoint seg/segment.json": INSIDE,
    f"run-gates {RUN} --gates g2 --checkpoint seg/counts": INSIDE,
    f"run-gates {RUN} --gates g2 --checkpoint x.json --output-report x.json": "names too",
    f"backtest {RUN} --output-trace x.json --run-dir x.json": "which --output-trace names too",
    f"replay {RUN} --output-trace x.json --run-dir ./x.json": "which --output-trace names too",
    f"run-gates {RUN} --gates g2 --bind seg/columns": INSIDE,
    f"run-gates {RUN} --gates g2 --bind nowhere": "expected a folder that exists",
    f"run-gates {RUN} --gates g2 --bind broken": "chain is broken",
    f"run-gates {RUN} --gates g2 --checkpoint policy.toml": "is not a gate checkpoint; name",
    "segment split --segment-dir seg --rows 20000 --out seg/parts": INSIDE,
    "segment export --segment-dir seg --out seg/wal/parquet": INSIDE,
    "import --format tardis --input capture --out capture/seg": "is inside the input capture",
    "import --format tardis --input capture --out seg/new": INSIDE,
    "calibrate --runs 1 --out page.md": "is there and is not a calibration's page",
    "calibrate --runs 1 --checkpoint seg/kept": INSIDE,
    "demo --out seg/demo": INSIDE,
    f"backtest {RUN} --output-trace config.json": "is there and is not a decision trace",
    f"backtest {RUN} --output-trace g2.json": "is there and is not a decision trace",
    f"run-gates {RUN} --gates g2 --output-report trace.json": "is there and is not a gate report",
    f"backtest {RUN} --output-trace link.json": "is a symbolic link",
    f"backtest {RUN} --output-trace pipe.json": "a named pipe",
    f"run-gates {RUN} --gates g2 --output-report link.json": "is a symbolic link",
    f"sweep-gates {SWEEP} --json-log policy.toml": "is there and is not a log of events",
    f"sweep-gates {SWEEP} --json-log seg/log.json": INSIDE,
    f"sweep-gates {SWEEP} --json-log link.json": "is a symbolic link",
    f"sweep-gates {SWEEP} --json-log pipe.json": "a named pipe",
    f"sweep-gates {SWEEP} --json-log cat/journal/log.json": CATALOG,
    "sweep-gates --segments seg --strategies basis_capture --catalog seg/new": INSIDE,
    "sweep-gates --segments seg --strategies basis_capture --catalog cat/reports/new": CATALOG,
    "catalog export --catalog cat --format parquet --out cat/journal/x.parquet": CATALOG,
    "sweep-report --catalog cat --html cat/reports/page.html": CATALOG,
    "sweep-report --catalog cat --html cat/gates/page.html": CATALOG,
    "catalog export --catalog cat --out cat/trials/x.parquet": CATALOG,
    f"backtest {RUN} --output-trace cat/journal/trace.json": CATALOG,
    f"run-gates {RUN} --gates g2 --output-report cat/journal/report.json": CATALOG,
    f"run-gates {RUN} --gates g2 --bind cat/journal": CATALOG,
    "segment split --segment-dir seg --rows 20000 --out cat/reports/parts": CATALOG,
    "segment export --segment-dir seg --out cat/reports/parquet": CATALOG,
    "import --format tardis --input capture --out cat/reports/seg": CATALOG,
    "import --format tardis --out logged --jobs 1 capture": "is not a log of refused inputs",
    "calibrate --runs 1 --checkpoint cat/reports/kept": CATALOG,
    "demo --out cat/reports/demo": CATALOG,
}


@pytest.mark.parametrize("line", LINES)
def test_an_output_that_is_an_input_is_refused_before_work(line, room, capsys):
    (room / "capture").mkdir()
    (room / "broken").mkdir()
    (room / "broken" / "bindings.jsonl").write_text("{}\n")
    (room / "page.md").write_text("# Notes\n\n## Calibration\n")
    (room / "policy.toml").write_text("n_sims = 99\n")
    (room / "config.json").write_text('{"a": 1}')
    (room / "trace.json").write_text('{"format":"quantlaxmi-trace"')
    (room / "g2.json").write_text('{"format":"quantlaxmi-gate-report"')
    (room / "link.json").symlink_to("config.json")
    os.mkfifo(room / "pipe.json")
    Catalog.create(room / "cat")
    for name in ("gates", "trials"):
        (room / "cat" / name).mkdir()
    (room / "logged").mkdir()
    (room / "logged" / "refused.jsonl").write_text("mine")
    before = content(room / "seg"), sorted(room.rglob("*"))
    assert main_crypto(line.split()) == 2
    said = capsys.readouterr().err
    assert LINES[line] in said
    assert said.count("\n") == 1
    assert "remove" not in said
    assert (content(room / "seg"), sorted(room.rglob("*"))) == before


def test_outputs_are_refused_from_python_too(room):
    segment = quantlaxmi.open_segment(room / "seg")
    run = quantlaxmi.backtest(segment, "basis_capture")
    for name in ("segment.json", "new.arrow"):
        with pytest.raises(TraceError, match=INSIDE):
            run.trace.save(room / "seg" / name)
    (room / "x.json").write_text("{}")
    with pytest.raises(TraceError, match="is not a decision trace"):
        run.trace.save(room / "x.json")
    with pytest.raises(InputError, match=INSIDE), staged_directory(room / "seg" / "x"):
        pass
    run.trace.save(room / "a.json")
    run.trace.save(room / "a.json")
    (room / "b.arrow").touch()  # an empty file has nothing to lose
    run.trace.save(room / "b.arrow")
    run.trace.save(room / "b.arrow")
    quantlaxmi.verify_segment(room / "seg")


def test_an_import_s_output_is_in_no_input_from_python_too(room):
    from quantlaxmi.importers import import_binance_stream, import_capture

    capture = room / "captures"
    capture.mkdir()
    said = "is inside the input"
    before = sorted(room.rglob("*"))
    for kind in ("tardis", "binance-csv", "binance-vision", "bars", "klines-json"):
        for inputs in ([capture], [str(room), capture]):
            with pytest.raises(InputError, match=said):
                import_capture(kind, inputs=inputs, out=capture / "seg")
    with pytest.raises(InputError, match=said):
        import_binance_stream(capture, None, capture / "seg")
    (room / "here").symlink_to("captures")
    with pytest.raises(InputError, match=said):
        import_capture("tardis", inputs=[capture], out=room / "here" / "seg")
    (room / "here").unlink()
    with pytest.raises(InputError, match="exists already"):  # before an input is looked at
        import_capture("tardis", inputs=["nowhere"], out=room / "seg")
    assert sorted(room.rglob("*")) == before


def test_only_a_file_of_the_same_kind_is_replaced(tmp_path):
    path = tmp_path / "x"
    write_output(path, (b"a toy",), KIND, ReportError)
    write_output(path, (b"another toy",), KIND, ReportError)
    path.write_bytes(b"a tool")
    with pytest.raises(ReportError, match="is there and is not a toy; name another file"):
        write_output(path, (b"a toy",), KIND, ReportError)
    assert path.read_bytes() == b"a tool"
    for device in ("/dev/null", "/dev/full"):
        with pytest.raises(ReportError, match="a device"):
            write_output(Path(device), (b"a toy",), KIND, ReportError)


_KILLED = """
import os, signal, sys
from pathlib import Path
from quantlaxmi.errors import SegmentError
from quantlaxmi.files import staged_directory, whole_file
out = Path(sys.argv[1])
with staged_directory(out) as folder, whole_file(out, SegmentError) as file:
    (folder / "x").write_text("x")
    file.write(b"x")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_runs_left_is_told_and_removed(tmp_path):
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", _KILLED, str(out)], check=False)
    assert len(names(tmp_path)) == 2
    other = tmp_path / ".out.more.1a2b3c4d.tmp"  # of an output out.more
    other.touch()
    with pytest.warns(LeftoverRemoved, match="left by a run that was killed") as told:
        write_whole(out, b"x")
    assert len(told) == 2
    assert names(tmp_path) == [other.name, "out"]


def test_what_another_run_still_writes_is_left_alone(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="in the meantime"), staged_directory(out) as folder:
        (folder / "x").touch()
        write_whole(out, b"x")
        assert (folder / "x").exists()
    assert names(tmp_path) == ["out"]


def test_a_command_tells_of_leftovers_in_a_line(room, capsys):
    left = room / ".a.json.12ab.tmp"
    left.write_text("x")
    assert main_crypto(f"backtest {RUN} --output-trace a.json".split()) == 0
    assert "left by a run that was killed" in capsys.readouterr().err
    assert not left.exists()


def test_threads_that_save_one_path_all_succeed(tmp_path):
    failed, start = [], threading.Barrier(8)

    def save(k):
        start.wait()
        try:
            for _ in range(20):
                write_output(tmp_path / "x", (b"toy %d" % k,), KIND, ReportError)
        except ReportError as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (tmp_path / "x").read_bytes().startswith(b"toy ")
    assert names(tmp_path) == ["x"]


def test_a_run_s_figures_are_said_before_they_are_written(room, capsys, monkeypatch):
    from quantlaxmi.trace import DecisionTrace

    def full(*_):
        raise TraceError("t.json", "cannot be written: No space left on device")

    monkeypatch.setattr(DecisionTrace, "save", full)
    for route in ("backtest", "replay"):
        assert main_crypto(f"{route} {RUN} --output-trace t.json".split()) == 2
        said = capsys.readouterr()
        assert "net_pnl" in said.out or "net" in said.out
        assert "No space left" in said.err


def test_a_verdict_is_said_before_it_is_written(room, capsys, monkeypatch):
    from quantlaxmi.report import GateReport

    def full(*_):
        raise ReportError("g2.json", "cannot be written: No space left on device")

    monkeypatch.setattr(GateReport, "save", full)
    line = f"run-gates {RUN} --gates g2 --output-report g2.json"
    assert main_crypto(line.split()) == 2
    said = capsys.readouterr()
    assert "verdict" in said.out
    assert "No space left" in said.err


def test_a_binding_is_made_where_it_is_asked_for(room, capsys):
    before = content(room / "seg")
    line = f"run-gates {RUN} --gates g2 --bind"
    assert main_crypto([*line.split(), "seg"]) in (1, 3)
    assert content(room / "seg").keys() - before.keys() == {room / "seg" / "bindings.jsonl"}
    assert main_crypto(["segment", "verify", "--segment-dir", "seg"]) == 0
