"""A catalog: the folder that keeps what sweeps planned and did.

The journal is the truth, the reports' files are what it names, and Parquet is a view that can be
deleted. Nothing in the folder names a place outside it, and no file of it is code.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from quantlaxmi.batch.agreement import check_agreement
from quantlaxmi.batch.journal import (
    FOLDER,
    JournalFile,
    JournalWriter,
    cut_torn,
    journal_names,
)
from quantlaxmi.batch.parquet import View, rows_of, view_state
from quantlaxmi.batch.records import (
    DONE,
    Drawn,
    Family,
    Finished,
    Planned,
    Record,
    Writer,
    encoded,
)
from quantlaxmi.batch.report_files import ItemReport, load_item
from quantlaxmi.batch.rows import Row
from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import CatalogError, NondeterminismError
from quantlaxmi.files import CATALOG_HEAD, check_apart, one_line_errors, read_regular, write_pieces
from quantlaxmi.report.gate_report import GateReport
from quantlaxmi.run.result_table import ResultTable

__all__ = ["NAME", "SCHEMA", "Catalog"]

#: The file that makes a folder a catalog.
NAME: Final = CATALOG_HEAD
SCHEMA: Final = 1
FORMAT: Final = "quantlaxmi-catalog"
#: Folders that a new catalog has.
_FOLDERS: Final = (FOLDER, "reports", "reports/json", "checkpoints", "leases")
#: Were one a link, a sweep would write or remove files elsewhere; `Leases` sees to its own.
_NO_LINKS: Final = (
    *(NAME, FOLDER, "reports", "reports/json", "checkpoints", "timings", "gates", "trials"),
)
_ROWS_TAG: Final = b"quantlaxmi.catalog-rows.1\0"


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``catalog.json``."""

    format: str
    schema: int
    id: str


#: Texts that many rows have in common: each is kept once.
_SHARED: Final = (
    *("segment_id", "segment_digest", "strategy_id", "code_digest", "grid_hash", "run_hash"),
    *("policy_hash", "engine_version", "gates"),
)


