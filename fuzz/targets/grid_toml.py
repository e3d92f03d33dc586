"""Grids of settings in TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.grid_file import MAX_SETTINGS, Grid

ALLOWED = (ConfigError,)
SEEDS = (
    b'strategy = "basis_capture"\n[values]\nthreshold_bps = [3, 4.5, "6"]\nhedged = [true, false]\n'
    b"[[config]]\ncooldown_ms = 0\n",
    b'strategy = "basis_capture"\n[[config]]\n[[config]]\nspot = "A"\nperp = "B"\n',
)
TOKENS = (*WORDS, b"[values]", b"[[config]]", b"threshold_bps", b"[1, 2]", b'"none"', b"1e-3")


def one(draw: Draw) -> None:
    path = scratch.file("grid.toml", edit_toml(draw, draw.pick(SEEDS), TOKENS))
    grid = Grid.load(path, BasisCapture)
    assert 1 <= len(grid.configs) <= MAX_SETTINGS
    assert len(set(grid.hashes)) == len(grid.configs)
    again = Grid.from_description(grid.describe(), BasisCapture)
    assert again.grid_hash == grid.grid_hash and again.refused == grid.refused
