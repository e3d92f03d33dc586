"""Dated tables of ticks, lots and commissions from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.venues.tables import FOLDER, load_table

ALLOWED = (ConfigError,)
WHOLE = (FOLDER / "binance.toml").read_bytes()
#: The beginning and the end of the package's own table.
SEEDS = (WHOLE[:1500].rpartition(b"\n[[")[0] + b"\n", b"[[" + WHOLE[-1500:].partition(b"\n[[")[2])


def one(draw: Draw) -> None:
    path = scratch.file("table.toml", edit_toml(draw, draw.pick(SEEDS)))
    assert repr(load_table(path)) == repr(load_table(path))
