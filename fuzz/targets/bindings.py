"""Chains of bindings: edited lines, chained anew or not; then one more is appended."""

from __future__ import annotations

from typing import Any

import msgspec

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json, edit_lines
from quantlaxmi import bindings
from quantlaxmi.errors import InputError

ALLOWED = (InputError,)
RECORDS: tuple[dict[str, Any], ...] = (
    {"report": "a.json", "report_hash": "0" * 64},
    {"z": [1, None, 0.1, {"ü": True}], "a": {"b": []}},
    {},
)


def chained(records: list[Any]) -> list[bytes]:
    """Lines of a chain whose hashes fit."""
    lines, previous = [], bindings.START
    for index, record in enumerate(records):
        binding = bindings.Binding(index=index, previous=previous, record=record, hash="")
        previous = bindings._hash(binding)
        lines.append(bindings._encode(msgspec.structs.replace(binding, hash=previous)))
    return lines


def one(draw: Draw) -> None:
    records: list[Any] = list(RECORDS)
    if draw.number(2):
        records = edit_json(draw, records)
    try:
        lines = chained(records if isinstance(records, list) else [records])
    except (TypeError, RecursionError, msgspec.MsgspecError, UnicodeError):
        return
    if draw.number(2):
        lines = edit_lines(draw, lines)
    text = b"".join(lines)
    if draw.number(4) == 0:
        text = edit_bytes(draw, text, WORDS, 2)
    path = scratch.file("bindings.jsonl", text)
    chain = bindings.read_bindings(path)
    added = bindings.append_binding(path, {"x": 1})
    assert bindings.read_bindings(path) == (*chain, added)
