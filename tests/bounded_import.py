"""Imports a file and replays it while memory is bounded: run by ``test_import_memory.py``.

    python tests/bounded_import.py MIB FORMAT OUT MAPPING OPTION=FILE...

First a small import and replay load what they need; then the process may have MIB MiB more of
writable memory of its own than it has at that moment (``RLIMIT_DATA``), and does the same with the
given files. Prints lines and MiB of text as JSON.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import sys
from pathlib import Path
from typing import Any

from quantlaxmi.importers import import_capture
from quantlaxmi.run.replay import replay
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry


def run(format: str, out: Path, options: dict[str, Any]) -> tuple[int, int]:
    result = import_capture(format, out=out, **options)
    segment = open_segment(out, verify="log")
    if len(segment.instruments) == 2:
        strategy = StrategyRegistry(installed=False).create("basis_capture")
        if len(replay(segment, strategy).exact.fills):
            raise SystemExit("expected data on which nothing is traded")
    rows = sum(len(batch["seq"]) for table in TABLES for batch in segment.log(table))
    if rows != segment.manifest.rows:
        raise SystemExit(f"{rows} rows were streamed of {segment.manifest.rows}")
    return result.lines, result.text_bytes


def options_of(words: list[str], small: Path | None, mapping: str) -> dict[str, Any]:
    options: dict[str, Any] = {"mapping": mapping} if mapping else {}
    for word in words:
        name, _, text = word.partition("=")
        path = Path(text)
        if small is not None:
            head = path.open("rb").read(1 << 16)
            path = small / path.name
            path.write_bytes(head[: head.rindex(b"\n") + 1])
        options[name] = [path] if name == "inputs" else path
    return options


def main() -> None:
    mib, format, out, mapping, *words = sys.argv[1:]
    small = Path(out + "-small")
    small.mkdir()
    run(format, small / "seg", options_of(words, small, mapping))
    gc.collect()
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmData:\s+(\d+) kB", status)
    assert found is not None
    limit = int(found[1]) * 1024 + (int(mib) << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        bytearray(int(mib) * 3 << 19)
    except MemoryError:
        pass
    else:
        raise SystemExit("the bound does not hold here")
    lines, size = run(format, Path(out), options_of(words, None, mapping))
    print(json.dumps({"lines": lines, "mib": size >> 20}))


if __name__ == "__main__":
    main()
