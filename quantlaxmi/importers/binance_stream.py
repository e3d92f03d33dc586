"""Format ``binance-stream``: captures of Binance's websocket streams.

A capture is text, plain or gzip, of lines ``<receive time> <json>``; ``docs/IMPORT.md`` says which
lines are accepted, which are set aside and which end the import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from msgspec import UNSET

from quantlaxmi._ext.binance_rows import FAULTS, BinanceRows
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance.messages import RAW_DECODERS, classify
from quantlaxmi.importers.binance.symbols import binance_instrument, check_underlying
from quantlaxmi.importers.delimited.announced import Announced, settlement_gaps
from quantlaxmi.importers.delimited.mark_lines import MarkLines
from quantlaxmi.importers.delimited.merge import crowded, merged_tables
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    MAX_LISTED_GAPS,
    REORDER_WINDOW_NS,
    ImportedFile,
    ImportOptions,
    Inputs,
    Progress,
    Source,
    Tables,
)
from quantlaxmi.instruments import Instrument

FORMAT = "binance-stream"
_EXPECTED = "expected --spot FILE or --perp FILE"


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Captures of one underlying's spot and perpetual streams.

    Parameters
    ----------
    inputs : mapping of str to Path or str
        ``"spot"``, ``"perp"`` or both.
    options : ImportOptions

    Raises
    ------
    InputError
        There is no capture, or a file or mapping that this format does not take.
    """
    given = inputs if isinstance(inputs, Mapping) else {}
    if not isinstance(inputs, Mapping) and inputs:
        raise InputError("--input", f"is not for {FORMAT}; {_EXPECTED}")
    if options.mapping is not None:
        raise InputError("--mapping", f"is not for {FORMAT}; {_EXPECTED}")
    if unknown := set(given) - {"spot", "perp"}:
        raise InputError(f"--{min(unknown)}", f"is not for {FORMAT}; {_EXPECTED}")
    if not given:
        raise InputError("import", "needs --spot FILE, --perp FILE or both")
    instruments: list[Instrument] = []
    source = Source(
        venue="binance",
        cadence="events",
        instruments=instruments,
        tables=lambda folder: _tables(paths, options, source),
    )
    paths = [(Path(given[name]), name == "perp") for name in ("spot", "perp") if name in given]
    return source


def import_binance_stream(
    spot: Path | str | None = None,
    perp: Path | str | None = None,
    out: Path | str | None = None,
    *,
    underlying: str | None = None,
    strict: bool = False,
    max_quarantine: Fraction = Fraction(1, 100),
    progress: Progress | None = None,
    reorder_window_ns: int = REORDER_WINDOW_NS,
) -> ImportResult:
    """Import captures of the spot and perpetual streams of one underlying.

    Parameters
    ----------
    spot, perp : Path, str or None
        Captures, plain or gzip; one may be None or left out.
    out : Path or str
        Folder of the segment; it must not exist. It is built under a temporary name and renamed
        when it is whole.
    underlying : str, optional
        Symbol (``BTCUSDT``) or base (``BTC``) that the captures must have.
    strict : bool
        End at the first faulty line instead of setting it aside.
    max_quarantine : Fraction
        Largest share of faulty lines accepted, of each capture by itself.
    progress : callable, optional
        Called with bytes read and bytes in all, as stored.
    reorder_window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place;
        a line beyond it is set aside.

    Returns
    -------
    ImportResult
        The sealed segment, and the number of lines and messages read.

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

    Examples
    --------
    >>> _ = Path("spot.txt").write_text(
    ...     '1700000000000000000 {"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT",'
    ...     '"b":"100.00","B":"1.5","a":"100.01","A":"2"}}\\n'
    ... )
    >>> import_binance_stream("spot.txt", out="segment").messages_by_kind["quotes"]
    1
    """
    if out is None:
        raise TypeError("import_binance_stream() needs out, the folder to make")
    given = {name: path for name, path in (("spot", spot), ("perp", perp)) if path is not None}
    options = ImportOptions(
        underlying=underlying,
        strict=strict,
        max_quarantine=max_quarantine,
        reorder_window_ns=reorder_window_ns,
        progress=progress,
    )
    return import_source(open_source, given, out, options)


