"""What all imports share when their files are read: what is refused, what is kept, what is said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol, TypeVar

from quantlaxmi.errors import InputError
from quantlaxmi.files import write_whole
from quantlaxmi.importers.quarantine import QUARANTINE_NAME, QuarantineLog, quarantine_bytes
from quantlaxmi.importers.result import CaptureCounts, ImportResult
from quantlaxmi.segment import SegmentWriter, open_segment
from quantlaxmi.segment.manifest import Gap, Quarantine, SourceFile

#: How far a receive stamp may fall behind the latest one and still be put in its place.
REORDER_WINDOW_NS: Final = 1_000_000_000
#: Gaps listed one by one in the manifest; the rest is counted in a note.
MAX_LISTED_GAPS: Final = 10_000


class _Rows(Protocol):
    @property
    def high_ns(self) -> int: ...
    @property
    def started(self) -> bool: ...


class _Feed(Protocol):
    finished: bool

    @property
    def rows(self) -> _Rows: ...


AnyFeed = TypeVar("AnyFeed", bound=_Feed)


def check_options(max_quarantine: Fraction, reorder_window_ns: int = 0) -> None:
    """Hold that the options of an import are in range.

    Raises
    ------
    InputError
    """
    if not 0 <= max_quarantine <= 1:
        raise InputError("--max-quarantine", f"was {max_quarantine}; expected a share from 0 to 1")
    if not 0 <= reorder_window_ns <= 86_400 * 10**9:
        raise InputError("reorder window", f"was {reorder_window_ns} ns; expected 0 to a day")


def check_share(
    log: QuarantineLog, lines: int, max_quarantine: Fraction, words: Callable[[], str]
) -> None:
    """Refuse a file of whose lines too many are faulty.

    Parameters
    ----------
    log : QuarantineLog
        Its faulty lines.
    lines : int
        All that could be.
    max_quarantine : Fraction
        Largest share that is taken.
    words : callable
        Says which are faulty, and why.

    Raises
    ------
    InputError
    """
    n = len(log)
    if n > max_quarantine * lines:
        limit = f"more than the {float(100 * max_quarantine):g} % of --max-quarantine"
        share = f"{n} of {lines} lines are faulty ({100 * n / lines:.2f} %)"
        raise InputError(log.path, f"{share}, {limit}; {words()}")


def check_copies(paths: Sequence[Path], digests: Sequence[str]) -> None:
    """Refuse a file that was given twice under two names.

    Raises
    ------
    InputError
    """
    seen: dict[str, Path] = {}
    for path, digest in zip(paths, digests, strict=True):
        if digest in seen:
            raise InputError(path, f"holds the same as {seen[digest]}")
        seen[digest] = path


def furthest_behind(feeds: Sequence[AnyFeed]) -> AnyFeed:
    """Of what is not read to its end, that whose receive times are least far."""
    return min(
        (feed for feed in feeds if not feed.finished),
        key=lambda feed: feed.rows.high_ns if feed.rows.started else -1,
    )


def crowded(path: Path, line: int, limit: str, window_ns: int) -> InputError:
    """The error of a source of which too much would have to wait for its place in the order.

    Parameters
    ----------
    path : Path
    line : int
        Of the file, where the first message that waits begins.
    limit : str
        As `MessageRows.crowd` words it.
    window_ns : int
        The reorder window.
    """
    return InputError(
        path,
        f"has more than {limit} from here on with receive times within the {window_ns / 1e9:g} s "
        "of the reorder window; so many are not held until their order is known",
        f"line {line}",
    )


def seal(
    writer: SegmentWriter,
    folder: Path,
    logs: Sequence[QuarantineLog],
    *,
    gaps: Sequence[Gap],
    notes: Sequence[str],
    sources: Sequence[SourceFile],
) -> Counter[str]:
    """Write what was set aside and seal the segment; lines set aside, by reason."""
    reasons = sum((log.reasons() for log in logs), Counter[str]())
    n_quarantined = sum(map(len, logs))
    if n_quarantined:
        write_whole(folder / QUARANTINE_NAME, quarantine_bytes(logs))
    writer.seal(
        gaps=gaps,
        quarantine=Quarantine(lines=n_quarantined, reasons=dict(sorted(reasons.items()))),
        notes=notes,
        sources=sources,
        files=[QUARANTINE_NAME] if n_quarantined else [],
    )
    return reasons


def import_result(
    out: Path | str,
    started: float,
    messages: Mapping[str, int],
    reasons: Counter[str],
    counts: tuple[CaptureCounts, ...],
) -> ImportResult:
    """What an importer returns when the segment is in its place.

    Parameters
    ----------
    out : Path or str
    started : float
        Of ``time.perf_counter``.
    messages : mapping of str to int
        By table.
    reasons : Counter
        As `seal` gives them.
    counts : tuple of CaptureCounts
        Of the files.
    """
    return ImportResult(
        segment=open_segment(out, verify="manifest"),
        messages_by_kind=dict(messages),
        quarantined=sum(c.quarantined for c in counts),
        quarantine_reasons=dict(reasons),
        lines=sum(c.lines for c in counts),
        captures=counts,
        text_bytes=sum(c.text_bytes for c in counts),
        elapsed_s=time.perf_counter() - started,
        message_lines=sum(c.message_lines for c in counts),
        header_lines=sum(c.header_lines for c in counts),
    )
