"""The market null on markets without an edge and with one: a small version of its calibration."""

from __future__ import annotations

import numpy as np

from quantlaxmi.gates import GatePolicy, market_null
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import TABLES
from quantlaxmi.strategies import StrategyRegistry
from tests import market_builder, traded
from tests.gate_fakes import judged
from tests.segments import INSTRUMENTS

#: At 19 draws the level 5 % asks for none that does as well.
POLICY = GatePolicy(
    min_trades=2,
    extend_factor=1,
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
)
RULE = ("threshold_bps=3", "exit_threshold_bps=1", "cooldown_ms=0", "max_quote_age_ms=0")
START_NS, UNIT = 1_723_000_000 * 10**9, 10**8


def market(seed: int, pull: float = 0.0, rows: int = 600) -> market_builder.MemorySegment:
    """Quotes of a pair in turns: independent steps whose size clusters, the basis pulled to 0."""
    rng = np.random.default_rng(seed)
    log_size, mids = 0.0, [60_000 * UNIT, 60_000 * UNIT]
    columns = {name: np.zeros(rows, dtype) for name, dtype in TABLES["quotes"].items()}
    for i in range(rows):
        k = i % 2
        log_size = 0.97 * log_size + 0.25 * rng.standard_normal()
        mids[k] += int(rng.standard_normal() * np.exp(log_size) * 6 * UNIT)
        mids[k] += int(pull * (mids[0] - mids[1])) if k else 0
        half = int(rng.integers(1, 4)) * UNIT // 100
        columns["bid"][i], columns["ask"][i] = mids[k] - half, mids[k] + half
        columns["instrument"][i] = k
    columns["seq"][:] = np.arange(rows)
    columns["ts_ns"][:] = columns["exch_ts_ns"][:] = START_NS + np.arange(rows) * 10**9
    columns["bid_qty"][:] = columns["ask_qty"][:] = 10**9
    tables = {t: {n: np.zeros(0, d) for n, d in names.items()} for t, names in TABLES.items()}
    return market_builder.MemorySegment({**tables, "quotes": columns}, INSTRUMENTS)


def passes(seed: int, pull: float = 0.0) -> bool | None:
    """Whether the basis rule passes; None where it hardly trades."""
    run = backtest(
        market(seed, pull),
        StrategyRegistry().create("basis_capture", sets=RULE),
        costs=traded.costs(),
    )
    suite = G2AntiOverfitSuite.from_run(run, seed=seed, threads=1, policy=POLICY)
    count = judged(market_null, suite.context).monte_carlo
    return None if count is None else not count.exceedances


def test_a_basis_that_walks_passes_at_most_at_the_level():
    from scipy.stats import binom  # a second and a half, where it is needed

    found = [one for seed in range(60) if (one := passes(seed)) is not None]
    assert len(found) > 40
    # One in ten thousand correct builds would fail here, were the draws not fixed by the seed.
    assert sum(found) <= binom.isf(1e-4, len(found), 0.05)


def test_a_basis_that_comes_back_passes():
    assert sum(bool(passes(seed, 0.2)) for seed in range(12)) >= 10
