"""Shell completion: the scripts know every command and option, and shells can read them."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto, main_india
from quantlaxmi.cli.main import COMMANDS

SHELLS = ("bash", "zsh", "fish")


def script(shell: str, capsys: pytest.CaptureFixture[str], main=main_crypto) -> str:
    assert main(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main_crypto([command, "--help"]) == 0
    return capsys.readouterr().out


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def section(shell: str, text: str, command: str) -> str:
    """What a script says of one command."""
    if shell == "fish":
        return "\n".join(line for line in text.splitlines() if f"_at {command}'" in line)
    end = r"\n      ;;" if shell == "zsh" else r" ;;"
    found = re.search(rf"^ +{command}\)(.*?){end}$", text, re.MULTILINE | re.DOTALL)
    assert found, command
    return found[1]


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_command_and_option(shell, capsys):
    text = script(shell, capsys)
    for command in COMMANDS:
        usage = help_of(command, capsys).partition("Usage:")[2].partition("\n\n")[0]
        options = set(re.findall(r"--[a-z-]+", usage))
        assert options or command == "completion"
        said = section(shell, text, command)
        # -l name in fish; a dash or a letter behind it would be another option.
        mark = r"-l {}(?![a-z-])" if shell == "fish" else r"--{}(?![a-z-])"
        for option in options:
            assert re.search(mark.format(option[2:]), said), (command, option)
        named = set(re.findall(r"-l ([a-z-]+)" if shell == "fish" else r"--([a-z-]+)", said))
        known = {option[2:] for option in options} | {"help"}
        if shell != "zsh":  # whose descriptions name options too
            assert named <= known, command
    for action in ("verify", "quality", "recover", "seal", "check", "html", "fish"):
        assert re.search(rf"\b{action}\b", text), action


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("main", [main_crypto, main_india])
def test_completion_is_read_by_its_shell(shell, main, tmp_path, capsys):
    program = needs(shell)
    (tmp_path / "script").write_text(script(shell, capsys, main), encoding="utf-8")
    done = subprocess.run(
        [program, "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_of_india_has_its_vocabulary(capsys):
    for shell in SHELLS:
        text = script(shell, capsys, main_india)
        assert "session-dir" in text
        assert "segment-dir" not in text
        assert "quantlaxmi-crypto" not in text


def in_bash(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    code = (
        f"source ./script; COMP_WORDS=(quantlaxmi-crypto {line}); COMP_CWORD={len(words)}; "
        "_quantlaxmi_crypto; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    bash = needs("bash")
    done = subprocess.run(
        [bash, "--norc", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\n")[:-1]


def test_completion_in_bash(tmp_path, capsys):
    (tmp_path / "script").write_text(script("bash", capsys), encoding="utf-8")
    (tmp_path / "a folder").mkdir()
    (tmp_path / "costs.toml").touch()
    assert in_bash(tmp_path, "") == [*COMMANDS, "--help", "--version"]
    assert in_bash(tmp_path, "verify-") == ["verify-parity", "verify-report"]
    assert in_bash(tmp_path, "segment", "r") == ["recover"]
    assert in_bash(tmp_path, "segment", "info", "--s") == ["--segment-dir", "--stale-ms"]
    assert "info" not in in_bash(tmp_path, "segment", "info", "")
    assert in_bash(tmp_path, "backtest", "--segment-dir", "a") == ["a folder"]
    assert in_bash(tmp_path, "backtest", "--segment-dir", "c") == [""]
    assert in_bash(tmp_path, "backtest", "--costs", "c") == ["costs.toml"]
    assert in_bash(tmp_path, "backtest", "--seed", "") == [""]
    assert in_bash(tmp_path, "report", "") == [
        *("html", "--report", "--segment-dir", "--out", "--strategy", "--convert", "--help")
    ]
    assert in_bash(tmp_path, "nothing", "") == [""]


def test_completion_in_fish(tmp_path, capsys):
    program = needs("fish")
    (tmp_path / "script").write_text(script("fish", capsys), encoding="utf-8")

    def offered(line: str) -> list[str]:
        code = f"source ./script; complete -C 'quantlaxmi-crypto {line}'"
        done = subprocess.run(
            [program, "--no-config", "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return [text.partition("\t")[0] for text in done.stdout.splitlines()]

    assert set(offered("")) == set(COMMANDS)
    assert offered("segment r") == ["recover"]
    assert {"--segment-dir", "--stale-ms"} <= set(offered("segment info --s"))
    assert "--original" not in offered("backtest --segment-dir x --")


def test_completion_reads_descriptions_of_several_lines():
    from quantlaxmi.cli.command_list import commands

    by_name = {one.name: one for one in commands("quantlaxmi-crypto")}
    options = {one.name: one for one in by_name["backtest"].options}
    assert options["--set"].repeatable
    assert not options["--seed"].repeatable
    assert options["--latency-ns"].about == (
        "Nanoseconds from a decision to its orders' arrival, with the transit of market data"
    )
    assert options["--json"].value is None
    assert by_name["strategies"].actions == ("show", "check")
    for command, (module, _) in COMMANDS.items():
        usage = importlib.import_module(f"quantlaxmi.cli.{module}").USAGE
        for option in by_name[command].options:
            assert option.about, (command, option.name)
            assert (
                option.name.replace("--segment-dir", "{segment}") in usage or option.name in usage
            )


def test_completion_needs_a_shell(capsys):
    assert main_crypto(["completion"]) == 2
    assert "expected one of bash, zsh, fish" in capsys.readouterr().err
