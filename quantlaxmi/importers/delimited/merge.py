"""Messages of several files in one order: the reading of whichever file is behind goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Final, Protocol

from quantlaxmi._ext.message_rows import MessageRows
from quantlaxmi._ext.stream_merge import StreamMerge
from quantlaxmi.errors import InputError
from quantlaxmi.importers.source import MAX_LISTED_GAPS, Tables
from quantlaxmi.schema import EventKind
from quantlaxmi.segment.manifest import Gap

#: Table of each kind of message.
TABLE_OF: Final = {
    EventKind.TRADE: "trades",
    EventKind.DEPTH: "depth",
    EventKind.QUOTE: "quotes",
    EventKind.FUNDING: "funding",
}
_HOUR_NS: Final = 3_600 * 10**9
_GAPS: Final = {
    EventKind.TRADE: "trade after {last} is missing, the next is {found}",
    EventKind.DEPTH: "depth update after {last} is missing, the next joins {found}",
    EventKind.FUNDING: "a settlement is missing: nothing is paid between these two",
}


class Feed(Protocol):
    """Messages of one instrument, read piece by piece.

    Attributes
    ----------
    rows : MessageRows
        Messages that were read and wait for their place in the order.
    symbol : str
    finished : bool
        There is no more to read.
    messages : Counter of str
        Messages in the segment, by table.
    raw_bytes : int
        Bytes read so far, as stored.
    """

    finished: bool
    messages: Counter[str]

    @property
    def rows(self) -> MessageRows: ...
    @property
    def symbol(self) -> str: ...
    @property
    def raw_bytes(self) -> int: ...
    def feed(self) -> None:
        """Read the next piece."""

    def refuse(self, line: int, n_lines: int, code: int, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""

    def count_gap(self, line: int, n_listed: int) -> bool:
        """Count a gap before a line; whether it is listed, when ``n_listed`` are already."""


def merged_tables(
    feeds: Sequence[Feed], gaps: list[Gap], report_progress: Callable[[int], None]
) -> Generator[Tables, None, None]:
    """Yield the segment's rows in order.

    Parameters
    ----------
    feeds : sequence of Feed
    gaps : list of Gap
        Filled.
    report_progress : callable
        Called with the bytes read so far, as stored.
    """
    merge = StreamMerge([feed.rows for feed in feeds])
    while True:
        finished = [feed.finished for feed in feeds]
        tables = merge.release(finished)
        for feed, counts in zip(feeds, merge.take_counts(), strict=True):
            feed.messages.update(counts)
        for source, line, code, number, before, n_lines in merge.take_faults():
            feeds[source].refuse(line, n_lines, code, f"{number} after {before}")
        for source, seq, start_ns, end_ns, last, found, line, rank in merge.take_gaps():
            feed, kind = feeds[source], EventKind(rank)
            silence = last is None
            listed = len(gaps) < MAX_LISTED_GAPS if silence else feed.count_gap(line, len(gaps))
            if listed:
                reason = _GAPS[kind] if not silence else f"no {TABLE_OF[kind]} for {{hours}} hours"
                hours = (end_ns - start_ns) // _HOUR_NS
                gap = Gap(
                    table=TABLE_OF[kind],
                    symbol=feed.symbol,
                    start_ns=start_ns,
                    end_ns=end_ns,
                    after_seq=seq,
                    reason=reason.format(last=last, found=found, hours=hours),
                )
                gaps.append(gap)
        if tables:
            yield tables
        if merge.more:
            continue
        if all(finished):
            gaps.extend(_lost_at_the_end(feeds, merge.seq - 1))
            return
        _furthest_behind(feeds).feed()
        report_progress(sum(feed.raw_bytes for feed in feeds))


def _lost_at_the_end(feeds: Sequence[Feed], after_seq: int) -> list[Gap]:
    """Settlements set aside behind the last one of their file."""
    end_ns = max(feed.rows.high_ns for feed in feeds)
    return [
        Gap(
            table="funding",
            symbol=feed.symbol,
            start_ns=feed.rows.high_ns,
            end_ns=end_ns,
            after_seq=after_seq,
            reason="a settlement is missing: nothing is paid from here on",
        )
        for feed in feeds
        if feed.rows.lost
    ]


def crowded(path: Path, line: int, limit: str, window_ns: int) -> InputError:
    """The error of a file with too many messages that wait for their place in the order.

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
        "of the reorder window; so many cannot wait until their order is known",
        f"line {line}",
    )


def _furthest_behind(feeds: Sequence[Feed]) -> Feed:
    """The unfinished one whose latest receive time is the earliest."""
    return min(
        (feed for feed in feeds if not feed.finished),
        key=lambda feed: feed.rows.high_ns if feed.rows.started else -1,
    )