class _Capture:
    """One capture on its way in: a `Feed` of the merge."""

    def __init__(self, path: Path, perp: bool, options: ImportOptions) -> None:
        self.path, self.perp, self._window_ns = path, perp, options.reorder_window_ns
        stream = "perp" if perp else "spot"
        self.text = TextSource(path)
        self.rows = BinanceRows(str(path), perp, RAW_DECODERS, classify, UNSET, self._window_ns)
        self.log = QuarantineLog(path, stream, options.strict)
        self.file = ImportedFile(path=path, log=self.log)
        self.marks = MarkLines()
        self.finished = False
        self.messages: Counter[str] = Counter()

    @property
    def symbol(self) -> str:
        return self.file.symbol

    @property
    def raw_bytes(self) -> int:
        return self.text.raw_bytes

    def feed(self) -> None:
        """Read the next piece."""
        if (crowd := self.rows.crowd()) is not None:
            if self.rows.symbol is None:  # nothing can leave the merge before it is known
                raise InputError(self.path, f"has no line that names its symbol in {crowd[1]}")
            raise crowded(self.path, *crowd, self._window_ns)
        text, self.finished = self.text.read()
        n_lines = self.rows.n_lines
        self.rows.feed(text, self.finished)
        faults = self.rows.take_faults()
        self.marks.feed(text, [(line, FAULTS[code]) for line, code, _, _ in faults], n_lines)
        # A capture of the other market is named as such, even by a strict import's first line.
        self._check_market(enough=0 if self.finished or self.log.strict else 1000)
        for line, code, detail, excerpt in faults:
            self.log.add(line, FAULTS[code], detail, excerpt)
        if self.finished:
            self._check_end()

    def refuse(self, line: int, n_lines: int, code: int, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""
        self.log.add(line, FAULTS[code], detail)

    def count_gap(self, line: int, n_listed: int) -> bool:
        """Count a gap; whether it is listed."""
        self.file.depth_gaps += 1
        return self.file.depth_gaps <= MAX_LISTED_GAPS

    def finish(self) -> None:
        """Fill in what became of the lines."""
        file = self.file
        file.lines, file.reordered = self.rows.n_lines, self.rows.n_reordered
        file.messages_by_kind = dict(self.messages)
        file.voids, file.one_sided = self.rows.n_voids, self.rows.n_one_sided
        file.message_lines = sum(self.messages.values()) - file.voids
        file.raw_bytes, file.text_bytes = self.text.raw_bytes, self.text.text_bytes
        file.sha256 = self.text.sha256

    def _check_market(self, enough: int) -> None:
        rows = self.rows
        strong = bool(rows.votes_own or rows.votes_other)
        own = rows.votes_own if strong else rows.quotes_own
        other = rows.votes_other if strong else rows.quotes_other
        if other > own + enough:
            found, given = ("spot", "perpetual") if self.perp else ("perpetual", "spot")
            shown = counted(own + other, "line[s]")
            problem = f"has {found} streams ({other} of {shown} that show it), was given"
            raise InputError(
                self.path,
                f"{problem} as --{self.log.stream}; expected {given} streams",
            )

    def _check_end(self) -> None:
        if self.rows.n_lines == 0:
            raise InputError(self.path, "has no line; expected '<receive time> <json>'")
        if len(self.log) == self.rows.n_lines:
            raise InputError(self.path, f"has no acceptable line; {self.log.first()}")
        if self.rows.symbol is None:
            raise InputError(self.path, "has no line that names its symbol")


def _find_instruments(
    captures: list[_Capture], underlying: str | None, report_progress: Callable[[int], None]
) -> list[Instrument]:
    """Read each capture until a line names its symbol."""
    instruments = []
    for capture in captures:
        while capture.rows.symbol is None and not capture.finished:
            capture.feed()
            report_progress(sum(one.raw_bytes for one in captures))
        symbol = str(capture.rows.symbol)  # feed() refuses a capture that ends without one
        instruments.append(binance_instrument(capture.path, symbol, capture.perp))
        capture.file.symbol = instruments[-1].symbol
        if underlying is not None:
            check_underlying(capture.path, symbol, underlying)
    if len(captures) == 2 and captures[0].rows.symbol != captures[1].rows.symbol:
        raise InputError(
            captures[1].path,
            f"has {captures[1].rows.symbol}, the spot capture has "
            f"{captures[0].rows.symbol}; expected one underlying",
        )
    return instruments


def _tables(
    paths: list[tuple[Path, bool]], options: ImportOptions, source: Source
) -> Generator[Tables, None, None]:
    """Yield the rows of the captures in order, and fill in the source."""
    with ExitStack() as stack:
        captures: list[_Capture] = []
        for path, is_perp in paths:
            captures.append(_Capture(path, is_perp, options))
            stack.callback(captures[-1].text.close)
        total = sum(capture.text.size for capture in captures)

        def report_progress(done: int) -> None:
            options.report_progress(done, total)

        source.files += [capture.file for capture in captures]
        source.instruments += _find_instruments(captures, options.underlying, report_progress)
        announced = Announced({k: one.path for k, one in enumerate(captures)})
        for tables in merged_tables(captures, source.gaps, report_progress):
            announced.add(tables)
            yield tables
        for capture in captures:
            capture.finish()
        source.gaps += settlement_gaps(
            announced, [(k, one.file, one.marks.times_ns) for k, one in enumerate(captures)]
        )
        source.notes += _notes(source.files, options.reorder_window_ns)


def _notes(files: list[ImportedFile], window_ns: int) -> list[str]:
    notes: list[str] = []
    for file in files:
        notes += file.book_notes()
        if file.reordered:
            notes.append(
                f"{file.symbol}: {counted(file.reordered, 'line[s] [was|were]')} out of "
                "order by receive time, "
                f"at most {window_ns} ns, and were put in their place."
            )
        if file.depth_gaps > MAX_LISTED_GAPS:
            notes.append(
                f"{file.symbol}: {counted(file.depth_gaps, 'depth gap[s]')}, the first "
                f"{MAX_LISTED_GAPS} are "
                "listed."
            )
        if not file.messages_by_kind["funding"] and file.log.stream == "perp":
            notes.append(f"{file.symbol}: the capture has no funding rates.")
    return notes
