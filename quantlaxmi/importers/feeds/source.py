"""A feed's files as a source: lines are read, checked, put in order of time and made rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError, InputError, shown
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.feeds.instruments import FeedInstrument, load_instruments
from quantlaxmi.importers.feeds.states import FeedRows, Flags, States, feed_rows, state_faults
from quantlaxmi.importers.nse.contracts import IST, VENUE, ns_of
from quantlaxmi.importers.nse.weekdays import day_numbers, weekday_gaps
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    MAX_LISTED_GAPS,
    ImportedFile,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
from quantlaxmi.schema import I64
from quantlaxmi.segment.manifest import Gap
from quantlaxmi.venues import nse

__all__ = ["FeedLines", "ReadLines", "feed_source"]

#: Most bytes of text in all files: states wait in memory, in some twelve times as much.
MAX_TEXT: Final = 1 << 26
#: A feed sends something every few seconds; longer without a line is a gap.
GAP_NS: Final = 60 * 10**9
MAX_AHEAD_NS: Final = 5 * 10**9
_EXCERPT: Final = 80


@dataclass(slots=True)
class FeedLines:
    """What a format reads of a file's lines.

    Attributes
    ----------
    states : States
        Of the mapped instruments, in the order of lines.
    clock : list of int
        Times of all lines that have one, in their order.
    faults : dict of int to (str, str)
        Reason and detail by line.
    passed : dict of str to int
        What was passed over, in words, and how often.
    others : set of str
        Keys that the mapping does not have.
    """

    states: States
    clock: list[int]
    faults: dict[int, tuple[str, str]]
    passed: dict[str, int] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)


#: Lines by number from 1, without empty ones, and the mapping's keys by number of instrument.
ReadLines = Callable[[Sequence[tuple[int, bytes]], Mapping[str, int]], FeedLines]


def feed_source(
    inputs: Inputs, options: ImportOptions, format: str, expected: str, read: ReadLines,
    entries: Mapping[str, FeedInstrument] | None = None,
) -> Source:  # fmt: skip
    """Files of a feed, as a source of trades, depth and quotes.

    Parameters
    ----------
    inputs : sequence of Path or str
    options : ImportOptions
        ``mapping`` must be given; ``underlying`` takes only its instruments.
    format, expected : str
        Name of the format, and what its lines are.
    read : callable
    entries : mapping of str to FeedInstrument, optional
        Of the mapping, where they are loaded already.

    Raises
    ------
    InputError
        A file cannot be read, or has no state of the mapping's instruments.
    ConfigError
        The mapping is not valid, or the dated table has no lot of a contract.
    """
    paths = input_paths(inputs, format)
    entries = load_instruments(options, format) if entries is None else entries
    places = {key: k for k, key in enumerate(entries)}
    is_index = np.array([one.kind == "index" for one in entries.values()], np.bool_)
    files: list[ImportedFile] = []
    parts, found = [], []
    for path in paths:
        left = MAX_TEXT - sum(one.text_bytes for one in files)
        file, lines = _read_file(path, options, format, expected, left, lambda n: read(n, places))
        states = _checked(file, lines, is_index, options.reorder_window_ns)
        files.append(file)
        parts.append(states)
        found.append(lines)
    states = States(*(np.concatenate([getattr(s, n) for s in parts]) for n in States.__slots__))
    if not len(states.line):
        others = sorted({key for one in found for key in one.others})
        has = f"; it has {', '.join(map(shown, others[:3]))}" if others else ""
        first_fault = f"; {told}" if (told := files[0].log.first()) else ""
        raise InputError(
            paths[0],
            f"has no state of an instrument of the mapping{has}{first_fault}",
        )
    order = np.argsort(states.ts_ns, kind="stable")
    states = states.take(order)
    rows = feed_rows(states)
    _count(files, rows, np.repeat(np.arange(len(parts)), [len(s.line) for s in parts])[order])
    first = datetime.fromtimestamp(int(states.ts_ns[0]) // 10**9, IST).date()
    total = sum(file.raw_bytes for file in files)

    def tables(_: Path) -> Generator[Tables, None, None]:
        yield rows.tables
        options.report_progress(total, total)

    return Source(
        venue=VENUE,
        cadence="events",
        instruments=[one.instrument(key, first) for key, one in entries.items()],
        tables=tables,
        files=files,
        gaps=_gaps(found, states, rows),
        knows_days=True,
        notes=_notes(states, rows, files, found),
    )


def _read_file(
    path: Path, options: ImportOptions, format: str, expected: str, left: int,
    read: Callable[[Sequence[tuple[int, bytes]]], FeedLines],
) -> tuple[ImportedFile, FeedLines]:  # fmt: skip
    """Read a file's lines, at most so many bytes; those that cannot be read are in its log."""
    pieces: list[bytes] = []
    with TextSource(path, expected) as text:
        end = False
        while not end:
            piece, end = text.read()
            pieces.append(piece)
            if text.text_bytes > left:
                what = f"leads to more than {MAX_TEXT >> 20} MiB of text; expected a part of it"
                raise InputError(path, f"{what} a segment")
        raw, length, sha256 = text.raw_bytes, text.text_bytes, text.sha256
    numbered = enumerate(b"".join(pieces).split(b"\n"), 1)
    lines = [(number, line) for number, whole in numbered if (line := whole.strip())]
    if not lines:
        raise InputError(path, f"has no line; expected lines of {expected}")
    file = ImportedFile(
        path=path,
        log=QuarantineLog(path, format, options.strict),
        lines=len(lines),
        raw_bytes=raw,
        text_bytes=length,
        sha256=sha256,
    )
    found = read(lines)
    texts = dict(lines)
    for number, (reason, detail) in sorted(found.faults.items()):
        excerpt = texts[number][:_EXCERPT].decode("utf-8", "backslashreplace")
        file.log.add(number, reason, detail, excerpt)
    return file, found


