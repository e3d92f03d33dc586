"""Trials for tests, and a naive reading of a ledger's files by the format's description."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from quantlaxmi.trials.records import Extent, Trial


def digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def data(segment: object, first: int = 0, last: int = 9, *, parent: object = None) -> Extent:
    """Some data; times and instruments are those of its own segment unless given."""
    return Extent(
        segment=digest(segment),
        parent=digest(segment if parent is None else parent),
        first_ns=first,
        last_ns=last,
        instruments=(f"S{segment}",),
    )


def trial(segment: object, setting: object, **changes: Any) -> Trial:
    fields: dict[str, Any] = {
        "data": data(segment),
        "strategy": "mine",
        "code": digest("code"),
        "config": {"level": str(setting)},
        "config_hash": digest(setting),
        "run": digest((segment, setting)),
        "total": "-12",
        "squares": "40",
        "round_trips": 3,
        "purpose": "backtest",
    }
    return Trial(**{**fields, **changes})


def naive_lines(path: Path) -> list[dict[str, Any]]:
    """Lines of a file, their chain checked with json and hashlib alone."""
    previous, found = "0" * 64, []
    for index, text in enumerate(path.read_bytes().split(b"\n")[:-1]):
        line = json.loads(text)
        assert line["index"] == index and line["previous"] == previous
        bare = json.dumps({**line, "hash": ""}, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(b"quantlaxmi.trials/1\n" + bare.encode() + b"\n").hexdigest()
        assert line["hash"] == previous
        found.append(line)
    return found


def naive_keys(folders: list[Path]) -> set[tuple[str, str, str, str]]:
    """Keys of all trials of some folders, each once."""
    records = [
        line["record"]
        for folder in folders
        for path in folder.glob("*.jsonl")
        for line in naive_lines(path)
    ]
    return {
        (r["data"]["segment"], r["strategy"], r["code"], r["config_hash"])
        for r in records
        if r["kind"] == "trial"
    }
