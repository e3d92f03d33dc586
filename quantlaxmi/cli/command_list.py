"""Every command with its actions and options, read from the usage texts."""

from __future__ import annotations

import importlib
import re
from typing import NamedTuple

from quantlaxmi.cli.main import commands_of
from quantlaxmi.cli.usage import written_for

_OPTION = re.compile(r"^  (--[a-z][a-z0-9-]*)(?: ([A-Z][A-Z0-9=,]*))?(?:  +(.*))?$")
_MORE = re.compile(r"^ {8,}(.*)$")


class Option(NamedTuple):
    """An option: its name, its value's name or None, what it is for, whether it may be repeated."""

    name: str
    value: str | None
    about: str
    repeatable: bool


class Command(NamedTuple):
    """A command: its name, what it is for, the actions it takes, its options."""

    name: str
    about: str
    actions: tuple[str, ...]
    options: tuple[Option, ...]


def commands(program: str) -> list[Command]:
    """Return the commands of ``"quantlaxmi-crypto"`` or ``"quantlaxmi-india"``."""
    return [
        _command(name, about, written_for(program, _usage_of(module)))
        for name, (module, about) in commands_of(program).items()
    ]


def _usage_of(module: str) -> str:
    return str(importlib.import_module(f"quantlaxmi.cli.{module}").USAGE)


def _command(name: str, about: str, text: str) -> Command:
    usage, _, details = text.partition("Usage:")[2].partition("\nOptions:")
    usage = usage.partition("\n\n")[0]
    words = re.findall(rf" {name} (?:\(([a-z|]+)\)|([a-z]+)\b)", usage)
    actions = tuple(action for group in words for part in group for action in part.split("|"))
    repeatable = set(re.findall(r"\[(--[a-z-]+)[^\]]*\]\.\.\.", usage))
    return Command(name, about, tuple(filter(None, actions)), _options(details, repeatable))


def _options(details: str, repeatable: set[str]) -> tuple[Option, ...]:
    found: list[Option] = []
    for line in details.partition("\n\n")[0].split("\n"):
        if begins := _OPTION.match(line):
            name, value, about = begins.groups()
            found.append(Option(name, value, about or "", name in repeatable))
        elif (more := _MORE.match(line)) and found:
            found[-1] = found[-1]._replace(about=f"{found[-1].about} {more[1]}".strip())
    return tuple(one._replace(about=_first_clause(one.about)) for one in found)


def _first_clause(about: str) -> str:
    """What a menu has room for: ``"TOML file: ..., ..."`` to its first end, without the default."""
    text = re.sub(r" *\[default: [^\]]*\]", "", about)
    return re.split(r"[.;](?: |$)", text)[0]
