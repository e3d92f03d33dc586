"""The mapping of tables whose columns have the usual names: open, high, low, close, volume, a time.

Only names and the first rows are looked at. What is recognised is written down as a mapping, so
that a user can read it, change it and give it back.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.columns import read_stamps
from quantlaxmi.importers.bars.frame_table import FIRST_LINE, FrameTable
from quantlaxmi.importers.bars.mapping_file import MAX_SPAN_S, span_ns
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Row, Table
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.bars.timestamps import stamp_reader, stamp_unit

#: Half spread in basis points that is assumed where none is told.
HALF_SPREAD_BPS: Final = "1"
#: Rows that are looked at.
SAMPLE_ROWS: Final = BATCH_LINES
_PRICES: Final = {
    name: (name, name[0], f"{name}price") for name in ("open", "high", "low", "close")
}
_VOLUME: Final = ("volume", "vol", "v", "basevolume", "volumebase")
#: Names of a time in the order in which they are taken; the last is a bar's end.
_TIMES: Final = (
    "opentime", "timestamp", "datetime", "date", "time", "ts", "t", "unix", "index", "",
    "unnamed0", "level0", "indexlevel0", "none", "closetime",
)  # fmt: skip
_KINDS: Final = ("spot", "perp")
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_PATTERNS: Final = tuple(
    (day + clock)
    for day in ("%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%Y.%m.%d")
    for clock in ("", " %H:%M", " %H:%M:%S", " %H%M%S")
)


@dataclass(frozen=True)
class _Columns:
    """Columns of one table: its leg's keys, its time's, and steps of the first stamps."""

    leg: dict[str, str]
    time: dict[str, str]
    steps: Int64Array


def recognised_mapping(tables: Sequence[Table], terms: BarsTerms) -> dict[str, Any]:
    """The mapping of tables, as TOML holds it.

    Parameters
    ----------
    tables : sequence of Table
        Read to `SAMPLE_ROWS`.
    terms : BarsTerms

    Raises
    ------
    InputError
        A column is missing, its times cannot be told, or the terms are not of these tables.
    """
    terms = terms.for_tables(len(tables))
    _check_terms(tables, terms)
    found = [_columns(table) for table in tables]
    values: dict[str, Any] = {"interval": terms.interval or _interval(tables, found)}
    for name in ("venue", "currency", "base", "calendar"):
        if (told := getattr(terms, name)) is not None:
            values[name] = told
    values |= {"half_spread_bps": HALF_SPREAD_BPS} | terms.costs
    if terms.round:
        values["round"] = True
    if all(len(one.steps) and _descends(one.steps) for one in found):
        values["order"] = "descending"
    if len(found) == 1:
        values["time"] = found[0].time
    for number, (table, kind, one) in enumerate(zip(tables, terms.kinds, found, strict=True)):
        if "volume" not in one.leg and "size" not in terms.costs:
            problem = f"lacks a column of volume, or the size that its quotes display ({_SIZE})"
            raise InputError(table.path, f"{problem}; {_hint(table, 'volume')}")
        leg: dict[str, Any] = {"symbol": _symbol(table, terms, number), **one.leg}
        leg |= terms.own[number] if terms.own else {}
        if number:
            leg["input"] = number + 1
        leg |= {"time": one.time} if len(found) > 1 else {}
        if kind in values:
            values.setdefault("more", []).append({"kind": kind} | leg)
        else:
            values[kind] = leg
    return values


_SIZE: Final = "size among the costs, --size"


def mapping_text(values: Mapping[str, Any]) -> str:
    """A mapping as TOML."""
    lines: list[str] = []
    _write_table(values, "", lines)
    return "\n".join(lines) + "\n"


def _write_table(
    values: Mapping[str, Any], name: str, lines: list[str], *, item: bool = False
) -> None:
    if name:
        lines += ["", f"[[{name}]]" if item else f"[{name}]"]
    for key, value in values.items():
        if not isinstance(value, Mapping | list):
            lines.append(f"{key} = {_toml(value)}")
    for key, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                place = f"{name}.{key}" if name else key
                _write_table(one, place, lines, item=isinstance(value, list))


def _toml(value: str | int | bool) -> str:
    if not isinstance(value, str):
        return str(value).lower()
    plain = "".join(
        f"\\u{ord(c):04x}" if c < " " or c in '"\\' or "\x7f" <= c <= "\x9f" else c for c in value
    )
    return f'"{plain}"'


def _check_terms(tables: Sequence[Table], terms: BarsTerms) -> None:
    for kind in terms.kinds:
        if kind not in _KINDS:
            raise InputError("kind", f"was {str(kind)[:40]!r}; expected spot or perp")
    if len(set(terms.kinds)) != len(terms.kinds) and len(terms.symbols) != len(tables):
        raise InputError("kind", f"was {terms.kinds[0]} twice; expected a symbol for each table")
    if len(tables) != len(terms.kinds):
        problem = (
            f"{counted(len(tables), 'table[s] of bars [was|were]')} given for "
            f"{counted(len(terms.kinds), 'kind[s]')}"
        )
        raise InputError("kind", f"was {','.join(terms.kinds)}; {problem}")
    if len(terms.symbols) not in (0, 1, len(tables)):
        raise InputError(
            "symbol", f"was told {len(terms.symbols)} times for {counted(len(tables), 'table[s]')}"
        )
    told = terms.interval
    if told is not None and not (type(told) is str and span_ns(told)):
        raise InputError(
            "interval", f"was {str(terms.interval)[:40]!r}; expected a length such as 1m, 4h, 1d"
        )
    known = ("half_spread_bps", "share", "size")
    for name in terms.costs:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(known)}"
            raise InputError("costs", f"has {name[:40]!r}; {hint}")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _find(table: Table, names: Sequence[str]) -> str | None:
    """The first column of some names that a table has."""
    plain = [_plain(name) for name in table.header]
    return next((table.header[plain.index(name)] for name in names if name in plain), None)


def _hint(table: Table, role: str) -> str:
    near = difflib.get_close_matches(role, [_plain(name) for name in table.header], n=1, cutoff=0.6)
    if near:
        plain = [_plain(name) for name in table.header]
        return f"did you mean {table.header[plain.index(near[0])]!r}?"
    shown = ", ".join(repr(name) for name in table.header[:8])
    return f"it has {shown}" + (", ..." if len(table.header) > 8 else "")


def _columns(table: Table) -> _Columns:
    leg = {}
    for role, names in _PRICES.items():
        column = _find(table, names)
        if column is None:
            raise InputError(table.path, f"lacks a column of {role}; {_hint(table, role)}")
        leg[role] = column
    if volume := _find(table, _VOLUME):
        leg["volume"] = volume
    time, stamps = time_of(table)
    return _Columns(leg, time, np.diff(stamps))


def time_of(table: Table) -> tuple[dict[str, str], Int64Array]:
    """The column of time of a table, and the stamps of its first rows.

    Parameters
    ----------
    table : Table

    Returns
    -------
    time : dict of str to str
        ``column``, and ``unit`` and ``stamp`` where they are not the default, as in a mapping.
    stamps : ndarray of int64
        Nanoseconds since 1970, of those of the first `SAMPLE_ROWS` rows that can be read.

    Raises
    ------
    InputError
        There is none, or it cannot be told in which unit it is.
    """
    plain = [_plain(name) for name in table.header]
    places = [plain.index(name) for name in _TIMES if name in plain]
    if not places:
        raise InputError(table.path, f"lacks a column of time; {_hint(table, 'time')}")
    batches = _sample(table, places)
    first = _first_row(table, batches[0])
    shown = first.cells
    if any(_CLOCK.fullmatch(text) for text in shown):
        names = " and ".join(repr(table.header[k]) for k in places[:2])
        raise InputError(table.path, f"has its times in columns {names}; expected one column")
    slot = next((k for k, text in enumerate(shown) if _unit(text)), None)
    if slot is None:
        name, text = table.header[places[0]], shown[0]
        named = f"column {name!r}" if name else "the column without a name, an index,"
        problem = f"{named} was {text[:40]!r}; expected a time such as 2024-01-31 07:00:00"
        problem += ", or seconds or milliseconds since 1970"
        raise InputError(table.path, problem, _line(table, first))
    time = {"column": table.header[places[slot]]}
    if (unit := _unit(shown[slot])) != "text":
        time["unit"] = unit
    if plain[places[slot]] == "closetime":
        time["stamp"] = "close"
    stamps = []
    form = TimeColumn(time["column"], unit)
    for batch in batches:
        good = batch.plain.copy()
        read = read_stamps(batch.cells[slot], form, stamp_reader(form), good)
        stamps.append(read[good == 1])
    return time, np.concatenate(stamps)[:SAMPLE_ROWS]


def _first_row(table: Table, batch: Batch) -> Row:
    """The first row that has cells."""
    rows = map(batch.row, range(len(batch.lines)))
    row = next((row for row in rows if row.cells), None)
    if row is not None:
        return row
    row = batch.row(0)
    problem = row.fault[1] if row.fault else "has no cells"
    raise InputError(table.path, problem, _line(table, row))


def _line(table: Table, row: Row) -> str:
    """The place of a row, as errors of its cells name it: rows of frames count from 0."""
    if isinstance(table, FrameTable):
        return f"row {row.line - FIRST_LINE}"
    return f"line {row.line}"


def _sample(table: Table, places: list[int]) -> list[Batch]:
    """The first rows of some columns."""
    batches, n_rows = [], 0
    for batch in table.batches(places):
        batches.append(batch)
        n_rows += len(batch.plain)
        if n_rows >= SAMPLE_ROWS:
            break
    if not n_rows:
        raise InputError(table.path, "has no line below its header; expected bars")
    return batches


def _unit(text: str) -> str:
    """The unit of a mapping in which a text is a time; empty for none."""
    if unit := stamp_unit(text):
        return unit
    for pattern in _PATTERNS:
        try:
            datetime.strptime(text, pattern)
        except ValueError:
            continue
        return pattern
    return ""


def _descends(steps: Int64Array) -> bool:
    return int(np.count_nonzero(steps < 0)) > int(np.count_nonzero(steps > 0))


def _interval(tables: Sequence[Table], found: Sequence[_Columns]) -> str:
    """The smallest step of the first rows, as a mapping writes it."""
    steps = [np.abs(one.steps[one.steps != 0]) for one in found]
    steps_ns = [int(one.min()) for one in steps if len(one)]
    if not steps_ns:
        raise InputError(tables[0].path, "has too few times to tell the length of a bar; expected "
                         "it as interval")  # fmt: skip
    step_ns = min(steps_ns)
    if step_ns == _SHORT_DAY_NS and any((one == _DAY_NS).any() for one in steps):
        problem = "has days of 23 and of 24 hours, as a change of the clock makes them; expected"
        raise InputError(tables[0].path, f"{problem} dates without a zone, tz_localize(None)")
    seconds, rest = divmod(step_ns, 10**9)
    if rest or seconds > MAX_SPAN_S:
        problem = f"has bars {step_ns / 10**9:g} s apart; expected a length of whole seconds"
        raise InputError(tables[0].path, f"{problem} as interval")
    unit, size = next((u, s) for u, s in _SPANS if seconds % s == 0)
    return f"{seconds // size}{unit}"


_DAY_NS: Final = 86_400 * 10**9
_SHORT_DAY_NS: Final = 82_800 * 10**9
_SPANS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def _symbol(table: Table, terms: BarsTerms, number: int) -> str:
    if not terms.symbols:
        raise InputError(table.path, "has no symbol; expected it as symbol (--symbol)")
    return terms.symbols[min(number, len(terms.symbols) - 1)]