def _checked(file: ImportedFile, lines: FeedLines, is_index: np.ndarray, window_ns: int) -> States:
    """States of sound lines in order of lines; the log gets the others."""

    def rows(where: Flags) -> list[int]:
        return np.flatnonzero(where).tolist()

    states, bad = lines.states, dict(lines.faults)
    ahead = np.maximum(states.exch_ts_ns, states.trade_ns) - states.ts_ns
    mixed = is_index[states.instrument] != states.is_index
    found: list[tuple[int, int, str, str]] = [  # the first of a line's states tells why
        *((k, 0, "bad-stamp", "neither line nor packet has a time")
          for k in rows(states.ts_ns <= 0)),
        *((k, 1, "exchange-ahead", f"{ahead[k]} ns after the line's time")
          for k in rows(ahead > MAX_AHEAD_NS)),
        *((k, 2, "wrong-shape", "index and traded instrument are mixed up") for k in rows(mixed)),
        *((k, 3, reason, detail) for k, reason, detail in state_faults(states)),
    ]  # fmt: skip
    for row, _, reason, detail in sorted(found):
        bad.setdefault(int(states.line[row]), (reason, detail))
    states = states.take(~np.isin(states.line, np.fromiter(bad, np.int64, len(bad))))
    latest = np.maximum.accumulate(states.ts_ns) if len(states.line) else states.ts_ns
    back = latest - states.ts_ns
    for row in np.flatnonzero(back > window_ns).tolist():
        why = f"{back[row]} ns before the latest line; at most {window_ns} are put in order"
        bad.setdefault(int(states.line[row]), ("time-reversal", why))
    late = np.isin(states.line, np.fromiter(bad, np.int64, len(bad)))
    file.reordered = len(np.unique(states.line[(back > 0) & ~late]))
    for number in sorted(set(bad) - set(lines.faults)):
        file.log.add(number, *bad[number])
    file.message_lines = file.lines - len(file.log)
    return states.take(~late)


