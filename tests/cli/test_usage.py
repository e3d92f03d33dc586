"""The command line itself: help, one-line errors, exit codes; no segment is needed here."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import pytest

from quantlaxmi.cli import main_crypto, main_india
from quantlaxmi.cli.main import COMMANDS, INDIA_COMMANDS, commands_of
from quantlaxmi.cli.usage import parse
from quantlaxmi.importers import FORMATS

HEAVY = ("numba", "scipy", "rich", "matplotlib", "pyarrow", "numpy", "msgspec")


def run_python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["", *COMMANDS, *INDIA_COMMANDS])
def test_cli_help_loads_nothing_heavy(command: str) -> None:
    words = [*command.split(), "--help"]
    main = "main_india" if command in INDIA_COMMANDS else "main_crypto"
    done = run_python(
        f"import sys; from quantlaxmi.cli import {main}; "
        f"code = {main}({words!r}); "
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules]); sys.exit(code)"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert "Usage:" in done.stdout


def test_cli_import_of_the_package_loads_nothing_heavy() -> None:
    done = run_python(
        "import sys, quantlaxmi; dir(quantlaxmi); "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("program", "command"),
    [(p, c) for p in ("quantlaxmi-crypto", "quantlaxmi-india") for c in commands_of(p)],
)
def test_cli_usage_texts_name_their_options(
    program: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(f"quantlaxmi.cli.{commands_of(program)[command][0]}")
    assert parse(module.USAGE, program, command, ["--help"]) is None
    text = capsys.readouterr().out
    usage, _, details = text.partition("\nOptions:")
    assert f"{program} {command}" in usage
    assert "{" not in text
    assert max(map(len, text.splitlines())) <= 100
    other = "--segment-dir" if program == "quantlaxmi-india" else "--session-dir"
    assert other not in text
    for option in set(re.findall(r"--[a-z-]+", usage.partition("Usage:")[2])):
        assert f"\n  {option}" in details, option
    # All that stands beside an option begins in one column.
    beside = re.findall(r"^  --\S+(?: [A-Z:]+)?  +(?=\S)", details, re.MULTILINE)
    assert len({len(one) for one in beside}) <= 1, beside


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "a command is missing"),
        ("bogus", "unknown command 'bogus'"),
        ("backtset", "did you mean backtest?"),
        ("backtest", "--segment-dir DIR is missing"),
        ("backtest --segment-dir x", "--strategy NAME is missing"),
        ("backtest --segment-dir", "--segment-dir needs a value, DIR"),
        ("backtest --segment-dir --strategy x", "--segment-dir needs a value"),
        ("backtest --strateg x --segment-dir y", "did you mean --strategy?"),
        ("backtest --segment-dir a --segment-dir b", "--segment-dir was given twice"),
        ("backtest --segment-dir a --strategy b --json=1", "--json takes no value"),
        ("backtest --segment-dir a --strategy b extra", "cannot use"),
        ("replay --segment-dir a --strategy b --output-trace", "--output-trace needs a value"),
        ("segment", "expected one of info, verify, quality, split, export"),
        ("segment burn --segment-dir x", "was 'burn'"),
        ("segment info", "--segment-dir DIR is missing"),
        ("verify-parity --original a", "--replay FILE is missing"),
        ("import --format binance-stream", "--out DIR is missing"),
        ("strategies show", "cannot use"),
        ("run-gates --segment-dir a --strategy b", "--gates"),
        ("verify-report", "is missing"),
        ("demo --out", "--out needs a value"),
        *((name, "is a command of quantlaxmi-india") for name in INDIA_COMMANDS),
    ],
)
def test_cli_usage_errors_are_one_line_and_exit_2(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_crypto(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("quantlaxmi-crypto: ")
    assert said in err


def test_cli_set_is_repeated_quoted_or_glued() -> None:
    module = importlib.import_module("quantlaxmi.cli.backtest")
    base = ["--segment-dir", "s", "--strategy", "x"]
    for words in (
        ["--set", "a=1", "--set", "b=2"],
        ["--set", "a=1 b=2"],
        ["--set=a=1", "--set=b=2"],
        ["--set a=1 --set b=2"],
    ):
        args = parse(module.USAGE, "quantlaxmi-crypto", "backtest", [*base, *words])
        assert args is not None
        assert " ".join(args["--set"]) == "a=1 b=2"
    args = parse(module.USAGE, "quantlaxmi-crypto", "backtest", base)
    assert args is not None
    assert args["--set"] == []
    assert args["--latency-ns"] is None and args["--settle-at"] == "price"


def test_cli_values_may_look_like_anything_but_an_option() -> None:
    module = importlib.import_module("quantlaxmi.cli.backtest")
    words = ["--segment-dir", "-odd name", "--strategy", "a b", "--set", "x=-5"]
    args = parse(module.USAGE, "quantlaxmi-crypto", "backtest", words)
    assert args is not None
    assert (args["--segment-dir"], args["--strategy"]) == ("-odd name", "a b")


def test_cli_usage_of_import_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_crypto(["import", "--help"]) == 0
    text = capsys.readouterr().out
    described = re.findall(r"(?:--format NAME|;|\)) +([a-z-]+):", text.replace("\n", " "))
    assert sorted(described) == sorted(FORMATS)


def test_cli_india_says_session_dir(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_india(["backtest", "--segment-dir", "x"]) == 2
    assert "did you mean --session-dir?" in capsys.readouterr().err
    module = importlib.import_module("quantlaxmi.cli.backtest")
    words = ["--session-dir", "s", "--strategy", "x"]
    args = parse(module.USAGE, "quantlaxmi-india", "backtest", words)
    assert args is not None
    assert args["--segment-dir"] == "s"


def test_cli_version(capsys: pytest.CaptureFixture[str]) -> None:
    import quantlaxmi

    assert main_crypto(["--version"]) == 0
    assert capsys.readouterr().out == f"quantlaxmi-crypto {quantlaxmi.__version__}\n"


FAKE = """
import sys, types
import quantlaxmi.cli.strategies as command
def main(args):
    {body}
