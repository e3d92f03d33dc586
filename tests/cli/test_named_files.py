"""Whatever stands under a name that a command is given: one line that says what, and never a wait.

Commands run in a worker of their own, so that one that waits can be ended: what hangs in C heeds
no signal handler.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.cli.main import COMMANDS
from quantlaxmi.gates import GatePolicy
from tests.cli.command_worker import WAIT_S, Worker
from tests.import_samples import SAMPLES

DATA = Path(__file__).parents[2] / "data"


class Case(NamedTuple):
    """A command line with a place for the file, ``{}``; nothing valid is computed by it.

    ``{folder}`` is the file's folder. ``empty`` is what is said of an empty file; of one that will
    do, what stops the command next.
    ``folder`` and ``none`` are what is said of a folder and of nothing; "-" where it will do.
    """

    line: str
    name: str
    empty: str
    folder: str = "file: is a folder; expected a"
    none: str = "file: cannot be read: No such file or directory"


_RUN = "--segment-dir nowhere --strategy basis_capture"
_NEXT = "nowhere: is not a folder"
_CSV_FOLDER = "file: has no file that ends in one of .csv"


def _run_cases(command: str, more: str = "") -> dict[str, Case]:
    run = f"{command} {_RUN}{more}"
    options = ("--config", "--costs", "--risk", "--latency")
    cases = {f"{command} {o}": Case(f"{run} {o} {{}}", "x.toml", _NEXT) for o in options}
    line = f"{command} --segment-dir nowhere --strategy {{}}:Mine{more}"
    return cases | {f"{command} --strategy": Case(line, "x.py", "file: has no class 'Mine'")}


def _import_case(kind: str, **more: str) -> Case:
    sample = SAMPLES[kind]
    line = f"import --format {sample.format} --out out --input {{}}"
    line += " --mapping {kind}.toml" * bool(sample.mapping)
    return Case(line.replace("{kind}", kind.replace(" ", "-")), sample.name,
                "file: is empty; expected", **more)  # fmt: skip


CASES = {
    **_run_cases("backtest"),
    **_run_cases("replay"),
    **_run_cases("run-gates", " --gates g2"),
    "run-gates --policy": Case(f"run-gates {_RUN} --gates g2 --policy {{}}", "x.toml", _NEXT),
    "run-gates --checkpoint": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --checkpoint {}", "x.json",
        "file: is not a gate checkpoint; name another file",
    ),
    "run-gates --grid": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --grid {}", "x.toml",
        r"x.toml \(strategy\): is missing", "x.toml: is a folder; expected a",
        "x.toml: cannot be read: No such file or directory",
    ),
    "run-gates --segment-dir": Case(
        "run-gates --segment-dir {} --strategy basis_capture --gates g2", "x",
        "file: is not a folder", "file: is not a segment: it has no segment.json",
        "file: is not a folder",
    ),
    "report --report": Case(
        "report html --segment-dir seg --out page.html --report {}", "x.json",
        "file: is not a gate report",
    ),
    "report --convert": Case(
        "report html --segment-dir seg --out page.html --report g2.json --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "compare FIRST": Case("compare {} g2.json", "x.json", "file: is not a gate report"),
    "compare SECOND": Case("compare g2.json {}", "x.json", "file: is not a gate report"),
    "verify-report --report": Case(
        "verify-report --segment-dir seg --report {}", "x.json", "file: is not a gate report",
    ),
    "verify-report --policy": Case(
        "verify-report --segment-dir nowhere --report none.json --policy {}", "x.toml", _NEXT,
    ),
    "bindings --report": Case(
        "bindings verify --bind . --report {}", "x.json", "file: is not a gate report",
    ),
    "verify-report --config": Case(
        f"verify-report {_RUN} --report none.json --config {{}}", "x.toml", _NEXT,
    ),
    "verify-report --strategy": Case(
        "verify-report --segment-dir seg --report none.json --strategy {}:Mine", "x.py",
        "file: has no class 'Mine'",
    ),
    "run-gates --convert": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "run-gates --convert, of a currency": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --convert USDC={}",
        "x.csv", r"x.csv \(line 1\): was ''",
    ),
    "verify-report --convert": Case(
        "verify-report --segment-dir seg --report g2.json --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "strategies --config": Case(
        "strategies check basis_capture --segment-dir nowhere --config {}", "x.toml", _NEXT,
    ),
    "strategies check NAME": Case(
        "strategies check {}:Mine --segment-dir nowhere", "x.py", "file: has no class 'Mine'",
    ),
    "strategies show NAME": Case("strategies show {}:Mine", "x.py", "file: has no class 'Mine'"),
    "verify-parity --original": Case(
        "verify-parity --original {} --replay none.json", "x.json", "file: does not end with",
    ),
    "verify-parity --replay": Case(
        "verify-parity --original a.json --replay {}", "x.json", "file: does not end with",
    ),
    "verify-parity --original, arrow": Case(
        "verify-parity --original {} --replay none.json", "x.arrow", "file: is empty",
    ),
    "calibrate --checkpoint": Case(
        "calibrate --runs 1 --checkpoint {}", "x", "file: cannot be made",
        "-", "file: cannot be made",
    ),
    "calibrate --checkpoint, held": Case(
        "calibrate --runs 1 --checkpoint {folder}", "calibration.jsonl",
        "file: is not a calibration's checkpoint; name another folder",
    ),
    "import --spot": Case(
        "import --format binance-stream --out out --spot {}", "x.gz", "file: is empty; expected",
    ),
    "import --perp": Case(
        "import --format binance-stream --out out --perp {}", "x.gz", "file: is empty; expected",
    ),
    "import --input, binance-csv": _import_case("binance-csv trade", folder=_CSV_FOLDER),
    "import --input, binance-vision": _import_case("binance-vision aggTrades", folder=_CSV_FOLDER),
    "import --input, klines": _import_case("binance-vision klines", folder=_CSV_FOLDER),
    "import --input, tardis": _import_case("tardis quotes", folder=_CSV_FOLDER),
    "import --input, klines-json": _import_case("klines-json"),
    "import --input, ohlcv": _import_case("ohlcv json"),
    "import --input, ohlcv feather": _import_case("ohlcv feather"),
    "import --input, kraken": _import_case("kraken", folder=_CSV_FOLDER),
    "import --input, lean": _import_case("lean", folder=_CSV_FOLDER),
    "import --input, okx": _import_case("okx trades", folder=_CSV_FOLDER),
    "import --input, okx candles": _import_case("okx candles", folder=_CSV_FOLDER),
    "import --input, okx candles json": _import_case("okx candles json", folder=_CSV_FOLDER),
    "import --input, bybit": _import_case("bybit trading", folder=_CSV_FOLDER),
    "import --input, bybit book": _import_case("bybit book json", folder=_CSV_FOLDER),
    "import --input, bars": _import_case("bars csv"),
    "import --input, bars parquet": _import_case("bars parquet"),
    **{
        f"import --mapping, {form}": Case(
            f"import --format {form} --out out --input none.csv --mapping {{}}", "x.toml",
            told,
        )
        for form, told in (
            ("bars", r"x.toml \(interval\): is missing"), ("klines-json", "file: names no bars"),
            ("binance-vision", "file: names no bars"),
            ("tardis", r"x.toml \(instruments\): is missing"),
        )
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    room = tmp_path_factory.mktemp("room")  # what the command lines need besides the file
    shutil.copytree(DATA / "edgeless", room / "seg")
    for kind, sample in SAMPLES.items():
        if sample.mapping and " bare" not in kind:
            (room / f"{kind.replace(' ', '-')}.toml").write_text(sample.mapping)
    segment = quantlaxmi.open_segment(room / "seg")
    quantlaxmi.backtest(segment, "basis_capture").trace.save(room / "a.json")
    policy = GatePolicy(suites={"g2": ["net_positive"]})
    quantlaxmi.run_gates(segment, "basis_capture", policy=policy).save(room / "g2.json")
    return room


@pytest.fixture(scope="module")
def worker(room: Path) -> Iterator[Worker]:
    made = Worker(room)
    yield made
    made.close()


def _make(kind: str, path: Path) -> None:
    """Put something under a name."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "linked pipe":
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to("pipe")
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))  # the name of a socket is at most 107 bytes long
    elif kind == "empty":
        path.touch()
    elif kind == "closed":
        path.write_text("x = 1\n")
        path.chmod(0)
    elif kind == "long name":
        pass
    elif kind == "looping link":
        path.symlink_to(path.name)
    else:
        # The memory of a process is a regular file that gives an error when it is read at 0.
        targets = {"link to nothing": "gone", "unreadable": "/proc/self/mem"}
        path.symlink_to(targets.get(kind, kind))


