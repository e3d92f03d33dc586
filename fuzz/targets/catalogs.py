"""Catalogs of sweeps: one of their files edited, then read, verified and made into a table."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_lines
from quantlaxmi.batch import Catalog, compact
from quantlaxmi.errors import InputError
from tests.batch.catalogs import filled

ALLOWED = (InputError,)


@functools.cache
def whole() -> tuple[dict[str, bytes], dict[str, str]]:
    """Files of a compacted catalog of two items, and the hash of each item's report."""
    folder = scratch.folder() / "whole-catalog"
    shutil.rmtree(folder, ignore_errors=True)
    catalog = filled(folder)
    compact(catalog)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    hashes = {key: catalog.report(key).report_hash for key in catalog.rows}
    shutil.rmtree(folder)
    return files, hashes


def edited(draw: Draw, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with one of them changed, cut, doubled under another name, or gone."""
    made = dict(files)
    name = draw.pick(tuple(made))
    data = made.pop(name)
    kind = draw.number(8)
    if kind == 0:
        return made
    if kind == 1:
        made[draw.pick(tuple(files))] = data
        return made
    if name.endswith((".json", ".jsonl")) and kind < 5:
        made[name] = b"".join(edit_lines(draw, data.splitlines(keepends=True)))
    else:
        made[name] = edit_bytes(draw, data, WORDS, 2)
    return made


def one(draw: Draw) -> None:
    files, hashes = whole()
    folder = Path(scratch.folder()) / "catalog"
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in edited(draw, files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    catalog = Catalog.open(folder).refresh()
    catalog.describe()
    keys = list(catalog.rows)
    assert set(keys) <= set(hashes)
    for key in keys:
        try:
            assert catalog.report(key).report_hash == hashes[key]
        except InputError:
            continue
    assert len(catalog.table()) == len(keys)
    catalog.verify()
