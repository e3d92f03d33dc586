"""Usage texts: docopt parses them; what it would correct, guess or report at length is refused
here first, in one line."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from quantlaxmi.cli.help_text import fitted
from quantlaxmi.cli.output import room

_DECLARED = re.compile(r"^  +(--[a-z][a-z0-9-]*)(?:[ =]([A-Z][A-Z0-9=,]*))?", re.MULTILINE)
#: Values that name a file or a folder.
_NAMES = ("DIR", "FILE", "PATH", "TOML")


class UsageError(Exception):
    """The command line itself is wrong; printed as one line, exit 2."""

    def __init__(self, program: str, message: str) -> None:
        self.program = program
        super().__init__(message)


def suggestion(word: str, known: Iterable[str]) -> str:
    """``"did you mean x?"`` for a near miss, else an empty text."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def _split_glued(where: str, argv: Iterable[str]) -> list[str]:
    """Undo a quoted list of options: ``"--set a=1 --set b=2"`` given as one argument."""
    words: list[str] = []
    for word in argv:
        try:
            words.extend(shlex.split(word) if re.match(r"--[a-z-]+\s", word) else [word])
        except ValueError as error:
            problem = f"cannot use {word[:80]!r}: {str(error)[:1].lower()}{str(error)[1:]}"
            raise UsageError(where.partition(" ")[0], problem) from None
    return words


def _check(doc: str, where: str, argv: list[str]) -> None:
    usage, _, details = doc.partition("\nOptions:")
    usage = usage.partition("Usage:")[2]
    declared = {m[1]: m[2] for m in _DECLARED.finditer(details)}
    repeatable = set(re.findall(r"\[(--[a-z-]+)[^\]]*\]\.\.\.", usage))
    program, _, place = where.partition(" ")
    given: list[str] = []
    positional: list[str] = []
    k = 0
    while k < len(argv):
        word, k = argv[k], k + 1
        name, equals, text = word.partition("=")
        if not name.startswith("-") or name == "-":
            positional.append(word)
            continue
        if name not in declared:
            hint = suggestion(name, declared) or f"see {where} --help"
            raise UsageError(program, f"{place}: unknown option {name}; {hint}")
        if name in given and name not in repeatable:
            raise UsageError(program, f"{place}: {name} was given twice")
        given.append(name)
        value = declared[name]
        if value is None and equals:
            raise UsageError(program, f"{place}: {name} takes no value")
        if value is not None and not equals:
            if k >= len(argv) or argv[k].partition("=")[0] in declared:
                raise UsageError(program, f"{place}: {name} needs a value, {value}")
            text, k = argv[k], k + 1
        # An empty name would stand for the working folder; as a rule a shell's variable is not set.
        if value in _NAMES and not text:
            raise UsageError(program, f"{place}: {name} was empty, expected {value}")
    actions = re.search(r"\(([a-z|]+)\)", usage)
    if actions and (not positional or positional[0] not in actions[1].split("|")):
        was = repr(positional[0]) if positional else "missing"
        choices = actions[1].replace("|", ", ")
        raise UsageError(program, f"{place}: the action was {was}, expected one of {choices}")
    needed = re.sub(r"\[[^\[\]]*\]", " ", usage)
    for name in re.findall(r"--[a-z-]+", needed):
        if name not in given:
            raise UsageError(program, f"{place}: {name} {declared[name]} is missing")


def _segment_option(program: str) -> str:
    return "--session-dir" if program == "quantlaxmi-india" else "--segment-dir"


def written_for(program: str, template: str) -> str:
    """Return a usage text in the vocabulary of a program."""
    text = template.replace("{program}", program)
    return text.replace("{segment}", _segment_option(program)).strip("\n")


def parse(template: str, program: str, command: str, argv: list[str]) -> dict[str, Any] | None:
    """Parse the arguments of one command.

    Parameters
    ----------
    template : str
        Usage text with ``{program}`` and, for the folder of a segment, ``{segment}``.
    program, command : str
        As typed.
    argv : list of str
        Arguments after the command.

    Returns
    -------
    dict or None
        docopt's result, with the program's vocabulary mapped to ``--segment-dir``, and the
        program's name as ``program``; None after ``--help`` was printed.

    Raises
    ------
    UsageError
        One line saying what is wrong.
    """
    folder = _segment_option(program)
    doc = written_for(program, template)
    where = f"{program} {command}"
    words = _split_glued(where, argv)
    if "--help" in words or "-h" in words:
        print(fitted(doc, room()))
        return None
    _check(doc, where, words)

    from docopt import DocoptExit, docopt

    try:
        parsed: Mapping[str, Any] = docopt(doc, [command, *words], default_help=False)
    except DocoptExit:
        shown = " ".join(words) or "no argument"
        raise UsageError(program, f"{command}: cannot use {shown!r}; see {where} --help") from None
    named = {("--segment-dir" if k == folder else k): v for k, v in parsed.items()}
    return {**named, "program": program}
