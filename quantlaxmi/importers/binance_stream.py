"""Format ``binance-stream``: captures of Binance's websocket streams to one segment.

A capture is text, plain or gzip, of lines ``<receive time> <json>``; ``docs/IMPORT.md`` says what
is kept, what is set aside and what ends the import.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from quantlaxmi._ext.binance_rows import FAULTS, BinanceRows
from quantlaxmi._ext.stream_merge import StreamMerge
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.files import staged_directory
from quantlaxmi.importers.binance_messages import RAW_DECODERS, classify
from quantlaxmi.importers.binance_symbols import binance_instrument, check_underlying
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.pipeline import (
    MAX_LISTED_GAPS,
    REORDER_WINDOW_NS,
    check_options,
    check_share,
    crowded,
    furthest_behind,
    import_result,
    seal,
)
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.result import CaptureCounts, ImportResult
from quantlaxmi.importers.tick_sizes import Steps
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter
from quantlaxmi.segment.manifest import Gap, SourceFile

Tables = dict[str, dict[str, npt.NDArray[np.integer]]]


class _Capture:
    """One file on its way in."""

    def __init__(self, path: Path, perp: bool, strict: bool, window_ns: int) -> None:
        self.path, self.perp, self._window_ns = path, perp, window_ns
        self.stream = "perp" if perp else "spot"
        self.source = TextSource(path)
        self.rows = BinanceRows(str(path), perp, RAW_DECODERS, classify, UNSET, window_ns)
        self.log = QuarantineLog(path, self.stream, strict)
        self.finished = False
        self.messages: Counter[str] = Counter()
        self.n_gaps = 0

    def feed(self) -> None:
        if (crowd := self.rows.crowd()) is not None:
            if self.rows.symbol is None:  # nothing can leave the merge before it is known
                raise InputError(self.path, f"holds no line that names its symbol in {crowd[1]}")
            raise crowded(self.path, *crowd, self._window_ns)
        text, self.finished = self.source.read()
        self.rows.feed(text, self.finished)
        faults = self.rows.take_faults()
        # A capture of the other market is named as such, even by a strict import's first line.
        self._check_market(enough=0 if self.finished or self.log.strict else 1000)
        for line, code, detail, excerpt in faults:
            self.log.add(line, FAULTS[code], detail, excerpt)
        if self.finished:
            self._check_end()

    def _check_market(self, enough: int) -> None:
        rows = self.rows
        strong = bool(rows.votes_own or rows.votes_other)
        own = rows.votes_own if strong else rows.quotes_own
        other = rows.votes_other if strong else rows.quotes_other
        if other > own + enough:
            held, given = ("spot", "perpetual") if self.perp else ("perpetual", "spot")
            problem = f"holds {held} streams ({other} of {own + other} lines that tell), was given"
            raise InputError(self.path, f"{problem} as --{self.stream}; expected {given} streams")

    def _check_end(self) -> None:
        if self.rows.n_lines == 0:
            raise InputError(self.path, "holds no line; expected '<receive time> <json>'")
        if len(self.log) == self.rows.n_lines:
            raise InputError(self.path, f"holds no acceptable line; {self.log.first()}")
        if self.rows.symbol is None:
            raise InputError(self.path, "holds no line that names its symbol")

    def check_share(self, max_quarantine: Fraction) -> None:
        check_share(self.log, self.rows.n_lines, max_quarantine, self.log.first)

    def counts(self, symbol: str) -> CaptureCounts:
        result = CaptureCounts(
            file=self.log.name,
            stream=self.stream,
            symbol=symbol,
            lines=self.rows.n_lines,
            messages_by_kind=dict(self.messages),
            quarantined=len(self.log),
            reordered=self.rows.n_reordered,
            depth_gaps=self.n_gaps,
            raw_bytes=self.source.raw_bytes,
            text_bytes=self.source.text_bytes,
            message_lines=sum(self.messages.values()),
        )
        if sum(self.messages.values()) + result.quarantined != result.lines:
            raise EngineError(
                f"{self.path}: {sum(self.messages.values())} messages and {result.quarantined} "
                f"quarantined lines do not add up to {result.lines} lines"
            )
        return result


def import_binance_stream(
    spot: Path | str | None = None,
    perp: Path | str | None = None,
    out: Path | str | None = None,
    *,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Callable[[int, int], None] | None = None,
    reorder_window_ns: int = REORDER_WINDOW_NS,
) -> ImportResult:
    """Import captures of one underlying's spot and perpetual streams.

    Parameters
    ----------
    spot, perp : Path, str or None
        Captures, plain or gzip; one may be None or left out.
    out : Path or str
        Folder of the segment; it must not exist. It is built beside and renamed in when whole.
    underlying : str, optional
        Symbol (``BTCUSDT``) or base (``BTC``) that the captures must hold.
    strict : bool
        End at the first faulty line instead of setting it aside.
    max_quarantine : Fraction
        Largest share of faulty lines taken, of each capture by itself.
    progress : callable, optional
        Called with bytes read and bytes in all, as stored.
    reorder_window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place;
        a line beyond it is set aside.

    Returns
    -------
    ImportResult

    Raises
    ------
    InputError
        A capture is missing, empty, truncated, corrupt, of the other market, of two symbols or of
        another underlying; it has no acceptable line or too many faulty ones; ``out`` exists.

    Notes
    -----
    Instrument 0 is spot and 1 the perpetual, or 0 whichever is given alone. Messages are numbered
    in the order (receive time, `EventKind`, exchange sequence, line, spot before perpetual); the
    exchange sequence is the trade id, the update id, or the event time of a mark price.
    """
    started = time.perf_counter()
    given = [(Path(p), is_perp) for p, is_perp in ((spot, False), (perp, True)) if p is not None]
    if not given:
        raise InputError("import", "has no capture; expected --spot, --perp or both")
    if out is None:
        raise TypeError("import_binance_stream() needs out, the folder to make")
    check_options(max_quarantine, reorder_window_ns)
    with ExitStack() as stack:
        folder = stack.enter_context(staged_directory(out))
        captures = []
        for path, is_perp in given:
            capture = _Capture(path, is_perp, strict, reorder_window_ns)
            stack.callback(capture.source.close)
            captures.append(capture)
        total = sum(capture.source.size for capture in captures)

        def report_progress() -> None:
            if progress is not None:
                progress(sum(capture.source.raw_bytes for capture in captures), total)

        instruments = _find_instruments(captures, underlying, report_progress)
        symbols = [instrument.symbol for instrument in instruments]
        gaps: list[Gap] = []
        steps = Steps(instruments, _tables(captures, symbols, gaps, report_progress))
        with SegmentWriter(
            folder, venue="binance", instruments=steps.instruments, cadence="events"
        ) as writer:
            for tables in steps.tables():
                for table, columns in tables.items():
                    writer.append(table, columns)
            for capture in captures:
                capture.check_share(max_quarantine)
            counts = tuple(c.counts(s) for c, s in zip(captures, symbols, strict=True))
            reasons = seal(
                writer,
                folder,
                [capture.log for capture in captures],
                gaps=gaps,
                notes=[*_notes(counts, reorder_window_ns), *steps.notes()],
                sources=[
                    SourceFile(
                        name=capture.log.name,
                        sha256=capture.source.sha256,
                        bytes=capture.source.raw_bytes,
                        lines=capture.rows.n_lines,
                        stream=capture.stream,
                    )
                    for capture in captures
                ],
            )
    messages: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
    for capture in captures:
        messages.update(capture.messages)
    return import_result(out, started, messages, reasons, counts)


def _find_instruments(
    captures: list[_Capture], underlying: str | None, report_progress: Callable[[], None]
) -> list[Instrument]:
    """Read each capture until a line names its symbol."""
    instruments = []
    for capture in captures:
        while capture.rows.symbol is None and not capture.finished:
            capture.feed()
            report_progress()
        symbol = str(capture.rows.symbol)  # feed() refuses a capture that ends without one
        instruments.append(binance_instrument(capture.path, symbol, capture.perp))
        if underlying is not None:
            check_underlying(capture.path, symbol, underlying)
    if len(captures) == 2 and captures[0].rows.symbol != captures[1].rows.symbol:
        raise InputError(
            captures[1].path,
            f"holds {captures[1].rows.symbol}, the spot capture holds "
            f"{captures[0].rows.symbol}; expected one underlying",
        )
    return instruments


def _tables(
    captures: list[_Capture],
    symbols: list[str],
    gaps: list[Gap],
    report_progress: Callable[[], None],
) -> Iterator[Tables]:
    """Rows of the segment in order; reads on in whichever capture is behind."""
    merge = StreamMerge([capture.rows for capture in captures])
    while True:
        finished = [capture.finished for capture in captures]
        tables = merge.release(finished)
        for k, counts in enumerate(merge.take_counts()):
            captures[k].messages.update(counts)
        for source, line, code, number, before, _ in merge.take_faults():
            captures[source].log.add(line, FAULTS[code], f"{number} after {before}")
        for source, seq, start_ns, end_ns, last, found, _, _ in merge.take_gaps():
            captures[source].n_gaps += 1
            if captures[source].n_gaps <= MAX_LISTED_GAPS:
                reason = f"depth update after {last} is missing, the next joins {found}"
                gaps.append(
                    Gap(
                        table="depth",
                        symbol=symbols[source],
                        start_ns=start_ns,
                        end_ns=end_ns,
                        after_seq=seq,
                        reason=reason,
                    )
                )
        if tables:
            yield tables
        if merge.more:
            continue
        if all(finished):
            return
        furthest_behind(captures).feed()
        report_progress()


def _notes(counts: tuple[CaptureCounts, ...], window_ns: int) -> list[str]:
    notes = []
    for c in counts:
        if c.reordered:
            notes.append(
                f"{c.symbol}: {c.reordered} lines were out of order by receive time, "
                f"at most {window_ns} ns, and were put in their place."
            )
        if c.depth_gaps > MAX_LISTED_GAPS:
            notes.append(
                f"{c.symbol}: {c.depth_gaps} depth gaps, the first {MAX_LISTED_GAPS} are listed."
            )
        if not c.messages_by_kind["funding"] and c.stream == "perp":
            notes.append(f"{c.symbol}: the capture holds no funding rates.")
    return notes
