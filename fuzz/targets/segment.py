"""Segments and recordings: files edited, and manifests forged so that their hashes fit.

A forged manifest names the edited log's true length and SHA-256, and the hashes of the columns
are taken as right, so that what is tested is what stands behind them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json
from fuzz.targets.trace_arrow import PIECES
from quantlaxmi.errors import InputError
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter, open_segment, recover, segment_info, split_segment
from quantlaxmi.segment import manifest as manifests
from tests.segments import INSTRUMENTS, make_tables

ALLOWED = (InputError,)
Files = dict[str, bytes]


def _files(path: Path) -> Files:
    found = {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    shutil.rmtree(path)
    return dict(sorted(found.items()))


@cache
def base(n_messages: int, sealed: bool) -> Files:
    """Files of a small segment, or of a recording whose writer died."""
    path = scratch.folder() / "base"
    writer = SegmentWriter(
        path, venue="binance", instruments=INSTRUMENTS, batch_rows=16, roll_bytes=4000
    )
    for table, columns in make_tables(n_messages).items():
        writer.append(table, columns)
    writer.flush()
    if not sealed:
        writer._abandon()
    else:
        writer.seal(
            gaps=[{"start_ns": 1, "end_ns": 2, "reason": "x"}],
            quarantine={"lines": 3, "reasons": {"b": 1, "a": 2}},
            sources=[{"name": "f.gz", "sha256": "0" * 64, "bytes": 3, "lines": 63}],
        )
    return _files(path)


def forged(files: Files, manifest: dict[str, Any]) -> bytes:
    """A manifest's text with the hashes that fit it and the log files it names."""
    try:
        for entry in manifest["tables"]:
            for log in entry["log"]:
                log["bytes"] = len(files[log["file"]])
                log["sha256"] = hashlib.sha256(files[log["file"]]).hexdigest()
            entry["bytes"] = len(files[entry["file"]])
        made = msgspec.convert(manifest, manifests.Manifest)
        made = msgspec.structs.replace(made, digest=manifests.segment_digest(made.tables))
        name = manifests.segment_name(made.venue, made.first_ts_ns, made.digest)
        made = msgspec.structs.replace(made, segment_id=name)
        made = msgspec.structs.replace(made, manifest_sha256=manifests.manifest_hash(made))
        return manifests.encode_manifest(made)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, OverflowError):
        return json.dumps(manifest, indent=2, ensure_ascii=False).encode(errors="replace") + b"\n"


def _write(files: Files, draw: Draw) -> Path:
    path = scratch.folder() / "case"
    shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    if draw.number(20) == 0:
        extra = path / draw.pick(("wal/x", "wal/quotes-009.arrows", "columns/x", "x"))
        extra.parent.mkdir(parents=True, exist_ok=True)
        extra.write_bytes(b"x")
    if draw.number(20) == 0:
        name = draw.pick(sorted(files))
        (path / name).unlink()
        if draw.number(2):
            (path / name).symlink_to("/dev/zero")
    return path


def one(draw: Draw) -> None:
    sealed = draw.number(3) > 0
    files = dict(base(draw.pick((0, 12, 30)), sealed))
    for _ in range(draw.number(3)):
        name = draw.pick(sorted(files))
        words = WORDS if name.endswith("json") else PIECES
        files[name] = edit_bytes(draw, files[name], words, 2)
    if draw.number(3):
        try:
            manifest = json.loads(files["segment.json"])
        except (ValueError, RecursionError):
            manifest = None
        if draw.number(2):
            manifest = edit_json(draw, manifest, 2)
        if isinstance(manifest, dict):
            files["segment.json"] = forged(files, manifest)
    path = _write(files, draw)
    trusting = draw.number(2) == 1
    verify = draw.pick(("all", "columns", "log", "manifest"))
    with mock.patch("quantlaxmi.segment.read.run_hashes", _trust) if trusting else mock.MagicMock():
        if not sealed:
            recover(path)
            with SegmentWriter.resume(path) as writer:
                writer.seal()
        segment = open_segment(path, verify=verify)  # type: ignore[arg-type]
        segment_info(segment)
        for table in TABLES:
            for batch in segment.log(table):
                assert len({len(column) for column in batch.values()}) == 1
            segment.columns(table)
            segment.arrow(table)
        if draw.number(4):
            return
        out = scratch.folder() / "parts"
        shutil.rmtree(out, ignore_errors=True)
        split_segment(segment, out, rows=7)


def _trust(tasks: list[Any], _pool: object) -> list[str]:
    return [task.expected for task in tasks]
