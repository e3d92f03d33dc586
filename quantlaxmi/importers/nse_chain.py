"""Format ``nse-chain``: folders of recorded option-chain snapshots, one underlying a segment.

A *line* of this format is a snapshot: what is counted, set aside and shown in the manifest.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from quantlaxmi.counted import agreed, counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.chain import chain_rows
from quantlaxmi.importers.nse.contracts import IST, VENUE
from quantlaxmi.importers.nse.day import ChainDay, read_day
from quantlaxmi.importers.nse.snapshot import Snapshot
from quantlaxmi.importers.nse.weekdays import day_numbers, weekday_gaps
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    ImportedFile,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
from quantlaxmi.segment.manifest import Gap
from quantlaxmi.segment.rows import whole_messages

__all__ = ["open_source"]

#: Share of a day's snapshots that may be set aside, unless ``--max-quarantine`` allows more.
FORGIVEN_SNAPSHOTS: Final = Fraction(1, 20)
#: A step this many times as long as the median of them is a gap.
GAP_STEPS: Final = Fraction(4, 3)
#: Rows handed on at a time.
_BATCH_ROWS: Final = 1 << 16


class _SnapshotFile(ImportedFile):
    """A file of one snapshot: the share set aside is of all files, so `open_source` looks at it."""

    def check_share(self, max_quarantine: Fraction) -> None:
        """Nothing: one snapshot is either taken or set aside."""


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Snapshots of an underlying in folders, as a source of the table ``chain``.

    Parameters
    ----------
    inputs : sequence of Path or str
        Folders of ``<UNDERLYING>_<YYYYMMDD>_<HHMMSS>.parquet``.
    options : ImportOptions
        ``underlying`` must be given.

    Raises
    ------
    StaleSnapshot
        The exchange's time is of another day than the collection.
    InputError
        No underlying or a mapping is given, a snapshot cannot be used, or too many are set aside.
    ConfigError
        The dated table has no lot of a contract, or no session of an expiry.
    """
    folders = input_paths(inputs, "nse-chain")
    if options.underlying is None:
        raise InputError("import", "needs --underlying NAME for nse-chain, such as NIFTY")
    if options.mapping is not None:
        raise InputError("--mapping", "is not for nse-chain: its columns are known")
    days = [read_day(folder, options.underlying) for folder in folders]
    taken = sorted((one for day in days for one in day.snapshots), key=lambda one: one.ts_ns)
    unchanged = frozenset(k for k in range(1, len(taken)) if taken[k].same_as(taken[k - 1]))
    instruments, rows = chain_rows(taken, unchanged)
    files = _files(days, options)
    total = sum(file.raw_bytes for file in files)

    def tables(_: Path) -> Generator[Tables, None, None]:
        for start, stop in whole_messages(rows["seq"], _BATCH_ROWS):
            yield {"chain": {name: column[start:stop] for name, column in rows.items()}}
        options.report_progress(total, total)

    gaps = _gaps(taken, [one for day in days for one in day.ahead])
    return Source(
        venue=VENUE,
        cadence="snapshots",
        instruments=instruments,
        tables=tables,
        files=files,
        gaps=gaps,
        knows_days=True,
        notes=_notes(taken, unchanged, len(instruments), len(gaps)),
    )


def _files(days: Sequence[ChainDay], options: ImportOptions) -> list[ImportedFile]:
    """One record a snapshot, in the order of their names."""
    found: list[ImportedFile] = []
    for one, taken in sorted(
        ((one, taken) for day in days for part, taken in ((day.snapshots, True), (day.ahead, False))
         for one in part),
        key=lambda pair: pair[0].ts_ns,
    ):  # fmt: skip
        file = _SnapshotFile(
            path=one.path,
            log=QuarantineLog(one.path, "snapshot", options.strict),
            symbol=one.underlying,
            lines=1,
            message_lines=int(taken),
            messages_by_kind={"chain": int(taken)},
            raw_bytes=one.n_bytes,
            text_bytes=one.n_bytes,
            sha256=one.sha256,
        )
        if not taken:
            file.log.add(1, "exchange-ahead", f"exchange time is {one.ahead_s} s after collection")
        found.append(file)
    aside = [file for file in found if not file.message_lines]
    most = max(options.max_quarantine, FORGIVEN_SNAPSHOTS)
    if len(aside) > most * len(found):
        what = f"{len(aside)} of {counted(len(found), 'snapshot[s]')} would be set aside"
        limit = f"expected at most {float(100 * most):g} %"
        raise InputError(aside[0].path, f"{what}, {limit}; {aside[0].log.summary()}")
    return found


