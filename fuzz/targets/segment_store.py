"""A store's segments and a machine's cache of them: files edited in either, manifests forged.

What is held is the segment that was asked for, row by row. What is refused leaves nothing behind
but a lock, and the next one that asks a good store has it.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json
from fuzz.targets.segment import Files, base, forged
from fuzz.targets.trace_arrow import PIECES
from quantlaxmi.batch.segment_cache import SegmentCache
from quantlaxmi.batch.store import store_at
from quantlaxmi.errors import SegmentError
from quantlaxmi.segment import open_segment

ALLOWED = (SegmentError,)
_ROOM = 1 << 20


@cache
def asked(n_messages: int) -> tuple[str, str]:
    """Hashes of a segment's manifest and rows."""
    path = _written(scratch.folder() / "asked", base(n_messages, True))
    found = open_segment(path)
    return found.manifest.manifest_sha256, found.digest


def _written(path: Path, files: Files) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def _edited(draw: Draw, files: Files) -> Files:
    files = dict(files)
    for _ in range(1 + draw.number(2)):
        name = draw.pick(sorted(files))
        words = WORDS if name.endswith("json") else PIECES
        files[name] = edit_bytes(draw, files[name], words, 2)
    if draw.number(3) == 0:
        del files[draw.pick(sorted(files))]
    return files


def _forged(draw: Draw, files: Files) -> tuple[Files, str]:
    """Files with a manifest of another content that hashes to its own name."""
    manifest = edit_json(draw, json.loads(files["segment.json"]), 2)
    made = dict(files)
    digest = ""
    if isinstance(manifest, dict):
        made["segment.json"] = forged(files, manifest)
        told = json.loads(made["segment.json"]).get("manifest_sha256")
        digest = told if isinstance(told, str) else ""
    return made, digest


def one(draw: Draw) -> None:
    n = draw.pick((0, 12, 30))
    good, (digest, rows) = base(n, True), asked(n)
    shelf, held = scratch.folder() / "shelf", scratch.folder() / "held"
    for folder in (shelf, held):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    way, wanted = draw.number(4), digest
    stored, kept = good, None
    if way == 0:
        stored = _edited(draw, good)
    elif way == 1:
        stored, told = _forged(draw, good)
        wanted = told if draw.number(2) else digest
    else:
        kept = _edited(draw, good)
    try:
        named = shelf / wanted
        _written(named, stored)
    except (OSError, ValueError):  # a forged name that no folder can have
        return
    if kept is not None:
        _written(held / (digest + draw.pick(("", ".part"))), kept)
    linked = draw.number(10) == 0
    if linked:
        link = named / draw.pick(sorted(stored) or ["segment.json"])
        link.unlink(missing_ok=True)
        link.symlink_to(draw.pick(("/dev/zero", "segment.json", "/etc")))
    room = draw.pick((_ROOM, _ROOM, 1000))
    cached = SegmentCache(held, room)
    try:
        found = cached.held(store_at(str(shelf)), wanted)
    except SegmentError:
        left = {path.name for path in held.iterdir()} - {f"{wanted}.lock"}
        assert not left, left
        assert kept is None or linked or room < _ROOM, "a good store was refused"
        raise
    try:
        assert found.segment.manifest.manifest_sha256 == wanted
        if wanted == digest:
            assert found.segment.digest == rows
    finally:
        found.release()
