"""Streams, names that are not UTF-8, huge numbers, quotes and interrupts: one line each."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.cli.main import COMMANDS, INDIA_COMMANDS, INDIA_OWN
from quantlaxmi.segment import SegmentWriter
from tests.segments import INSTRUMENTS, make_tables

DATA = Path(__file__).parents[2] / "data"
PROGRAM = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"


def shell(words, redirect, folder, **more):
    """A command line as a shell runs it; exit code, stdout, stderr."""
    line = f'exec "$0" -c "$1" {words} {redirect}'
    done = subprocess.run(
        ["bash", "-c", line, sys.executable, PROGRAM],
        cwd=folder, capture_output=True, check=False, env={**os.environ, **more},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("words", ["--version", "strategies", "strategies show basis_capture"])
@pytest.mark.parametrize(
    ("redirect", "said"),
    [
        (">/dev/full", "standard output cannot be written: No space left on device"),
        (">&-", "standard output is closed; give it a file, or /dev/null"),
    ],
)
def test_a_standard_output_that_takes_nothing_is_one_line(words, redirect, said, tmp_path):
    assert shell(words, redirect, tmp_path) == (2, b"", f"quantlaxmi-crypto: {said}\n")


def test_much_output_that_is_not_taken_is_one_line_too(tmp_path):
    shutil.copytree(DATA / "edgeless", tmp_path / "seg")
    words = "run-gates --segment-dir seg --strategy basis_capture --gates g2 --json"
    code, _, said = shell(words, ">/dev/full", tmp_path)
    assert (code, said.count("\n")) == (2, 1)
    assert "standard output cannot be written" in said


def test_what_is_said_to_a_closed_standard_error_is_lost(tmp_path):
    assert shell("backtest --no", "2>&-", tmp_path) == (2, b"", "")
    assert shell("--version", "2>&-", tmp_path)[0] == 0


def test_a_name_that_is_not_utf8_is_printed_with_escapes(tmp_path):
    shutil.copytree(DATA / "edgeless", tmp_path / "e\udcff")
    run = "--segment-dir $'e\\xff' --strategy basis_capture"
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    code, out, said = shell(
        f"backtest {run} --json --run-dir $'r\\xff' --output-trace $'t\\xff.json'",
        "", tmp_path, **strict,
    )  # fmt: skip
    assert (code, said) == (0, "")
    assert json.loads(out)["segment"] == "e\udcff"
    code, out, said = shell("segment info --segment-dir $'e\\xff'", "", tmp_path, **strict)
    assert (code, said) == (0, "")
    assert b"e\\udcff" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        *(
            (["import", "--format", "tardis", "--out", "o", "--max-quarantine", text], "a share")
            for text in ("1e999999999", "1e-999999999", "\u0661", "1_0/20", "1/0", "1e1", "-1", "")
        ),
        (["backtest", "--segment-dir", "x", "--strategy", "basis_capture", "--seed", "\u0663"],
         "a whole number"),
        (["backtest", "--segment-dir", "x", "--strategy", "basis_capture", "--seed", "1_0"],
         "a whole number"),
        (["backtest", "--segment-dir", "x", "--strategy", "basis_capture", "--set a='x"],
         "no closing quotation"),
        (["backtest", "--segment-dir", "x", "--strategy", "basis_capture", "--set", "a='x"],
         "No closing quotation"),
    ],
)  # fmt: skip
def test_numbers_are_bounded_and_ascii_and_quotes_end(line, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main_crypto(line) == 2
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
    assert "internal" not in found


@pytest.mark.parametrize("text", ["0", "1", "0.01", ".5", "1.", "1/3", "1e-2", "0.0100"])
def test_shares_are_read(text):
    from fractions import Fraction

    from quantlaxmi.cli.values import share

    assert share("--max-quarantine", text) == Fraction(text)


def test_an_interrupt_while_modules_load_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'quantlaxmi.cli.main': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    found = shell("--version", "", tmp_path, PYTHONPATH=path)
    assert found == (128 + signal.SIGINT, b"", "quantlaxmi-crypto: interrupted\n")


def test_a_recording_is_recovered_by_the_command_that_the_message_names(tmp_path, capsys):
    with SegmentWriter(tmp_path / "rec", venue="x", instruments=INSTRUMENTS) as writer:
        for table, columns in make_tables(200).items():
            writer.append(table, columns)
    run = ["backtest", "--segment-dir", str(tmp_path / "rec"), "--strategy", "basis_capture"]
    assert main_crypto(run) == 2
    assert "segment recover seals what it has" in capsys.readouterr().err
    assert main_crypto(["segment", "recover", "--segment-dir", str(tmp_path / "rec")]) == 0
    quantlaxmi.verify_segment(tmp_path / "rec")
    assert main_crypto(["segment", "recover", "--segment-dir", str(tmp_path / "rec")]) == 2
    assert "is sealed" in capsys.readouterr().err


def texts(path):
    """Texts of a module's code that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for one in ast.walk(tree):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in said:
            yield one.value


def test_every_command_that_a_message_names_exists():
    package = Path(quantlaxmi.__file__).parent
    commands = {**COMMANDS, **INDIA_OWN, **INDIA_COMMANDS}
    usages = {
        name: importlib.import_module(f"quantlaxmi.cli.{module}").USAGE
        for name, (module, _) in commands.items()
    }
    options = set(re.findall(r"--[a-z][a-z0-9-]+", "".join(usages.values())))
    options |= {"--help", "--version", "--segment-dir", "--session-dir"}  # by the program
    actions = {
        (name, action)
        for name, usage in usages.items()
        for group in re.findall(rf"{name} \(?([a-z|]+)", usage)
        for action in group.split("|")
    }
    found = 0
    for path in package.rglob("*.py"):
        if path.name == "svg.py":  # names of colours in CSS begin with two hyphens as well
            continue
        for text in texts(path):
            named = re.findall(r"quantlaxmi-(?:crypto|india) ([a-z][a-z-]+)", text)
            assert set(named) <= set(commands), path
            asked = re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text)
            assert set(asked) <= options, path
            sub = r"\b(segment|bindings) (info|verify|quality|recover|split|export|list|repair)\b"
            for pair in re.findall(sub, text):
                assert pair in actions, path
            found += len(asked)
    assert found > 100
