"""The meaning of the columns of a CSV file, and the kind of each file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quantlaxmi._ext.csv_fields import ROLES
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind

#: Most between the receive time and the exchange's time of one line.
APART_NS: Final = 600 * 10**9
DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True)
class Column:
    """One column a layout knows.

    Attributes
    ----------
    name : str
        As the vendor writes it; letters' case and underscores do not tell names apart.
    role : str
        A key of ``csv_fields.ROLES``.
    slot : int
        Which value of the message it is.
    optional : bool
        The file may lack it.
    aliases : tuple of str
    """

    name: str
    role: str
    slot: int = 0
    optional: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One kind of file.

    Attributes
    ----------
    name : str
        What the format calls it, such as ``"aggTrades"``.
    kind : EventKind
        Of every message.
    columns : tuple of Column
    grouping : str
        Which lines make up a message: ``"line"``, ``"ids"`` or ``"stamps"``.
    snapshots : bool
        Every depth message is a snapshot.
    numbered : bool
        Depth messages carry no ids; they are numbered on import.
    stamp_is_exchange : bool
        There is no receive time; the exchange's stands in for it.
    units : str
        Units its stamps may have.
    ids, count_trades : bool
        Ids must ascend; a hole in the trade ids is a gap.
    content : str
        What its rows say, where two layouts of one instrument must not say the same.
    """

    name: str
    kind: EventKind
    columns: tuple[Column, ...]
    grouping: str = "line"
    snapshots: bool = False
    numbered: bool = False
    stamp_is_exchange: bool = False
    units: str = "ms us"
    ids: bool = True
    count_trades: bool = False
    content: str = ""


@dataclass(frozen=True)
class FileHead:
    """The start of a file.

    Attributes
    ----------
    path : Path
    comments : tuple of str
        Lines that begin with ``#``.
    header : tuple of str or None
        Names of the columns, None where the first line is data.
    rows : tuple of tuple of str
        The first rows, as many as the start has.
    n_header : int
        Lines before the first row.
    size : int
        Length of the file on disk.
    """

    path: Path
    comments: tuple[str, ...]
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    n_header: int
    size: int = 0

    def most_common(self, name: str) -> str:
        """The most frequent value of a column's first rows; empty without rows or column."""
        column = column_of(self.header or (), name)
        values = [row[column] for row in self.rows if len(row) > column] if column >= 0 else []
        return max(values, key=values.count) if values else ""


@dataclass(frozen=True)
class CsvFile:
    """One file, understood.

    Attributes
    ----------
    head : FileHead
    layout : Layout
    columns : tuple of (str, int, int)
        Name, role and slot of each column of the file, in its order.
    instrument : Instrument
    follow : int
        How depth differences join: 1 by their first id, 2 by the id before.
    check_text : callable
        ``(column, text) -> reason``; empty where the text is right.
    day_from, day_to : int
        Receive times that the file's name promises; 0, 0 for any.
    fine_ends : bool
        Digits below the exponent end the import instead of setting the line aside; sizes of trades
        are rounded.
    promised_rows : int
        Rows the file says it has; -1 where it does not say.
    """

    head: FileHead
    layout: Layout
    columns: tuple[tuple[str, int, int], ...]
    instrument: Instrument
    follow: int = 0
    check_text: Callable[[str, str], str] = field(default=lambda name, text: "")
    day_from: int = 0
    day_to: int = 0
    fine_ends: bool = False
    promised_rows: int = -1

    @property
    def path(self) -> Path:
        return self.head.path


def plain_name(name: str) -> str:
    """A column's name without what vendors write differently."""
    return name.strip().strip('"').replace("_", "").lower()


def column_of(header: Sequence[str], name: str) -> int:
    """Place of a column by name; -1 where the header lacks it."""
    names = [plain_name(column) for column in header]
    return names.index(plain_name(name)) if plain_name(name) in names else -1


def lacking(header: Sequence[str], layout: Layout) -> list[str]:
    """Columns of a layout that a header lacks."""
    names = {plain_name(column) for column in header}
    return [
        c.name
        for c in layout.columns
        if not c.optional and not names & {plain_name(n) for n in (c.name, *c.aliases)}
    ]


def nearest(header: Sequence[str], layouts: Iterable[Layout]) -> Layout:
    """The first layout of which a header lacks the fewest columns."""
    return min(layouts, key=lambda layout: len(lacking(header, layout)))


def foreign_header(head: FileHead, expected: str) -> InputError:
    """That a file's header is of no layout, in words."""
    shown = ",".join(head.header or ())[:80]
    return InputError(head.path, f"has columns {shown!r}; expected {expected}",
                      f"line {head.n_header}")  # fmt: skip


def resolve(head: FileHead, layout: Layout) -> tuple[tuple[str, int, int], ...]:
    """Role of every column of a file, by its header, or by place where it has none.

    Raises
    ------
    InputError
        A column is missing or named twice, or the number of columns is another.
    """
    if head.header is None:
        count = len(max(head.rows, key=lambda row: sum(len(r) == len(row) for r in head.rows)))
        if count != len(layout.columns):
            wanted = ",".join(c.name for c in layout.columns)
            problem = f"has {counted(count, 'column[s]')}; expected {len(layout.columns)}: {wanted}"
            raise InputError(head.path, problem, "line 1")
        return tuple((c.name, ROLES[c.role], c.slot) for c in layout.columns)
    place = f"line {head.n_header}"
    names = [plain_name(name) for name in head.header]
    known = {plain_name(n): c for c in layout.columns for n in (c.name, *c.aliases)}
    if missing := lacking(head.header, layout):
        unknown = [name[:40] for name, plain in zip(head.header, names, strict=True)
                 if plain not in known]  # fmt: skip
        problem = f"lacks column {missing[0]!r} of {layout.name}"
        if unknown:
            problem += f", has unknown column {unknown[0]!r}"
        raise InputError(head.path, problem, place)
    for plain in names:
        if plain in known and names.count(plain) > 1:
            raise InputError(head.path, f"has column {plain[:40]!r} twice", place)
    columns = []
    for name, plain in zip(head.header, names, strict=True):
        column = known.get(plain)
        role, slot = (ROLES[column.role], column.slot) if column else (ROLES["skip"], 0)
        columns.append((name[:60], role, slot))
    return tuple(columns)
