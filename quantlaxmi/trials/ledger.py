"""A trial ledger: a folder with one hash-chained file a writer, whose union is what was tried.

Merging the ledgers of two machines is putting their files into one folder. A trial counts once by
segment, strategy, code and settings, however many lines or files tell of it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, Literal

from quantlaxmi.errors import TrialError
from quantlaxmi.files import check_apart, one_line_errors
from quantlaxmi.system.folders import open_to_lock
from quantlaxmi.system.locks import lock
from quantlaxmi.trials.chain import ChainFile
from quantlaxmi.trials.records import (
    Extent,
    Judgement,
    Opening,
    Record,
    Seal,
    Trial,
    TrialKey,
    identity,
)
from quantlaxmi.trials.writer import TrialWriter

__all__ = ["ENVIRONMENT", "TrialLedger", "current_ledger", "ledger_in", "using", "without_ledger"]

#: Names the folder of the ledger where no call or option does.
ENVIRONMENT: Final = "QUANTLAXMI_TRIALS"
MAX_FILES: Final = 10_000
_NAME: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl")


class TrialLedger:
    """The trials, seals, openings and judgements of a folder.

    Parameters
    ----------
    folder : Path or str
        It exists: a name that was mistyped shall not hide what was tried, nor a seal.

    Raises
    ------
    TrialError
        There is no such folder, or it is inside a segment.

    Examples
    --------
    >>> import os
    >>> os.mkdir("trials")
    >>> TrialLedger("trials").count()
    0
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        with one_line_errors(self.folder, "cannot be read", TrialError):
            if "\0" in str(folder) or not self.folder.is_dir():
                raise TrialError(str(folder), "is no folder; expected that of a trial ledger")
        check_apart(self.folder / "trials.jsonl", TrialError)
        self._files: dict[str, ChainFile] = {}
        self._writer: TrialWriter | None = None
        self._lock = threading.RLock()

    @property
    def files(self) -> tuple[ChainFile, ...]:
        """The files as they were read last, by name."""
        return tuple(self._files[name] for name in sorted(self._files))

    def refresh(self) -> TrialLedger:
        """Read what was added to the folder since the last time.

        Raises
        ------
        TrialError
            The chain of a file is broken, naming file and line; or a file is a link, too long, or
            named as no writer names one.
        """
        with self._lock:
            names = self._names()
            for name in names:
                self._files.setdefault(name, ChainFile(self.folder / name)).refresh()
            for name in self._files.keys() - set(names):
                del self._files[name]
        return self

    def _names(self) -> list[str]:
        names: list[str] = []
        with (
            one_line_errors(self.folder, "cannot be read", TrialError),
            os.scandir(self.folder) as entries,
        ):
            for entry in entries:
                if not entry.name.endswith(".jsonl"):
                    continue
                if not _NAME.fullmatch(entry.name):
                    raise TrialError(
                        self.folder / entry.name, "is not named as a writer's file, <uuid>.jsonl"
                    )
                names.append(entry.name)
                if len(names) > MAX_FILES:
                    raise TrialError(self.folder, f"has over {MAX_FILES} files")
        return sorted(names)

    def _records(self) -> Iterator[Record]:
        for file in self.files:
            yield from file.records

    def trials(self, data: Extent | None = None) -> tuple[Trial, ...]:
        """Every line of a trial that was read; with `data`, those that bear on it.

        Parameters
        ----------
        data : Extent, optional
            Trials on parts of one parent count for each other, and so do those on overlapping
            times of an instrument.
        """
        found = (one for one in self._records() if isinstance(one, Trial))
        return tuple(one for one in found if data is None or one.data.counts_for(data))

    def trial_keys(self, data: Extent | None = None) -> tuple[TrialKey, ...]:
        """Keys of the trials, each once, sorted."""
        return tuple(sorted({one.key for one in self.trials(data)}))

    def count(self, data: Extent | None = None) -> int:
        """Number of trials, each once."""
        return len(self.trial_keys(data))

    def seals(self) -> tuple[Seal, ...]:
        """Every seal, each once."""
        found = {one.seal_id: one for one in self._records() if isinstance(one, Seal)}
        return tuple(found[name] for name in sorted(found))

    def openings(self) -> dict[str, Opening]:
        """By seal: its opening. Of several, made on two machines, one that was judged, then the
        first by settings.
        """
        judged, found = self.judgements(), dict[str, Opening]()

        def rank(one: Opening) -> tuple[bool, str, str]:
            return one.opening_id not in judged, one.config_hash, one.opening_id

        for one in self._records():
            if isinstance(one, Opening):
                found[one.seal] = min(found.get(one.seal, one), one, key=rank)
        return found

    def judgements(self) -> dict[str, Judgement]:
        """By opening: what was found. Of several, made on two machines, the first by report."""
        found: dict[str, Judgement] = {}
        for one in self._records():
            if isinstance(one, Judgement):
                other = found.get(one.opening, one)
                found[one.opening] = min(other, one, key=lambda made: made.report)
        return found

    def check_whole(self) -> None:
        """Hold openings to seals, and judgements to openings.

        Raises
        ------
        TrialError
            One that no file has was opened or judged.
        """
        seals = {one.seal_id for one in self.seals()}
        opened = {one.opening_id for one in self._records() if isinstance(one, Opening)}
        for file in self.files:
            for number, one in enumerate(file.records, 1):
                if isinstance(one, Opening) and one.seal not in seals:
                    lost = "opens a seal"
                elif isinstance(one, Judgement) and one.opening not in opened:
                    lost = "judges an opening"
                else:
                    continue
                raise TrialError(file.path, f"{lost} that no file has", f"line {number}")

    def append(self, records: Iterable[Record]) -> int:
        """Write records that no line has yet; they are durable when this returns.

        Returns
        -------
        int
            Lines written.

        Raises
        ------
        TrialError
            The ledger is broken or cannot be written.
        """
        with self._lock:
            self.refresh()
            new = {identity(one): one for one in records}
            wanted = [
                one
                for name, one in new.items()
                if not any(name in file.known for file in self._files.values())
            ]
            if wanted:
                self.prepare()
                assert self._writer is not None
                self._writer.append(wanted)
                self._files[self._writer.file.path.name] = self._writer.file
            return len(wanted)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of such a block on this folder, and read up to now.

        Raises
        ------
        TrialError
            The folder cannot be locked, or the ledger is broken.
        """
        with one_line_errors(self.folder, "cannot be locked", TrialError):
            fd = open_to_lock(self.folder)
        try:
            with one_line_errors(self.folder, "cannot be locked", TrialError):
                lock(fd)
            self.refresh()
            yield
        finally:
            os.close(fd)  # gives the lock back

    def prepare(self) -> None:
        """Take a file to write to, before the work whose trial it shall have.

        Raises
        ------
        TrialError
            The folder cannot be written.
        """
        with self._lock:
            if self._writer is None or not self._writer.is_usable():
                self._writer = TrialWriter(self.folder, self.files)
                self._files[self._writer.file.path.name] = self._writer.file


_LEDGERS: dict[str, TrialLedger] = {}
#: None: that of the environment; False: none at all.
_CURRENT: ContextVar[TrialLedger | Literal[False] | None] = ContextVar("ledger", default=None)


def ledger_in(folder: Path | str) -> TrialLedger:
    """The ledger of a folder, read up to now; one object a folder and process.

    Raises
    ------
    TrialError
        As `TrialLedger`, and where a chain of it is broken.
    """
    name = os.path.realpath(folder) if "\0" not in str(folder) else str(folder)
    found = _LEDGERS.get(name)
    if found is None or not found.folder.is_dir():
        found = _LEDGERS[name] = TrialLedger(folder)
    return found.refresh()


def current_ledger(trials: Path | str | TrialLedger | None = None) -> TrialLedger | None:
    """The ledger that is in use: the one named, the caller's, or that of ``QUANTLAXMI_TRIALS``.

    Parameters
    ----------
    trials : Path, str or TrialLedger, optional
        Names it.

    Returns
    -------
    TrialLedger or None
        Read up to now; None where there is none.

    Raises
    ------
    TrialError
        As `ledger_in`.

    Examples
    --------
    >>> import os
    >>> os.mkdir("trials")
    >>> current_ledger("trials").count()
    0
    """
    if isinstance(trials, TrialLedger):
        return trials.refresh()
    if trials is not None:
        return ledger_in(trials)
    inside = _CURRENT.get()
    if inside is False:
        return None
    if inside is not None:
        return inside.refresh()
    named = os.environ.get(ENVIRONMENT)
    return ledger_in(named) if named else None


@contextmanager
def using(ledger: TrialLedger | None) -> Iterator[None]:
    """Make a ledger the current one, in this thread or task.

    Parameters
    ----------
    ledger : TrialLedger or None
        None leaves what is current.

    Returns
    -------
    context manager

    Examples
    --------
    >>> import os
    >>> os.mkdir("trials")
    >>> with using(TrialLedger("trials")):
    ...     current_ledger().folder.name
    'trials'
    """
    if ledger is None:
        yield
        return
    token = _CURRENT.set(ledger)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def without_ledger() -> Iterator[None]:
    """Use no ledger, in this thread or task: for runs on made data, which are nobody's trials."""
    token = _CURRENT.set(False)
    try:
        yield
    finally:
        _CURRENT.reset(token)
