"""What commands print: tables for people, JSON for machines, progress for terminals."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from quantlaxmi.progress import Progress

__all__ = [
    "WIDTH",
    "Progress",
    "money_text",
    "print_facts",
    "print_json",
    "print_line",
    "print_note",
    "print_table",
    "printable",
    "room",
    "shortened",
]

#: Columns of what is printed for people where there is no terminal.
WIDTH: Final = 120
_WHOLE: Final[dict[str, Any]] = {"break_on_hyphens": False, "break_long_words": False}


def money_text(mantissa: int, exponent: int) -> str:
    """Exact decimal text of ``mantissa * 10**exponent``, without trailing zeros."""
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    sign = "-" if mantissa < 0 else ""
    whole, part = divmod(abs(mantissa), 10**-exponent)
    digits = f"{part:0{-exponent}d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def shortened(text: str, most: int) -> str:
    """The text, with an ellipsis in its middle where it has more than so many characters."""
    if len(text) <= most:
        return text
    return f"{text[: (most - 1) // 2]}…{text[len(text) - most // 2 :]}"


def room() -> int:
    """Columns of the terminal, at most `WIDTH`; `WIDTH` where there is none."""
    return min(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH


def print_json(value: object) -> None:
    """Print one JSON document; money in it is decimal text, because JSON numbers are floats."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def printable(text: str) -> str:
    """The text, with what a terminal would obey escaped; line ends stay.

    What files say of themselves is printed: names of segments, reasons, labels.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def print_note(text: str) -> None:
    """Print a sentence as an item of a list, in lines that have `room`."""
    print(textwrap.fill(f"- {printable(text)}", room(), subsequent_indent="  ", **_WHOLE))


def print_line(text: str) -> None:
    """Print what other programs read as one line; a terminal breaks it between words."""
    wide, text = sys.stdout.isatty(), printable(text)
    print(textwrap.fill(text, room(), subsequent_indent="  ", **_WHOLE) if wide else text)


def print_facts(
    facts: Iterable[tuple[str, object]] | Mapping[str, object], title: str = ""
) -> None:
    """Print names and values in two columns."""
    pairs = facts.items() if isinstance(facts, Mapping) else facts
    shown = [(printable(name), _shown(value)) for name, value in pairs]
    if not sys.stdout.isatty():
        room = max(40, WIDTH - 2 - max((len(name) for name, _ in shown), default=0))
        shown = [
            (name if k == 0 else "", line)
            for name, value in shown
            for k, line in enumerate(textwrap.wrap(value, room, **_WHOLE) or [""])
        ]
    print_table(("", ""), shown, title=title)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", keys: int = 1
) -> None:
    """Print rows under headings (none where all are empty); numbers are aligned right.

    A table wider than the terminal, or than `WIDTH` elsewhere, is printed as several: each begins
    with the first ``keys`` columns, which name a row.
    """
    data = [[_shown(cell) for cell in row] for row in rows]
    if title:
        print(title)
    for n, some in enumerate(_blocks(columns, data, keys) if any(columns) else [range(2)]):
        if n:
            print()
        _print_block([columns[k] for k in some], [[row[k] for k in some] for row in data])


def _blocks(columns: Sequence[str], data: list[list[str]], keys: int) -> list[Sequence[int]]:
    """Columns of each of the tables that a table is printed as."""
    widths = [max(map(len, (name, *(row[k] for row in data)))) for k, name in enumerate(columns)]
    most = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    first = list(range(keys))
    blocks, begun = [], first.copy()
    for k in range(keys, len(columns)):
        if len(begun) > keys and sum(widths[c] + 3 for c in (*begun, k)) - 1 > most:
            blocks.append(begun)
            begun = first.copy()
        begun.append(k)
    return [*blocks, begun]


def _print_block(columns: Sequence[str], data: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    heads = any(columns)
    # A hash behind the longest name has room in 80 columns where one blank parts the two.
    close = not heads and _longest(data, 0) + 2 + _longest(data, 1) > room()
    table = Table(
        box=box.SIMPLE_HEAD if heads else None,
        show_header=heads,
        pad_edge=False,
        padding=(0, 1, 0, 0) if close else (0, 1),
    )
    for k, column in enumerate(columns):
        numeric = heads and all(_numeric(row[k]) for row in data)
        table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
    for row in data:
        table.add_row(*(escape(cell) for cell in row))
    # What is not read on a terminal is never broken inside a word: other programs read it.
    width = None if sys.stdout.isatty() else 10_000
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    print("\n".join(line for line in lines if line))


def _longest(data: list[list[str]], k: int) -> int:
    """Characters of the longest word of a column."""
    return max((len(word) for row in data for word in row[k].split()), default=0)


def _numeric(text: str) -> bool:
    return text.replace(",", "").replace(".", "").lstrip("-").isdigit()


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(v) for v in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(k))} {_shown(v)}" for k, v in value.items()) or "none"
    return "none" if value is None else printable(str(value))
