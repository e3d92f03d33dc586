"""The completion script of each shell, made of the list of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from quantlaxmi.cli.command_list import Command, Option

#: Values that are files; a strategy may be ``path.py:Class``.
_FILES: Final = ("FILE", "PATH", "TOML")
_BASH_HEAD = """\
# Completion of {program} for bash, made by `{program} completion bash`.
{function}() {{
    local command=${{COMP_WORDS[1]}} cur=${{COMP_WORDS[COMP_CWORD]}} words='' kind=''
    local prev=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{commands}' -- "$cur"))
        return
    fi
    case "$command $prev" in
"""
_BASH_MIDDLE = """\
    esac
    case $kind in
        other) return ;;
        folder | file)
            local IFS=$'\\n'
            compopt -o filenames 2>/dev/null
            if [ "$kind" = folder ]; then
                COMPREPLY=($(compgen -d -- "$cur"))
            else
                COMPREPLY=($(compgen -f -- "$cur"))
            fi
            return ;;
    esac
    case $command in
"""
_BASH_END = """\
    esac
    if [ "$COMP_CWORD" -gt 2 ] || [[ $cur == -* ]]; then
        words=${{words#* / }}
    fi
    COMPREPLY=($(compgen -W "${{words/ \\/ / }}" -- "$cur"))
}}
complete -o default -F {function} {program}
"""


def _kind(option: Option) -> str:
    """What follows an option: nothing, a folder, a file, or a text that nobody can complete."""
    if option.value is None:
        return "nothing"
    if option.value == "DIR":
        return "folder"
    return "file" if option.value in _FILES or option.name == "--strategy" else "other"


def _function(program: str) -> str:
    return "_" + program.replace("-", "_")


def bash(program: str, commands: Iterable[Command]) -> str:
    """Return the script for bash."""
    listed = list(commands)
    names = " ".join([*(one.name for one in listed), "--help", "--version"])
    text = _BASH_HEAD.format(program=program, function=_function(program), commands=names)
    for one in listed:
        for kind in ("folder", "file", "other"):
            if found := [o.name for o in one.options if _kind(o) == kind]:
                places = " | ".join(f"'{one.name} {name}'" for name in found)
                text += f"        {places}) kind={kind} ;;\n"
    text += _BASH_MIDDLE
    for one in listed:
        options = " ".join([*(o.name for o in one.options), "--help"])
        text += f"        {one.name}) words='{' '.join(one.actions)} / {options}' ;;\n"
    return text + _BASH_END.format(program=program, function=_function(program))


def _zsh_quoted(text: str) -> str:
    for sign in "\\[]:":
        text = text.replace(sign, "\\" + sign)
    return text.replace("'", "'\\''")


_ZSH_ACTIONS: Final = {"nothing": "", "folder": "_files -/", "file": "_files", "other": " "}


def _zsh_option(option: Option) -> str:
    star = "*" if option.repeatable else ""
    spec = f"{star}{option.name}[{_zsh_quoted(option.about)}]"
    if option.value is not None:
        spec += f":{option.value}:{_ZSH_ACTIONS[_kind(option)]}"
    return f"'{spec}'"


def zsh(program: str, commands: Iterable[Command]) -> str:
    """Return the script for zsh."""
    listed = list(commands)
    lines = [
        f"#compdef {program}",
        f"# Made by `{program} completion zsh`.",
        f"{_function(program)}() {{",
        "  local -a commands",
        "  commands=(",
        *(f"    '{one.name}:{_zsh_quoted(one.about)}'" for one in listed),
        "  )",
        "  if (( CURRENT == 2 )); then",
        "    _describe command commands",
        "    compadd -- --help --version",
        "    return",
        "  fi",
        "  local command=$words[2]",
        "  shift words",
        "  (( CURRENT-- ))",
        "  case $command in",
    ]
    for one in listed:
        actions = [f"'1:action:({' '.join(one.actions)})'"] if one.actions else []
        specs = [*actions, "'*:file:_files'", *map(_zsh_option, one.options), "'--help[more]'"]
        lines += [f"    {one.name})", "      _arguments \\"]
        lines += [f"        {spec} \\" for spec in specs[:-1]]
        lines += [f"        {specs[-1]}", "      ;;"]
    lines += ["  esac", "}", f'{_function(program)} "$@"']
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_FISH_VALUES: Final = {
    "nothing": "",
    "folder": " -x -a '(__fish_complete_directories)'",
    "file": " -r -F",
    "other": " -x",
}

#: True where the command itself is typed.
_FISH_FIRST: Final = "test (count (commandline -opc)) -eq 1"


def fish(program: str, commands: Iterable[Command]) -> str:
    """Return the script for fish."""
    place = f"_{_function(program)}_at"
    lines = [
        f"# Completion of {program} for fish, made by `{program} completion fish`.",
        f"function {place}",
        "    set -l words (commandline -opc)",
        '    test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"',
        "end",
        f"function {place}_action",
        f"    {place} $argv[1]; and test (count (commandline -opc)) -eq 2",
        "end",
        f"complete -c {program} -n '{_FISH_FIRST}' -f",
        f"complete -c {program} -l help -d 'Say more'",
        f"complete -c {program} -n '{_FISH_FIRST}' -l version",
    ]
    for one in commands:
        lines.append(
            f"complete -c {program} -n '{_FISH_FIRST}' -a {one.name} -d {_fish_quoted(one.about)}"
        )
        if one.actions:
            actions = " ".join(one.actions)
            lines.append(f"complete -c {program} -n '{place}_action {one.name}' -f -a '{actions}'")
        lines += [
            f"complete -c {program} -n '{place} {one.name}' -l {option.name[2:]}"
            f"{_FISH_VALUES[_kind(option)]} -d {_fish_quoted(option.about)}"
            for option in one.options
        ]
    return "\n".join(lines) + "\n"


#: Shell -> what writes its script.
SCRIPTS: Final[dict[str, Callable[[str, Iterable[Command]], str]]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
