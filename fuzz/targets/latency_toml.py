"""Latency models from TOML, and the tables of measured values beside them."""

from __future__ import annotations

import tomllib

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.latency import LatencyModel

ALLOWED = (ConfigError,)
SEEDS = (
    b"entry = [812000, 797000, 1104000]\nresponse = 5\n",
    b'entry = { table = "measured.csv" }\nresponse = 0x10\n',
    b'response = { table = "measured.csv" }\n[entry]\ntable = "measured.csv"\n',
)
TABLES = (b"ns\n812000\n797000\n", b"1\n2\n3", b"0\r\n 5 \n\n7\n")


def one(draw: Draw) -> None:
    path = scratch.file("latency.toml", edit_toml(draw, draw.pick(SEEDS)))
    text = draw.pick(TABLES)
    if draw.number(2):
        text = edit_bytes(draw, text, WORDS, 3)
    scratch.file("measured.csv", text)
    model = LatencyModel.load(path)
    again = LatencyModel.from_description(model.describe())
    assert again == model
    assert again.latency_hash(False) == LatencyModel.load(path).latency_hash(False)
    # A comment or another text may name the table too: what counts is which setting does.
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, read in (("entry", model.entry), ("response", model.response)):
        if settings.get(name) == {"table": "measured.csv"}:
            # What was read of a table is what stands in it, in its order.
            assert read.table_ns == tuple(int(line) for line in text.split() if line != b"ns")
    model.delays(3, b"\0" * 32)