def _gaps(snapshots: Sequence[Snapshot], ahead: Sequence[Snapshot]) -> list[Gap]:
    """Long steps within days, steps over a snapshot set aside, and weekdays without any."""
    ts_ns = np.array([one.ts_ns for one in snapshots], np.int64)
    steps, same_day = np.diff(ts_ns), np.diff(day_numbers(ts_ns)) == 0
    usual = int(np.median(steps[same_day])) if same_day.any() else 0
    found = weekday_gaps(ts_ns, np.arange(len(ts_ns)), "snapshot", "chain")
    for k in range(len(steps)):
        inside = [one.name for one in ahead if ts_ns[k] < one.ts_ns < ts_ns[k + 1]]
        is_long = steps[k] * GAP_STEPS.denominator > usual * GAP_STEPS.numerator
        if not same_day[k] or not (is_long or inside):
            continue
        why = f"{steps[k] // 10**9} s between snapshots, the median is {usual // 10**9} s"
        if inside:
            why += f"; set aside: {', '.join(inside[:3])}"
        start, end = int(ts_ns[k]), int(ts_ns[k + 1])
        found.append(Gap(table="chain", start_ns=start, end_ns=end, after_seq=k, reason=why))
    return sorted(found, key=lambda gap: gap.start_ns)


def _notes(
    snapshots: Sequence[Snapshot], unchanged: frozenset[int], n_contracts: int, n_gaps: int
) -> list[str]:
    first, last = (
        datetime.fromtimestamp(one.ts_ns // 10**9, IST) for one in (snapshots[0], snapshots[-1])
    )
    ages = np.sort([-one.ahead_s for one in snapshots])
    expiries = {day for one in snapshots for day in one.expiries}
    lots = sorted({int(n) for one in snapshots for n in np.unique(one.columns["lot"])})
    notes = [
        f"{counted(len(snapshots), 'snapshot[s]')} of {counted(n_contracts, 'option[s]')} "
        f"on {snapshots[0].underlying} in "
        f"{counted(len(expiries), 'expir[y|ies]')}, collected {first:%Y-%m-%d %H:%M:%S} to "
        f"{last:%Y-%m-%d %H:%M:%S} by the clock of India.",
        f"Quotes were {ages[0]} to {ages[-1]} s old when they were collected, in the median "
        f"{ages[(len(ages) - 1) // 2]} s.",
        f"Sizes are units of the index; lots {', '.join(map(str, lots))} are the dated table's.",
        "iv is the exchange's: by spot at 10 % interest over whole days, calls and puts differ.",
    ]
    if unchanged:
        names = [snapshots[k].name for k in sorted(unchanged)]
        notes.append(
            f"{counted(len(names), 'snapshot[s] [differs|differ] from the one before in time')} "
            f"alone and {agreed(len(names), '[counts|count]')} as "
            f"unchanged: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}."
        )
    stamps = [one.exch_ts_ns for one in snapshots]
    pairs = enumerate(itertools.pairwise(stamps), 1)
    if old := [snapshots[k].name for k, (a, b) in pairs if a == b and k not in unchanged]:
        notes.append(
            f"{counted(len(old), 'snapshot[s] [has|have]')} other content under the "
            "exchange time of the one before: "
            f"{', '.join(old[:3])}{', ...' if len(old) > 3 else ''}."
        )
    if n_gaps:
        notes.append(f"{counted(n_gaps, 'step[s] between snapshots [is a gap|are gaps]')}.")
    return notes