def _count(files: Sequence[ImportedFile], rows: FeedRows, part: I64) -> None:
    """Fill in the messages and the one-sided books of each file, by the file of each state."""
    n = len(files)
    for table, columns in rows.tables.items():
        own = part[np.searchsorted(rows.ends, np.unique(columns["seq"]), "right")]
        for file, count in zip(files, np.bincount(own, minlength=n).tolist(), strict=True):
            file.messages_by_kind[table] = count
    quotes = rows.tables["quotes"]
    bare = quotes["seq"][(quotes["bid"] == 0) | (quotes["ask"] == 0)]
    own = part[np.searchsorted(rows.ends, bare, "right")]
    for file, count in zip(files, np.bincount(own, minlength=n).tolist(), strict=True):
        file.one_sided = count


def _gaps(found: Sequence[FeedLines], states: States, rows: FeedRows) -> list[Gap]:
    """Times within a day without a line of any file, and weekdays without any."""
    told = [np.array(lines.clock, np.int64) for lines in found]
    clock = np.sort(np.concatenate([states.ts_ns, *told]))
    clock = clock[clock >= states.ts_ns[0]]
    seq = rows.ends[np.searchsorted(states.ts_ns, clock, "right") - 1] - 1
    gaps = weekday_gaps(clock, seq, "line")
    same_day = np.diff(day_numbers(clock)) == 0
    for k in np.flatnonzero((np.diff(clock) > GAP_NS) & same_day).tolist():
        start, end = int(clock[k]), int(clock[k + 1])
        why = f"no line for {(end - start) // 10**9} s"
        gaps.append(Gap(start_ns=start, end_ns=end, after_seq=int(seq[k]), reason=why))
    return sorted(gaps, key=lambda gap: gap.start_ns)[:MAX_LISTED_GAPS]


def _outside(ts_ns: I64) -> int:
    """How many times are outside the hours of trading."""
    count = 0
    days = day_numbers(ts_ns)
    for number in np.unique(days).tolist():
        day = date.fromordinal(date(1970, 1, 1).toordinal() + number)
        own = ts_ns[days == number]
        try:
            hours = nse.session_hours("option", day)
        except ConfigError:  # the table does not go back to that day
            continue
        opens, closes = (ns_of(datetime.combine(day, t, IST)) for t in (hours.opens, hours.closes))
        count += int(((own < opens) | (own > closes)).sum()) if day.weekday() < 5 else len(own)
    return count


def _notes(
    states: States, rows: FeedRows, files: Sequence[ImportedFile], found: Sequence[FeedLines]
) -> list[str]:
    n = len(states.line)
    notes = [
        f"{counted(n, 'state[s]')} of "
        f"{counted(len(np.unique(states.instrument)), 'instrument[s]')}: each gives its book and, "
        "where the volume of the day grew, its last trade, of which no side is told.",
        f"{counted(rows.unseen, 'unit[s] [was|were]')} traded between states, beyond the "
        "trades that they show.",
    ]
    passed: dict[str, int] = {}
    for one in found:
        for what, count in one.passed.items():
            passed[what] = passed.get(what, 0) + count
    notes += [f"{counted(count, what)}." for what, count in passed.items() if count]
    if outside := _outside(states.ts_ns[states.has_book]):
        notes.append(
            f"{counted(outside, 'book[s] [was|were]')} known outside the hours of trading: "
            "nothing trades on."
        )
    day, traded = (day_numbers(t) for t in (states.ts_ns, states.trade_ns))
    if old := int(((states.trade_ns > 0) & (traded < day)).sum()):
        notes.append(f"{counted(old, 'state[s] [has|have]')} a last trade of an earlier day.")
    for file in files:
        if file.reordered:
            notes.append(
                f"{file.log.name}: {counted(file.reordered, 'line[s] [was|were]')} put in "
                "order of time."
            )
        if file.one_sided:
            notes.append(
                f"{file.log.name}: {counted(file.one_sided, 'book[s] [lacks|lack]')} a bid, "
                "an ask or both."
            )
    return notes