class Catalog:
    """A folder of sweeps; made by `Catalog.open` or `Catalog.create`.

    Attributes
    ----------
    folder : Path
    catalog_id : str
    rows : dict of str to Row
        By key, as they were read last.
    families : list of Family

    Examples
    --------
    >>> catalog = Catalog.create("sweeps")
    >>> len(catalog.rows)
    0
    """

    def __init__(self, folder: Path, catalog_id: str) -> None:
        self.folder, self.catalog_id = folder, catalog_id
        self.rows: dict[str, Row] = {}
        self.families: list[Family] = []
        self._files: dict[str, JournalFile] = {}
        self._early: dict[str, list[Finished | Drawn]] = {}

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """Read the catalog in a folder.

        Parameters
        ----------
        folder : Path or str

        Raises
        ------
        CatalogError
            There is none, it is of a newer schema, or the chain of a journal is broken.
        NondeterminismError
            Two sweeps wrote different reports of one item.

        Examples
        --------
        >>> made = Catalog.create("sweeps")
        >>> Catalog.open("sweeps").catalog_id == made.catalog_id
        True
        """
        path = Path(folder)
        if "\0" in str(folder) or not os.path.lexists(path / NAME):
            raise CatalogError(path, f"is no catalog: it has no {NAME}")
        for name in _NO_LINKS:
            if (path / name).is_symlink():
                raise CatalogError(path / name, "is a symbolic link")
        raw = read_regular(path / NAME, 4096, CatalogError, "a catalog")
        try:
            plain = json.loads(raw)
            newer = plain["schema"] if isinstance(plain, dict) else 0
            if type(newer) is int and newer > SCHEMA:
                raise CatalogError(
                    path / NAME, f"is of schema {newer}, newer than {SCHEMA}: update quantlaxmi"
                )
            head = msgspec.convert(plain, _Head)
            sound = (head.format, head.schema) == (FORMAT, SCHEMA) and len(head.id) == 36
        except (ValueError, KeyError, RecursionError, msgspec.ValidationError):
            sound = False
        if not sound:
            raise CatalogError(path / NAME, "is not that of a catalog")
        return cls(path, head.id).refresh()

    @classmethod
    def create(cls, folder: Path | str) -> Self:
        """Open the catalog in a folder, made where there is none.

        Parameters
        ----------
        folder : Path or str
            It is a catalog, is empty, or does not exist; its parent does.

        Raises
        ------
        CatalogError
            As `open`, and where the folder is a segment's, has other files, or cannot be made.

        Examples
        --------
        >>> Catalog.create("sweeps").folder.name
        'sweeps'
        """
        path = Path(folder)
        if "\0" in str(folder):
            raise CatalogError(repr(str(folder)), "is no name of a folder")
        check_apart(path / NAME, CatalogError)
        if os.path.lexists(path / NAME):
            return cls.open(path)
        with one_line_errors(path, "cannot be made", CatalogError):
            path.mkdir(exist_ok=True)
            # What a sweep left that was stopped here is empty folders, and they are made again.
            if any(one.name not in _FOLDERS for one in path.iterdir()):
                raise CatalogError(path, "has other files and is no catalog; name another folder")
            for name in _FOLDERS:
                (path / name).mkdir(exist_ok=True)
        head = _Head(format=FORMAT, schema=SCHEMA, id=str(uuid.uuid4()))
        write_pieces(
            path / NAME, (canonical_json(msgspec.to_builtins(head)) + b"\n",), CatalogError
        )
        return cls.open(path)

    def refresh(self) -> Self:
        """Read what was added to the journals since the last time.

        Raises
        ------
        CatalogError
            The chain of a journal is broken, naming file and line; or a file is gone.
        NondeterminismError
            Two sweeps wrote different reports of one item.
        """
        names = journal_names(self.folder)
        for name in self._files.keys() - set(names):
            raise CatalogError(self.folder / FOLDER / name, "was removed while it was in use")
        for name in names:
            file = self._files.get(name)
            if file is None:
                path = self.folder / FOLDER / name
                file = self._files[name] = JournalFile(path, self.catalog_id)
            for record in file.refresh():
                self.take(record)
        return self

    @property
    def journal_lines(self) -> dict[str, int]:
        """Lines of every journal, by its file's name, as they were read last."""
        return {name: file.lines for name, file in sorted(self._files.items())}

    def cut_torn(self) -> None:
        """Take off the unfinished last lines of stopped sweeps, and warn of each.

        Warns
        -----
        LeftoverRemoved
        """
        for file in self._files.values():
            cut_torn(file)

    def writer(self) -> JournalWriter:
        """Return a writer of a new file of the journal; its lines are read back by `refresh`."""
        return JournalWriter(self.folder, Writer(catalog=self.catalog_id, schema=SCHEMA))

    def take(self, record: Record) -> None:
        """Take a record of a journal into account.

        Raises
        ------
        NondeterminismError
            It names another report of a finished item.
        """
        if isinstance(record, Planned):
            row = self.rows.get(record.key)
            if row is None:
                for name in _SHARED:
                    text = getattr(record, name)
                    msgspec.structs.force_setattr(record, name, sys.intern(text))
                row = self.rows[record.key] = Row(record)
            for early in self._early.pop(record.key, ()):
                self._add(row, early)
        elif isinstance(record, Family):
            self.families.append(record)
        elif isinstance(record, (Finished, Drawn)):
            found = self.rows.get(record.key)
            if found is None:  # the line that plans it stands in a file that is read later
                self._early.setdefault(record.key, []).append(record)
            else:
                self._add(found, record)

    def _add(self, row: Row, record: Finished | Drawn) -> None:
        if isinstance(record, Drawn):
            if row.drawn is None or _drawn(record) > _drawn(row.drawn):
                row.drawn = record
            return
        before = row.finished
        if before is None or before.status != DONE:
            row.finished = record
        elif record.status == DONE and record.report != before.report:
            raise NondeterminismError(
                self.folder,
                f"has two reports of item {record.key}, SHA-256 {before.report} and "
                f"{record.report}; expected the same bytes",
            )

    def report(self, key: str) -> GateReport:
        """Return the gate report of a finished item.

        Parameters
        ----------
        key : str

        Raises
        ------
        CatalogError
            There is no such item, it has no report, or the file was changed.
        """
        return self.item(key).report

    def item(self, key: str) -> ItemReport:
        """Return the file of a finished item, as `report` does its report."""
        row = self.rows.get(key)
        if row is None or row.finished is None or not row.is_done:
            raise CatalogError(self.folder, f"has no report of item {key[:64]}")
        found, digest = load_item(self.folder, key)
        if digest != row.finished.report:
            raise CatalogError(
                self.folder, f"has a report with SHA-256 {digest}, the journal says otherwise", key
            )
        return found

    def versions(self) -> dict[str, int]:
        """Items by the version of package and engine that planned them, the newest last."""
        found: dict[str, int] = {}
        for row in self.rows.values():
            version = row.planned.engine_version
            found[version] = found.get(version, 0) + 1
        return {name: found[name] for name in sorted(found, key=_version_order)}

    def of_version(self, version: str) -> list[Row]:
        """Items of one version, by key."""
        keys = sorted(k for k, row in self.rows.items() if row.planned.engine_version == version)
        return [self.rows[key] for key in keys]

    def rows_hash(self) -> str:
        """SHA-256 over all rows, sorted, without timings and attempts: equal for equal results."""
        digest = hashlib.sha256(_ROWS_TAG)
        for line in self._plain_rows():
            digest.update(line + b"\n")
        return digest.hexdigest()

    def _plain_rows(self) -> Iterator[bytes]:
        for key in sorted(self.rows):
            row, found = self.rows[key], None
            if row.finished is not None:
                found = msgspec.to_builtins(row.finished)
                for name in ("timings", "attempts"):
                    found.pop(name, None)
            yield encoded([msgspec.to_builtins(row.planned), found])

    def verify(self) -> str:
        """Read every journal and every report anew, and compare them.

        Returns
        -------
        str
            `rows_hash`.

        Raises
        ------
        CatalogError
            A chain is broken, or a report is missing, changed, or not what its row says.

        Examples
        --------
        >>> len(Catalog.create("sweeps").verify())
        64
        """
        again = type(self).open(self.folder)
        if again._early:
            key = sorted(again._early)[0]
            raise CatalogError(self.folder, f"has a line of item {key}, which no line planned")
        for key in sorted(again.rows):
            row = again.rows[key]
            if row.is_done and row.finished is not None:
                check_agreement(self.folder, row.planned, row.finished, again.item(key))
        again.view()
        return again.rows_hash()

    def view(self) -> View:
        """Return whether the Parquet view is that of the journals; see `parquet.view_state`.

        Raises
        ------
        CatalogError
            Its manifest is none, or a part is not the one that it names.
        """
        rows = [self.rows[key] for key in sorted(self.rows)]
        return view_state(self.folder, rows, self.journal_lines)

    def table(self) -> ResultTable:
        """Return one row an item.

        It is made of the journals, so that it is never older than they are; the Parquet view is
        for other programs.
        """
        return self.table_of(self.rows)

    def table_of(self, keys: Iterable[str]) -> ResultTable:
        """Return one row for each of some items, sorted by key."""
        return ResultTable(rows_of(self.rows[key] for key in sorted(keys)))

    def describe(self) -> dict[str, Any]:
        """Return facts of the catalog: items by status and version, files, torn bytes."""
        statuses: dict[str, int] = {}
        for row in self.rows.values():
            statuses[row.status] = statuses.get(row.status, 0) + 1
        return {
            "catalog": self.catalog_id,
            "items": len(self.rows),
            "status": dict(sorted(statuses.items())),
            "versions": self.versions(),
            "journals": len(self._files),
            "lines": sum(self.journal_lines.values()),
            "torn_bytes": sum(file.torn for file in self._files.values()),
        }


def _drawn(record: Drawn) -> int:
    drifting = 0 if record.drifting is None else record.drifting.tried
    return drifting + record.driftless.tried + record.ended


def _version_order(version: str) -> tuple[tuple[int, ...], str]:
    """Versions by their numbers; one that has none comes first."""
    parts = version.replace("/", ".").split(".")
    digits = (
        part if part.isascii() and part.isdigit() and len(part) < 10 else "-1" for part in parts
    )
    return tuple(map(int, digits)), version
