"""Reports of finished items: one file each, named by the item's key, which its content gives.

A file is canonical JSON of the item's inputs, the figures that its row is made of, and the gate
report without its time of writing. So the same item has the same bytes whoever does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.batch.plan import item_key
from quantlaxmi.batch.records import Figures
from quantlaxmi.canonical import canonical_digest, canonical_json
from quantlaxmi.errors import CatalogError, NondeterminismError, ReportError, SegmentCorrupt
from quantlaxmi.files import one_line_errors, read_bounded, sync_folder, write_pieces
from quantlaxmi.report.gate_report import (
    MAX_DEPTH,
    MAX_REPORT_BYTES,
    GateReport,
    report_from_plain,
)

__all__ = ["FOLDER", "ItemReport", "load_item", "report_name", "store_item"]

#: Their folder in that of the catalog.
FOLDER: Final = "reports/json"
FORMAT: Final = "quantlaxmi-item"
VERSION: Final = 1
#: The time of writing of every report in a catalog; a journal's lines say how long items took.
NO_TIME: Final = "1970-01-01T00:00:00Z"
_DOMAIN: Final = "quantlaxmi.item-file.1"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset(
    {"format", "version", "key", "inputs", "figures", "report", "hash"},
)


class ItemReport(msgspec.Struct, frozen=True, kw_only=True):
    """Content of an item's file.

    Attributes
    ----------
    inputs : dict
        All that the report depends on; the key is their hash.
    figures : Figures
    report : GateReport
    """

    inputs: dict[str, Any]
    figures: Figures
    report: GateReport

    @property
    def key(self) -> str:
        """Key of the item."""
        return item_key(self.inputs)

    def to_bytes(self) -> bytes:
        """Canonical text of the file."""
        plain = self.report.to_json()
        del plain["timestamp"]
        content = {
            "format": FORMAT,
            "version": VERSION,
            "key": self.key,
            "inputs": self.inputs,
            "figures": msgspec.to_builtins(self.figures),
            "report": plain,
        }
        content["hash"] = canonical_digest(_DOMAIN, content).hex()
        return canonical_json(content) + b"\n"


def report_name(key: str) -> str:
    """Name of an item's file, relative to the catalog.

    Raises
    ------
    CatalogError
        The key is none: names are made of nothing else.
    """
    if not _KEY.fullmatch(key):
        raise CatalogError("key", f"was {key[:80]!r}, expected 64 hexadecimal digits")
    return f"{FOLDER}/{key[:2]}/{key}.json"


def store_item(folder: Path, item: ItemReport) -> str:
    """Write an item's file, durable when this returns.

    Parameters
    ----------
    folder : Path
        The catalog's.
    item : ItemReport

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    NondeterminismError
        It is there with other content; both are kept, under two names.
    CatalogError
        It cannot be written, or what is there was changed.
    """
    data, path = item.to_bytes(), folder / report_name(item.key)
    digest = hashlib.sha256(data).hexdigest()
    _make_folder(path.parent)
    if os.path.lexists(path):
        there = _read(folder, item.key)
        if there == data:
            return digest
        _decoded(path, item.key, there)  # what was changed afterwards is no second answer
        other = path.with_name(f"{item.key}-{digest[:16]}.json")
        write_pieces(other, (data,), CatalogError)
        raise NondeterminismError(
            path, f"has other content than the same item gave now, which is kept as {other.name}"
        )
    write_pieces(path, (data,), CatalogError)
    return digest


def _make_folder(path: Path) -> None:
    if path.is_symlink():
        raise CatalogError(path, "is a symbolic link")
    with one_line_errors(path, "cannot be made", CatalogError):
        try:
            path.mkdir()
        except FileExistsError:
            return
        sync_folder(path.parent)


def load_item(folder: Path, key: str) -> tuple[ItemReport, str]:
    """Read an item's file.

    Parameters
    ----------
    folder : Path
        The catalog's.
    key : str

    Returns
    -------
    item : ItemReport
    digest : str
        SHA-256 of the file.

    Raises
    ------
    CatalogError
        The file is missing, a link, too long, not canonical, or a hash of it does not match.
    """
    data = _read(folder, key)
    item = _decoded(folder / report_name(key), key, data)
    return item, hashlib.sha256(data).hexdigest()


def _read(folder: Path, key: str) -> bytes:
    # One folder at a time: a link anywhere below the catalog is refused.
    place = folder / FOLDER
    for part in (folder / "reports", place):
        if part.is_symlink():
            raise CatalogError(part, "is a symbolic link")
    try:
        return read_bounded(place, f"{key[:2]}/{key}.json", MAX_REPORT_BYTES)
    except SegmentCorrupt as error:
        raise CatalogError(error.source, error.problem, error.place) from None


def _decoded(path: Path, key: str, data: bytes) -> ItemReport:
    try:
        plain = json.loads(data)
        if _too_deep(plain) or canonical_json(plain) + b"\n" != data:
            raise ValueError("not its own canonical encoding")
    except (ValueError, RecursionError) as error:
        problem = str(error).splitlines()[0][:120]
        raise CatalogError(path, f"is no item's report: {problem}") from None
    if not isinstance(plain, dict) or set(plain) != _FIELDS or plain["format"] != FORMAT:
        raise CatalogError(path, f"is no item's report: no format {FORMAT!r}")
    if type(plain["version"]) is not int or plain["version"] != VERSION:
        raise CatalogError(path, f"is of version {plain['version']!r}, expected {VERSION}")
    said = plain.pop("hash")
    if said != canonical_digest(_DOMAIN, plain).hex():
        raise CatalogError(path, "was changed: its hash is not that of its content", "hash")
    inputs, report = plain["inputs"], plain["report"]
    if not isinstance(inputs, dict) or plain["key"] != key or item_key(inputs) != key:
        raise CatalogError(path, "is not the report of this key", "key")
    if not isinstance(report, dict):
        raise CatalogError(path, "holds no gate report", "report")
    try:
        figures = msgspec.convert(plain["figures"], Figures)
        own = {k: v for k, v in report.items() if k not in ("format", "version")}
        found = report_from_plain(path, {**own, "timestamp": NO_TIME})
    except msgspec.ValidationError as error:
        raise CatalogError(path, str(error), "figures") from None
    except ReportError as error:
        raise CatalogError(path, error.problem, f"report.{error.place}") from None
    if figures.report_hash != found.report_hash:
        raise CatalogError(path, "has figures of another report", "figures")
    return ItemReport(inputs=inputs, figures=figures, report=found)


def _too_deep(plain: object) -> bool:
    """Whether lists and objects are nested deeper than a report's, and so could end the stack."""
    layer = [plain] if isinstance(plain, (dict, list)) else []
    for _ in range(MAX_DEPTH + 4):
        if not layer:
            return False
        layer = [
            value
            for one in layer
            for value in (one.values() if isinstance(one, dict) else one)
            if isinstance(value, (dict, list))
        ]
    return True
