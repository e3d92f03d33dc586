"""Dated tables from TOML: ticks, lots and commissions of venues; terms of NSE."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.venues.nse_table import load_nse
from quantlaxmi.venues.tables import FOLDER, load_table

ALLOWED = (ConfigError,)


def ends(name: str) -> tuple[bytes, bytes]:
    """The beginning and the end of one of the package's own tables."""
    whole = (FOLDER / name).read_bytes()
    return whole[:1500].rpartition(b"\n[[")[0] + b"\n", b"[[" + whole[-1500:].partition(b"\n[[")[2]


READERS = {"binance.toml": load_table, "nse.toml": load_nse}
SEEDS = {name: ends(name) for name in READERS}


def one(draw: Draw) -> None:
    name = draw.pick(tuple(READERS))
    read = READERS[name]
    path = scratch.file("table.toml", edit_toml(draw, draw.pick(SEEDS[name])))
    assert repr(read(path)) == repr(read(path))
