"""A segment checked by docs/SEGMENT_FORMAT.md with pyarrow, hashlib and json alone."""

import hashlib
import json
import struct
from pathlib import Path

import pyarrow as pa

from quantlaxmi.schema import TABLES
from tests.naive.crc32c import crc32c


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).hexdigest()


def values(array, dtype):
    width = {"<i8": "q", "<i4": "i", "<i2": "h", "<i1": "b"}[dtype]
    return struct.pack(f"<{len(array)}{width}", *array.to_pylist())


def check(path: Path):
    """Assert everything the format page says of hashes; give the digest."""
    manifest = json.loads((path / "segment.json").read_text())
    lines = [b"quantlaxmi.segment.columns/1\n"]
    named = [entry["table"] for entry in manifest["tables"]]
    assert named == [t for t in TABLES if t in named]
    assert {"quotes", "depth", "trades", "funding"} <= set(named)
    assert all(entry["rows"] for entry in manifest["tables"][4:])
    for entry in manifest["tables"]:
        table = entry["table"]
        columns = TABLES[table]
        data = (path / entry["file"]).read_bytes()
        assert (len(data), sha256(data)) == (entry["bytes"], entry["sha256"])
        whole = pa.py_buffer(data)
        file = pa.ipc.open_file(whole)
        assert file.num_record_batches == 1
        batch = file.get_batch(0)
        framing, at = b"", 0
        for name, dtype, said in zip(columns, columns.values(), entry["columns"], strict=True):
            raw = values(batch[name], dtype)
            assert said == {"name": name, "dtype": dtype, "sha256": sha256(raw)}
            lines.append(f"{table} {name} {dtype} {batch.num_rows} {sha256(raw)}\n".encode())
            if raw:
                start = batch[name].buffers()[1].address - whole.address
                assert data[start : start + len(raw)] == raw and start >= at
                framing, at = framing + data[at:start], start + len(raw)
        assert entry["framing_sha256"] == sha256(framing, data[at:])
        number = 0
        logged = []
        for log in entry["log"]:
            data = (path / log["file"]).read_bytes()
            assert (len(data), sha256(data)) == (log["bytes"], log["sha256"])
            assert data.endswith(bytes.fromhex("ffffffff00000000"))
            assert log["first_batch"] == number
            reader = pa.ipc.open_stream(data)
            for _ in range(log["batches"]):
                part, metadata = reader.read_next_batch_with_custom_metadata()
                raw = struct.pack("<qq", number, part.num_rows)
                raw += b"".join(values(part[n], d) for n, d in columns.items())
                crc = f"{crc32c(raw):08x}".encode()
                assert dict(metadata) == {b"batch": str(number).encode(), b"crc32c": crc}
                logged.append(part)
                number += 1
        assert pa.Table.from_batches(logged, batch.schema).equals(pa.Table.from_batches([batch]))
    digest = sha256(*lines)
    assert manifest["digest"] == digest
    said = manifest["manifest_sha256"]
    manifest["manifest_sha256"] = ""
    manifest["quarantine"]["reasons"] = dict(sorted(manifest["quarantine"]["reasons"].items()))
    bare = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    assert sha256(b"quantlaxmi.segment.manifest/1\n", bare) == said
    return digest
