"""What commands print: tables for people, JSON for machines, progress for terminals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from quantlaxmi.progress import Progress

__all__ = ["Progress", "money_text", "print_facts", "print_json", "print_table", "shortened"]


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


def print_json(value: object) -> None:
    """Print one JSON document; money in it is decimal text, because JSON numbers are floats."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_facts(
    facts: Iterable[tuple[str, object]] | Mapping[str, object], title: str = ""
) -> None:
    """Print names and values in two columns."""
    pairs = facts.items() if isinstance(facts, Mapping) else facts
    print_table(("", ""), [(name, _shown(value)) for name, value in pairs], title=title)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """Print rows under headings (none where all are empty); numbers are aligned right."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    data = [[_shown(cell) for cell in row] for row in rows]
    heads = any(columns)
    table = Table(box=box.SIMPLE_HEAD if heads else None, show_header=heads, pad_edge=False)
    for k, column in enumerate(columns):
        numeric = heads and all(_numeric(row[k]) for row in data)
        table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
    for row in data:
        table.add_row(*(escape(cell) for cell in row))
    if title:
        print(title)
    # What is not read on a terminal is never folded: other programs read it.
    width = None if sys.stdout.isatty() else 10_000
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    print("\n".join(line for line in lines if line))


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
        return ", ".join(f"{k} {_shown(v)}" for k, v in value.items()) or "none"
    return "none" if value is None else str(value)
