"""Files of a trial ledger: edited records, chained anew or not; then one more is appended."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json, edit_lines
from quantlaxmi.errors import InputError
from quantlaxmi.trials import TrialLedger
from quantlaxmi.trials.chain import START, Line
from quantlaxmi.trials.records import Extent, Opening, Seal, Trial, Writer, encoded

ALLOWED = (InputError,)
NAME = "0f0e0d0c-0b0a-4908-8706-050403020100.jsonl"
_HASH = "0" * 64
DATA = Extent(segment=_HASH, parent=_HASH, first_ns=0, last_ns=9, instruments=("A", "B"))
TRIAL = Trial(
    data=DATA,
    strategy="mine",
    code=_HASH,
    config={"a": "1", "ü": ""},
    config_hash=_HASH,
    run=_HASH,
    total="-12",
    squares="144",
    round_trips=3,
    purpose="grid",
)
RECORDS = (
    Writer(place=_HASH),
    TRIAL,
    Seal(data=DATA, from_ns=5),
    Opening(seal=_HASH, strategy="mine", code=_HASH, config={}, config_hash=_HASH),
)


def chained(records: list[Any]) -> list[bytes]:
    """Lines of a chain whose hashes fit, of records as JSON holds them."""
    lines, previous = [], START
    for index, record in enumerate(records):
        bare = {"hash": "", "index": index, "previous": previous, "record": record}
        try:
            line = msgspec.convert(bare, Line)
        except msgspec.ValidationError:
            lines.append(json.dumps(bare, sort_keys=True).encode() + b"\n")
            continue
        line = Line.after(index, previous, line.record)
        previous = line.hash
        lines.append(encoded(line) + b"\n")
    return lines


def one(draw: Draw) -> None:
    records: Any = msgspec.to_builtins(RECORDS)
    if draw.number(2):
        records = edit_json(draw, records)
    try:
        lines = chained(list(records) if isinstance(records, (list, tuple)) else [records])
    except (TypeError, RecursionError, ValueError):
        return
    if draw.number(2):
        lines = edit_lines(draw, lines)
    text = b"".join(lines)
    if draw.number(4) == 0:
        text = edit_bytes(draw, text, WORDS, 2)
    folder = scratch.folder() / "ledger"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    (folder / NAME).write_bytes(text)
    ledger = TrialLedger(folder).refresh()
    keys = set(ledger.trial_keys())
    assert ledger.count() == len(keys) <= len(text.split(b"\n"))
    ledger.append([msgspec.structs.replace(TRIAL, config_hash="f" * 64)])
    again = TrialLedger(folder).refresh()
    assert set(again.trial_keys()) == keys | {TRIAL.key._replace(config="f" * 64)}