command.main = main
from quantlaxmi.cli import main_crypto
sys.exit(main_crypto(["strategies"]))
"""


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("raise KeyboardInterrupt", 130, "quantlaxmi-crypto: interrupted\n"),
        ("import os; os.kill(os.getpid(), 15)", 143, "quantlaxmi-crypto: terminated\n"),
        (
            "raise MemoryError",
            2,
            "quantlaxmi-crypto: strategies ran out of memory; free some, raise the process's limit",
        ),
        (
            'raise RuntimeError("can\'t start new thread")',
            2,
            "quantlaxmi-crypto: strategies ran out of memory (can't start new thread); free some",
        ),
        ("raise OSError(12, 'Cannot allocate memory')", 2, "strategies ran out of memory ([Errno"),
        (
            "bytearray(1 << 62)",
            2,
            "quantlaxmi-crypto: strategies ran out of memory; free some, raise the process's limit",
        ),
        (
            "import numpy; numpy.empty(1 << 58)",
            2,
            "quantlaxmi-crypto: strategies ran out of memory (Unable to allocate 2.00 EiB",
        ),
        (
            "raise ValueError('two\\nlines')",
            2,
            "internal error: ValueError: two lines (this is a bug",
        ),
        (
            "from quantlaxmi.errors import InputError; raise InputError('f', 'was bad', 'line 3')",
            2,
            "quantlaxmi-crypto: f (line 3): was bad\n",
        ),
    ],
)
def test_cli_every_ending_is_one_line(body: str, code: int, said: str) -> None:
    done = run_python(FAKE.format(body=body))
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_cli_traceback_on_request() -> None:
    done = run_python(FAKE.format(body="raise ValueError('x')"), QUANTLAXMI_TRACEBACK="1")
    assert "Traceback" in done.stderr


def test_cli_sigterm_clears_up_once_and_is_left_as_it_was() -> None:
    """timeout(1) sends it twice; after the command it is the system's again."""
    body = """
    import os, signal
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("cleared up", file=sys.stderr)
"""
    end = "\nassert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\nsys.exit(code)\n"
    text = FAKE.format(body=body).replace("sys.exit(main_crypto", "code = (main_crypto")
    done = run_python(text.replace("import sys", "import signal, sys", 1) + end)
    assert (done.returncode, done.stderr) == (143, "cleared up\nquantlaxmi-crypto: terminated\n")


def test_cli_sigterm_that_is_ignored_or_handled_stays_so() -> None:
    body = "import os; os.kill(os.getpid(), 15); return 0"
    text = "import signal\nsignal.signal(15, signal.SIG_IGN)" + FAKE.format(body=body)
    done = run_python(text)
    assert (done.returncode, done.stderr) == (0, "")


def test_cli_broken_pipe_is_quiet() -> None:
    body = "[print('x' * 1000) for _ in range(10_000)]"
    writer = subprocess.Popen(
        [sys.executable, "-c", FAKE.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.read(10)
    writer.stdout.close()
    said = writer.stderr.read()
    writer.stderr.close()
    assert writer.wait(timeout=60) == 141
    assert said == b""
