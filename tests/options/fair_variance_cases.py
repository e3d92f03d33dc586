"""Chains of known forwards and smiles for the tests of the fair-variance null."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.importers.nse import day_history, read_day
from quantlaxmi.options import ChainHistory, FairVarianceNull, black76
from quantlaxmi.options.chain_history import TOPS

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
MORNING = REAL / "india" / "chain_1m_bidask" / "20250829"
_HOUR_NS = 3600 * 10**9


def morning(expiries: int = 2) -> ChainHistory:
    """The first expiries of the recorded NIFTY morning."""
    if not MORNING.is_dir():
        pytest.skip(f"no snapshots in {MORNING}; set QUANTLAXMI_REAL_DATA")
    return first_expiries(day_history(read_day(MORNING, "NIFTY")), expiries)


def first_expiries(whole: ChainHistory, n: int) -> ChainHistory:
    rows = slice(0, int(whole.start[n]))
    return ChainHistory(
        whole.ts_ns,
        whole.expiry_ns[:n],
        whole.start[: n + 1],
        whole.strike[rows],
        np.ascontiguousarray(whole.tops[:, :, rows]),
        whole.tick,
        whole.price_exponent,
    )


def words(null: FairVarianceNull, minus: list[bool]) -> np.ndarray:
    """Signs as the kernel reads them; ``minus[t]`` is that of the move that ends at ``t``."""
    bits = np.zeros(64 * null.room().signs.size, np.uint8)
    bits[: len(minus)] = minus
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)


def random_history(
    seed: int, snapshots: int = 12, days: int = 2, quoted: float = 0.9
) -> ChainHistory:
    """Two expiries of nine and six strikes around 1000.00; noise, and holes in the quotes."""
    rng = np.random.default_rng(seed)
    strike = np.concatenate([940_00 + np.arange(9) * 15_00, 950_00 + np.arange(6) * 20_00])
    start = np.array([0, 9, 15])
    day, hour = 24 * _HOUR_NS, np.arange(snapshots) % (snapshots // days)
    ts = np.arange(snapshots) // (snapshots // days) * day + 5 * _HOUR_NS + hour * _HOUR_NS // 4
    ends = np.array([days + 2, days + 9]) * day
    tops = np.zeros((len(TOPS), snapshots, strike.size), np.int64)
    f = 1000.0
    for t in range(snapshots):
        f *= 1 + rng.normal(0, 0.004)
        for e in range(2):
            rows = slice(start[e], start[e + 1])
            years = (ends[e] - ts[t]) / 1e9 / 31_536_000
            smile = 0.2 + 0.02 * e + rng.normal(0, 0.002) + 0.1 * (strike[rows] / 1e5 / f * 1e2 - 1)
            for side, call in ((0, True), (2, False)):
                fair = black76(f + e, strike[rows] / 100, years, smile, call).value * 100
                low = np.maximum(5, np.floor(fair / 5) - rng.integers(0, 4, fair.size)) * 5
                low = np.maximum(5, np.minimum(low, np.floor(fair / 5) * 5)).astype(np.int64)
                high = low + rng.integers(1, 6, fair.size) * 5
                tops[side, t, rows], tops[side + 1, t, rows] = low, high
    tops[4:] = rng.integers(1, 9, tops[4:].shape) * 75
    for field in range(4):
        gone = rng.random(tops.shape[1:]) > quoted
        tops[field][gone] = tops[4 + field][gone] = 0
    return ChainHistory(ts, ends, start, strike, tops, tick=5)


def recorded_smile(null: FairVarianceNull, t: int, e: int) -> tuple[list[float], list[float]]:
    """The smile of a snapshot by its definition, from the option maths."""
    from quantlaxmi.options import OptionStatus, surface

    chain = null.history.option_chain(t)
    found, rows = surface(chain), null.history.rows(e)
    at = (found.sigma_call[e] + found.sigma_put[e]) / 2
    strikes, ratios = [], []
    for k in range(rows.start, rows.stop):
        side = found.call if null.history.strike[k] >= null.forward[t, e] else found.put
        if side.status[k] == OptionStatus.OK:
            strikes.append(float(null.history.strike[k]))
            ratios.append(float(side.value[k] / at))
    assert math.isclose(null.vol[t, e], at * math.sqrt(chain.years[e]), rel_tol=1e-15)
    return strikes, ratios
