"""A new command is one file and one line of `COMMANDS`."""

from __future__ import annotations

import json
import sys

import pytest

from quantlaxmi.cli import main_crypto, main_india
from quantlaxmi.cli.main import COMMANDS
from tests.cli import test_named_files as named_files
from tests.cli import toy_command


@pytest.fixture(autouse=True)
def entry(monkeypatch):
    """The command as one line more."""
    monkeypatch.setitem(COMMANDS, "count", ("toy_command", "count the lines of a file"))
    monkeypatch.setitem(sys.modules, "quantlaxmi.cli.toy_command", toy_command)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("1\n2\n3\n4\n")
    return path


def test_the_overview_and_its_help_show_it(capsys):
    assert main_crypto(["--help"]) == 0
    assert "  count          count the lines of a file" in capsys.readouterr().out
    assert main_india(["count", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.lstrip().startswith("Count the lines of a file.")
    assert "quantlaxmi-india count --file FILE" in out
    assert main_crypto(["coutn"]) == 2
    assert "did you mean count?" in capsys.readouterr().err


def test_its_exit_code_and_its_output_are_the_command_s(file, capsys):
    assert main_crypto(["count", "--file", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"lines": 4}
    assert main_crypto(["count", "--file", str(file), "--most", "4"]) == 0
    assert capsys.readouterr().out.split() == ["lines", "4"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--file"),
        (["--file"], "--file"),
        (["--file", ""], "--file"),
        (["--file", "none"], "none: cannot be read: No such file or directory"),
        (["--file", "/dev/zero"], "is not a regular file but a device; expected a text"),
        (["--file", "x", "--most", "1e9"], "--most"),
        (["--file", "x", "--most", "٣"], "--most"),
        (["--file", "x", "--file", "y"], "--file"),
        (["--file", "x", "--fil", "y"], "did you mean --file?"),
        (["--file", "x", "more"], "more"),
    ],
)
def test_what_is_wrong_is_one_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main_crypto(["count", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "internal error" not in err


def test_an_option_that_names_a_file_is_asked_for():
    assert named_files._named()["count"] == ["--file"]
    with pytest.raises(AssertionError, match="count --file"):
        named_files.test_every_option_that_names_a_file_has_its_case()
