"""A format's output to the pipeline: instruments, rows in order, and one record a file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy.typing as npt

from quantlaxmi.counted import agreed, counted
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.instruments import Instrument
from quantlaxmi.segment.manifest import Cadence, Gap, SourceFile

#: How far a receive stamp may fall behind the latest one and still be put in its place.
REORDER_WINDOW_NS: Final = 1_000_000_000
#: Share of faulty lines that an import takes unless it is told otherwise; of settlements, none.
FORGIVEN: Final = Fraction(1, 100)
#: Gaps listed one by one in the manifest; the rest is counted in a note.
MAX_LISTED_GAPS: Final = 10_000
_DAY_NS: Final = 86_400 * 10**9

#: Called with bytes read and bytes in all, as stored.
Progress = Callable[[int, int], None]
#: Columns of ``schema.TABLES`` by name, by table; rows of one batch.
Tables = Mapping[str, Mapping[str, npt.NDArray[Any]]]
#: Files of ``--input`` in their order, or captures by the option that named each (``"spot"``).
Inputs = Sequence[Path | str] | Mapping[str, Path | str]


class CaptureCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the lines of one file: read, set aside and reordered.

    Attributes
    ----------
    file, stream, symbol : str
        Name of the file, what it was read as (of a capture ``"spot"`` or ``"perp"``), symbol of
        the instrument.
    lines : int
        ``header_lines + message_lines + quarantined``.
    messages_by_kind : dict of str to int
        Messages by table.
    quarantined : int
        Lines set aside.
    reordered : int
        Lines put back in their place by receive time.
    depth_gaps : int
        Breaks in the exchange's sequence of depth updates.
    raw_bytes, text_bytes : int
        Length of the file on disk, and of its text.
    message_lines : int
        Lines the messages were read from; one a message in a stream capture.
    header_lines : int
        Lines of headers.
    trade_gaps : int
        Holes in the trade ids.
    """

    file: str
    stream: str
    symbol: str
    lines: int
    messages_by_kind: dict[str, int]
    quarantined: int
    reordered: int
    depth_gaps: int
    raw_bytes: int
    text_bytes: int
    message_lines: int = 0
    header_lines: int = 0
    trade_gaps: int = 0


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every import; a format ignores or refuses what it cannot use.

    Attributes
    ----------
    underlying : str or None
        Symbol (``BTCUSDT``) or base (``BTC``) that the files must have.
    mapping : Path, str or None
        TOML file that describes what the files do not.
    bars : BarsTerms or None
        In place of a mapping of bars whose columns have the usual names.
    strict : bool
        End at the first faulty line instead of setting it aside.
    max_quarantine : Fraction
        Largest share of faulty lines accepted, of each file by itself.
    reorder_window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place;
        a line beyond it is set aside. 0 to a day.
    progress : callable or None
        Called with bytes read and bytes in all, as stored.

    Raises
    ------
    InputError
        A number is out of range.
    """

    underlying: str | None = None
    mapping: Path | str | None = None
    bars: BarsTerms | None = None
    strict: bool = False
    max_quarantine: Fraction = FORGIVEN
    reorder_window_ns: int = REORDER_WINDOW_NS
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.bars is not None and self.mapping is not None:
            raise InputError("--mapping", "was given with --symbol; expected one of the two")
        share, window_ns = self.max_quarantine, self.reorder_window_ns
        if not 0 <= share <= 1:
            raise InputError("--max-quarantine", f"was {share}; expected a share from 0 to 1")
        if not 0 <= window_ns <= _DAY_NS:
            raise InputError("reorder window", f"was {window_ns} ns; expected 0 to a day")

    def report_progress(self, done: int, total: int) -> None:
        """Call ``progress``, if there is one, with bytes read and bytes in all."""
        if self.progress is not None:
            self.progress(done, total)


@dataclass(kw_only=True)
class ImportedFile:
    """One input file; its source fills in what became of its lines while it is read.

    Attributes
    ----------
    path : Path
    log : QuarantineLog
        Its faulty lines, and what it is read as.
    symbol : str
    lines, header_lines, message_lines, messages_by_kind, reordered, depth_gaps, trade_gaps
        As in `CaptureCounts`; whole after the last rows.
    voids : int
        Messages without a line: the book is not known after a line set aside.
    one_sided : int
        Quotes without a bid, an ask or both.
    rounded : int
        Sizes of trades that had digits beyond the exponent.
    lost_settlements : int
        Settlements of which no line could be read.
    raw_bytes, text_bytes : int
    sha256 : str
        Of the file as stored.
    """

    path: Path
    log: QuarantineLog
    symbol: str = ""
    lines: int = 0
    header_lines: int = 0
    message_lines: int = 0
    messages_by_kind: dict[str, int] = field(default_factory=dict)
    reordered: int = 0
    depth_gaps: int = 0
    trade_gaps: int = 0
    voids: int = 0
    one_sided: int = 0
    rounded: int = 0
    lost_settlements: int = 0
    raw_bytes: int = 0
    text_bytes: int = 0
    sha256: str = ""

    @property
    def is_empty(self) -> bool:
        """It has a header at most."""
        return self.lines == self.header_lines

    def check_share(self, max_quarantine: Fraction) -> None:
        """Refuse a file with too many faulty lines; the default share forgives no settlement.

        Raises
        ------
        InputError
        """
        n, lines = len(self.log), self.lines - self.header_lines
        if n > max_quarantine * lines:
            limit = f"more than the {float(100 * max_quarantine):g} % of --max-quarantine"
            share = f"{counted(n, 'line[s] [is|are] faulty', lines)} ({100 * n / lines:.2f} %)"
            raise InputError(self.path, f"{share}, {limit}; {self.log.summary()}")
        if (lost := self.lost_settlements) and max_quarantine <= FORGIVEN:
            raise InputError(
                self.path,
                f"{counted(lost, 'settlement[s] [is|are]')} set aside, which the "
                f"{float(100 * FORGIVEN):g} % of "
                "--max-quarantine do not cover; expected none, or a larger --max-quarantine, by "
                f"which each is a gap; {self.log.first()}",
            )

    def counts(self) -> CaptureCounts:
        """Counts of its lines.

        Raises
        ------
        EngineError
            A line is lost: the counts do not add up.
        """
        quarantined = len(self.log)
        if self.header_lines + self.message_lines + quarantined != self.lines:
            raise EngineError(
                f"{self.path}: {counted(self.header_lines, 'header line[s]')}, "
                f"{counted(self.message_lines, 'line[s]')} of "
                f"messages and {counted(quarantined, 'quarantined line[s]')} do not "
                f"add up to {counted(self.lines, 'line[s]')}"
            )
        return CaptureCounts(
            file=self.log.name,
            stream=self.log.stream,
            symbol=self.symbol,
            lines=self.lines,
            messages_by_kind=dict(self.messages_by_kind),
            quarantined=quarantined,
            reordered=self.reordered,
            depth_gaps=self.depth_gaps,
            raw_bytes=self.raw_bytes,
            text_bytes=self.text_bytes,
            message_lines=self.message_lines,
            header_lines=self.header_lines,
            trade_gaps=self.trade_gaps,
        )

    def book_notes(self) -> list[str]:
        """Notes on its books for a reader."""
        notes = []
        if self.voids:
            notes.append(
                f"{self.log.name}: {counted(self.voids, 'book[s]')} could not be read; "
                f"after each the book of {self.symbol} is not valid until the next good one."
            )
        if self.one_sided:
            notes.append(
                f"{self.log.name}: {counted(self.one_sided, 'quote[s] [lacks|lack]')} a "
                f"bid, an ask or both; the book of {self.symbol} is not valid while "
                f"{agreed(self.one_sided, '[it stands|they stand]')}."
            )
        if self.rounded:
            notes.append(
                f"{self.log.name}: sizes of {counted(self.rounded, 'trade[s]')} of "
                f"{self.symbol} have digits "
                "beyond the exponent and were rounded, half to even."
            )
        return notes

    def source_file(self) -> SourceFile:
        """Its entry in the manifest."""
        return SourceFile(
            name=self.log.name,
            sha256=self.sha256,
            bytes=self.raw_bytes,
            lines=self.lines,
            stream=self.log.stream,
        )


@dataclass(kw_only=True)
class Source:
    """Market data read from a format's inputs.

    Attributes
    ----------
    venue : str
    cadence : {"events", "bars", "snapshots"}
        How the rows follow one another. Quotes of bars have an assumed spread, so that those off
        tick or lot are not counted.
    instruments : list of Instrument
        By their number in the segment; known when the first rows come. Ticks and lots may be 0:
        the dated tables fill them in.
    tables : callable
        Folder to the rows, batch by batch, in the order of ``seq``. Temporary files may be made
        in the folder, which is on the segment's disk; whatever the generator opens it closes.
    files : list of ImportedFile
        Whole, as are gaps and notes, when the generator has ended.
    gaps : list of Gap
        At most `MAX_LISTED_GAPS` of a file, the rest counted in a note.
    notes : list of str
        What a reader should know, one sentence each.
    knows_days : bool
        The gaps tell of every day that is missing, by the hours of the market: dates in the files'
        names tell nothing more.
    """

    venue: str
    cadence: Cadence
    instruments: list[Instrument]
    tables: Callable[[Path], Generator[Tables, None, None]]
    files: list[ImportedFile] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    knows_days: bool = False


#: A format: its inputs to a source, from which no row has been read.
OpenSource = Callable[[Inputs, ImportOptions], Source]


def input_paths(inputs: Inputs, format: str) -> list[Path]:
    """The files of ``--input``, for a format that reads them.

    Raises
    ------
    InputError
        There is none, or captures were given by their market.
    """
    if isinstance(inputs, Mapping):
        market = next(iter(inputs), "spot")
        raise InputError(f"--{market}", f"is not for {format}; expected --input PATH")
    if not inputs:
        raise InputError("import", "needs --input PATH")
    return [Path(path) for path in inputs]


def required_mapping(options: ImportOptions, format: str) -> Path | str:
    """The mapping, for a format that cannot do without.

    Raises
    ------
    InputError
        There is none.
    """
    if options.mapping is None:
        other = ", or --symbol NAME where columns have the usual names" * (format == "bars")
        raise InputError("import", f"needs --mapping FILE for {format}{other}")
    return options.mapping