KINDS = {
    "pipe": "file: is not a regular file but a named pipe; expected a",
    "linked pipe": "file: is not a regular file but a named pipe; expected a",
    "socket": "file: is not a regular file but a socket; expected a",
    "/dev/zero": "file: is not a regular file but a device; expected a",
    "/dev/null": "file: is not a regular file but a device; expected a",
    "looping link": "file: cannot be read: (Too many levels of symbolic links|Symlink loop)",
    "long name": "file: cannot be (read|made|written): .*File name too long",
    "closed": "file: cannot be read: Permission denied",
    "unreadable": "file: (is empty|cannot be read: Input/output error|is not a Python file)",
    "folder": "",
    "link to nothing": "",
    "empty": "",
}
#: For options that name a folder.
FOLDERS = {"run-gates --segment-dir", "calibrate --checkpoint"}
#: For files that are written, where a link is refused whatever it points to.
OUTPUTS = {"run-gates --checkpoint", "calibrate --checkpoint, held"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", CASES)
def test_what_is_no_file_is_refused_at_once(
    option: str, kind: str, worker: Worker, room: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    case = CASES[option]
    said = {**KINDS, "folder": case.folder, "link to nothing": case.none, "empty": case.empty}
    no_folder = option in FOLDERS and kind not in ("folder", "link to nothing", "long name")
    expected = case.empty if no_folder else said[kind]
    if option in OUTPUTS and kind.startswith(("/dev", "link", "loop", "unread")):
        expected = "file: is a symbolic link"
    if expected == "-" or (kind == "long name" and "{folder}" in case.line):
        pytest.skip("the option takes it, or no name")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / case.name
    if kind == "long name":
        path = path.with_name("x" * 300 + path.suffix)
    _make(kind, path)
    if kind == "closed" and os.access(path, os.R_OK):
        pytest.skip("nothing is closed to root")
    line = [
        word.replace("{}", str(path)).replace("{folder}", str(tmp_path))
        for word in case.line.split()
    ]
    code, text = worker.run(line)
    assert code == 2, text
    assert text.count("\n") == 1
    assert re.search(expected.replace("file:", f"{re.escape(str(path))}:"), text), text


@pytest.mark.parametrize(
    "line",
    [
        f"backtest {_RUN} --output-trace {{}}.json",
        f"replay {_RUN} --run-dir {{}}",
        f"run-gates {_RUN} --gates g2 --output-report {{}}.json",
        f"run-gates {_RUN} --gates g2 --bind {{}}",
        "bindings list --bind {}",
        "calibrate --out {}.md",
        "segment info --segment-dir {}",
        "segment split --segment-dir seg --rows 20000 --out {}",
        "segment export --segment-dir seg --out {}",
        "import --format binance-stream --spot a.json --out {}",
    ],
)
def test_a_name_that_is_too_long_is_refused(line: str, worker: Worker) -> None:
    code, text = worker.run(line.replace("{}", "x" * 300).split())
    assert (code, text.count("\n")) == (2, 1)
    assert "File name too long" in text and "internal error" not in text, text


def _named() -> dict[str, list[str]]:
    """The options of each command whose value names a file or a folder."""
    found = {}
    for command, (module, _) in COMMANDS.items():
        usage = importlib.import_module(f"quantlaxmi.cli.{module}").USAGE
        named = re.findall(r"(--[a-z-]+|\{segment\}) (?:FILE|TOML|PATH|DIR)\b", usage)
        found[command] = sorted(set(named))
    return found


@pytest.mark.parametrize("written", ["glued", "apart"])
def test_an_empty_name_is_refused(
    written: str, room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand for the working folder, and comes of a shell's variable that is not set."""
    monkeypatch.chdir(room)
    for command, options in _named().items():
        for option in options:
            name = option.replace("{segment}", "--segment-dir")
            words = [f"{name}="] if written == "glued" else [name, ""]
            action = ["export"] if command == "segment" else []
            assert main_crypto([command, *action, *words]) == 2
            said = capsys.readouterr().err
            expected = rf"quantlaxmi-crypto: {command}: {name} was empty, expected [A-Z]+\n"
            assert re.fullmatch(expected, said), said
    words = ["--format", "tardis", "--out", "x", "--input", "a.csv", "--input", ""]
    assert main_crypto(["import", *words]) == 2
    assert "--input was empty, expected PATH" in capsys.readouterr().err


def test_every_option_that_names_a_file_has_its_case() -> None:
    written = {
        "--output-trace",
        "--run-dir",
        "--output-report",
        "--out",
        "--bind",
        "--trials",
        "--html",
    }
    found = {
        f"{command} {option}"
        for command, options in _named().items()
        for option in options
        if option not in written
    }
    cases = {name.partition(",")[0].replace("--segment-dir", "{segment}") for name in CASES}
    one_reader = {name for name in found if name.endswith("{segment}")}
    assert found - one_reader <= cases
    assert one_reader & cases


@pytest.mark.parametrize("name", ["segment.json", "wal/quotes-000.arrows", "columns/quotes.arrow"])
def test_a_pipe_in_a_segment_is_refused_at_once(
    name: str, worker: Worker, room: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "seg"
    shutil.copytree(room / "seg", folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    code, text = worker.run(["segment", "verify", "--segment-dir", str(folder)])
    assert code == 2
    assert f"{folder / name}: is not a regular file but a named pipe" in text


def test_a_pipe_as_a_table_of_latencies_is_refused_at_once(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('entry = {table = "ns.csv"}\n')
    os.mkfifo(tmp_path / "ns.csv")
    code, text = worker.run([*f"backtest {_RUN} --latency".split(), str(tmp_path / "x.toml")])
    assert code == 2
    assert "'ns.csv': is not a regular file but a named pipe" in text


def test_standard_input_serves_when_it_is_a_file_and_not_when_it_is_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("maker = true\n")
    code = "from quantlaxmi.cli import main_crypto as main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, *f"backtest {_RUN} --costs /dev/stdin".split()]
    reading, writing = os.pipe()  # the writing end stays open: to read on would be to wait
    try:
        with (tmp_path / "x.toml").open() as file:
            said = [
                subprocess.run(
                    command,
                    stdin=stdin,
                    capture_output=True,
                    text=True,
                    timeout=WAIT_S,
                    check=False,
                ).stderr
                for stdin in (file, reading)
            ]
    finally:
        os.close(reading)
        os.close(writing)
    assert "/dev/stdin (maker): " in said[0]
    assert "/dev/stdin: is not a regular file but a named pipe" in said[1]
