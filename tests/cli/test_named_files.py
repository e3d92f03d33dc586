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

import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.cli.main import COMMANDS
from quantlaxmi.gates import GatePolicy
from tests.cli.command_worker import WAIT_S, Worker
from tests.cli.named_file_cases import CASES, RUN
from tests.import_samples import SAMPLES

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the command lines need besides the file."""
    room = tmp_path_factory.mktemp("room")
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
FOLDERS = {"run-gates --segment-dir", "calibrate --checkpoint", "sweep-gates --catalog"}
#: For those of which nothing but one file in the folder is opened.
CATALOGS = {"sweep-report --catalog", "catalog --catalog"}
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
    expected = case.empty if no_folder or option in CATALOGS else said[kind]
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
    assert re.search(
        expected.replace("file:", rf"{re.escape(str(path))}(/catalog\.json)?:"), text
    ), text


@pytest.mark.parametrize(
    "line",
    [
        f"backtest {RUN} --output-trace {{}}.json",
        f"replay {RUN} --run-dir {{}}",
        f"run-gates {RUN} --gates g2 --output-report {{}}.json",
        f"run-gates {RUN} --gates g2 --bind {{}}",
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
        "--json-log",
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
    code, text = worker.run([*f"backtest {RUN} --latency".split(), str(tmp_path / "x.toml")])
    assert code == 2
    assert "'ns.csv': is not a regular file but a named pipe" in text


def test_standard_input_serves_when_it_is_a_file_and_not_when_it_is_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("maker = true\n")
    code = "from quantlaxmi.cli import main_crypto as main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, *f"backtest {RUN} --costs /dev/stdin".split()]
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
