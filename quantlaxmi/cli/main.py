"""Finds the command, runs it, and turns every ending into an exit code and at most one line."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from quantlaxmi.cli.ending import (
    OutputLost,
    Terminated,
    check_standard_streams,
    drop_output,
    flush_output,
    terminable,
)
from quantlaxmi.cli.usage import UsageError, parse, suggestion
from quantlaxmi.errors import LeftoverRemoved, QuantlaxmiError
from quantlaxmi.system.signals import PIPE_CLOSED
from quantlaxmi.version import __version__

#: Exit codes of every command.
DONE, FAILED, BAD_INPUT, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
TERMINATED = 128 + signal.SIGTERM

#: Command -> (its module, what the overview says of it).
COMMANDS: dict[str, tuple[str, str]] = {
    "import": ("import_", "turn recorded market data into a segment"),
    "segment": ("segment", "show, verify, measure, split, export or recover a segment"),
    "backtest": ("backtest", "run a strategy over a segment's sealed columns"),
    "replay": ("replay", "run a strategy over a segment's append-only log"),
    "verify-parity": ("verify_parity", "compare two decision traces"),
    "run-gates": ("run_gates", "try to break a result; write a gate report"),
    "verify-report": ("verify_report", "recompute a gate report from its segment"),
    "report": ("report", "write a gate report as a page"),
    "compare": ("compare", "show where two gate reports differ"),
    "bindings": ("bindings", "list or verify the chain that binds reports to segments"),
    "trials": ("trials", "list, count, merge or verify what was tried; seal a holdout"),
    "sweep-gates": ("sweep_gates", "run gates over many segments and strategies"),
    "sweep-report": ("sweep_report", "say which items of a sweep are discoveries"),
    "catalog": ("catalog", "show, verify, compact or export the catalog of sweeps"),
    "calibrate": ("calibrate", "measure how often the gates pass what has no edge"),
    "selfcheck": ("selfcheck", "run strategies whose answer is known, and compare"),
    "strategies": ("strategies", "list the strategies, or show one's settings"),
    "completion": ("completion", "print a script that completes commands in a shell"),
    "demo": ("demo", "the whole road on two generated segments"),
}
#: Those of ``quantlaxmi-india`` alone.
INDIA_COMMANDS: dict[str, tuple[str, str]] = {
    "chain": ("chain", "show an option chain at one time, with volatilities and greeks"),
    "explain": ("explain", "say how often each rule of a strategy blocked an entry"),
}
#: Commands of both names that do another thing in ``quantlaxmi-india``.
INDIA_OWN: dict[str, tuple[str, str]] = {
    "demo": ("demo_india", "the whole road on two generated option sessions"),
}
INDIA = "quantlaxmi-india"
#: What a full or broken standard output answers.
_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
TRACEBACK = "QUANTLAXMI_TRACEBACK"
#: Objects that are made before cycles among them are looked for; Python's own number is 700.
_OBJECTS = 50_000
#: What the system says, by other errors than MemoryError, where it has no memory to give.
_NO_MEMORY = (os.strerror(errno.ENOMEM), "can't start new thread", "failed to map segment")


def commands_of(program: str) -> dict[str, tuple[str, str]]:
    """Commands of ``"quantlaxmi-crypto"`` or ``"quantlaxmi-india"``, as `COMMANDS`."""
    return {**COMMANDS, **INDIA_OWN, **INDIA_COMMANDS} if program == INDIA else COMMANDS


def overview(program: str) -> str:
    """The text of ``--help``."""
    known = commands_of(program)
    width = max(map(len, known))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in known.items()]
    return "\n".join(
        [
            f"{program} tells whether a trading edge is real.",
            "",
            f"Usage: {program} COMMAND [options]",
            "",
            *lines,
            "",
            f"{program} COMMAND --help says more.",
            "Exit codes: 0 passed or done, 1 failed or parity broken, 2 bad input or usage,",
            "3 inconclusive, 130 interrupted, 143 terminated.",
        ]
    )


def _command(program: str, argv: list[str]) -> int:
    known = commands_of(program)
    if not argv:
        raise UsageError(program, f"a command is missing: one of {', '.join(known)}")
    name, rest = argv[0], argv[1:]
    if name in {"-h", "--help", "help"}:
        print(overview(program))
        return DONE
    if name == "--version":
        print(f"{program} {__version__}")
        return DONE
    if name not in known:
        if name in INDIA_COMMANDS:
            raise UsageError(program, f"{name} is a command of {INDIA}")
        hint = suggestion(name, known) or f"expected one of {', '.join(known)}"
        raise UsageError(program, f"unknown command {name!r}; {hint}")
    module = importlib.import_module(f"quantlaxmi.cli.{known[name][0]}")
    args = parse(module.USAGE, program, name, rest)
    if args is None:  # help was asked for and printed
        return DONE
    return int(module.main(args))


def _say(program: str, text: object) -> None:
    line = " ".join(str(text).split())
    print(f"{program}: {line}", file=sys.stderr)


@contextmanager
def _leftovers_said(program: str) -> Iterator[None]:
    """Say in a line what killed runs left; other warnings go their way."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, LeftoverRemoved):
                _say(program, message)
            else:
                usual(message, category, *place, **more)

        warnings.simplefilter("always", LeftoverRemoved)
        warnings.showwarning = show
        yield


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Look for unreachable cycles less often: hardly any are made, and every import is searched."""
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _unforeseen(program: str, arguments: Sequence[str], error: Exception) -> int:
    """Say what no module foresaw: no memory, or a bug."""
    if os.environ.get(TRACEBACK) == "1":
        raise error
    if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY):
        what = f" ({error})" if str(error) else ""
        _say(
            program,
            f"{arguments[0]} ran out of memory{what}; free some, raise the process's limit "
            "(ulimit -v), or give it less data at once",
        )
        return BAD_INPUT
    _say(
        program,
        f"internal error: {type(error).__name__}: {error} "
        f"(this is a bug; {TRACEBACK}=1 shows where)",
    )
    return BAD_INPUT


def run(program: str, argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    program : str
        ``"quantlaxmi-crypto"`` or ``"quantlaxmi-india"``.
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0 passed or done, 1 failed or parity broken, 2 bad input or usage, 3 inconclusive,
        130 interrupted, 143 terminated.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        check_standard_streams()
        with terminable(), _leftovers_said(program), _fewer_collections():
            code = _command(program, arguments)
            flush_output()
        return code
    except UsageError as error:
        _say(error.program, error)
        return BAD_INPUT
    except QuantlaxmiError as error:
        if os.environ.get(TRACEBACK) == "1":
            raise
        _say(program, error)
        return BAD_INPUT
    except Terminated:
        _say(program, "terminated")
        return TERMINATED
    except KeyboardInterrupt:
        _say(program, "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        drop_output()  # the reader left
        return 128 + PIPE_CLOSED
    except OutputLost as error:
        drop_output()
        _say(program, error)
        return BAD_INPUT
    except OSError as error:
        # Files are written and read under errors that name them; what is left is a print.
        if error.filename is not None or error.errno not in _LOST:
            return _unforeseen(program, arguments, error)
        drop_output()
        _say(program, f"standard output cannot be written: {error.strerror}")
        return BAD_INPUT
    except Exception as error:
        return _unforeseen(program, arguments, error)
