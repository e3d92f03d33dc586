"""Usage texts on a narrow terminal: lines are broken between words, in their own columns."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["fitted"]

#: An option with its description on the same line.
_OPTION: Final = re.compile(r"( *-\S.*? {2,})(?=\S)")
#: What begins a line of its own: an option, an item of a list.
_ITEM: Final = re.compile(r" *(-|[a-z][a-z0-9-]*: )")
#: A text whose line has this many characters with the next word goes on in the next line.
_FULL: Final = 94


def fitted(text: str, columns: int) -> str:
    """Break the lines of a usage text that are wider than a terminal.

    Parameters
    ----------
    text : str
    columns : int

    Returns
    -------
    str
        The same words in the same order; the text as it is where it has room.
    """
    lines = text.split("\n")
    if max(map(len, lines)) <= columns:
        return text
    made: list[str] = []
    at = 0
    while at < len(lines):
        lead, hang = _columns(lines, at)
        words = lines[at][len(lead) :]
        while _goes_on(lines, at, hang):
            at += 1
            words += " " + lines[at].strip()
        made += _broken(words, columns, lead, hang)
        at += 1
    return "\n".join(made)


def _columns(lines: list[str], at: int) -> tuple[str, int]:
    """What stands before the words of a line, and the column of those that follow it."""
    line = lines[at]
    found = _OPTION.match(line)
    lead = found[1] if found else " " * _indent(line)
    after = _indent(lines[at + 1]) if at + 1 < len(lines) and lines[at + 1].strip() else 0
    # Of usage and of lists within a description the following lines are further in.
    deeper = after > len(lead) and (line.startswith("  quantlaxmi-") or after == len(lead) + 2)
    return lead, after if deeper and not line.endswith(":") else len(lead)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _goes_on(lines: list[str], at: int, hang: int) -> bool:
    """Whether a line ends where the next word had no room, and not where a sentence does."""
    if at + 1 >= len(lines) or not lines[at].strip() or not lines[at + 1].strip():
        return False
    following = lines[at + 1]
    if _indent(following) != hang or _ITEM.match(following):
        return False
    return len(lines[at]) + 1 + len(_parts(following)[0]) > _FULL


def _parts(words: str) -> list[str]:
    """Words; what stands in brackets is one, where it is short."""
    return re.findall(r"\[[^\]]{,40}\]\S*|\([^)]{,30}\)\S*|\S+", words)


def _broken(words: str, columns: int, lead: str, hang: int) -> list[str]:
    lines, line = [], lead
    begun = True
    for part in _parts(words):
        if not begun and len(line) + 1 + len(part) > columns:
            lines.append(line)
            line, begun = " " * hang, True
        line += part if begun else f" {part}"
        begun = False
    return [*lines, line.rstrip()]
