"""A strategy that trades two of 400 instruments is judged, in the memory that two need."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy, Verdict
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.basis_capture import BasisCapture

ROOT = Path(__file__).parents[2]
N_INSTRUMENTS, N_ONE_SIDED, N_QUOTES = 400, 40, 160_000
#: Places of the pair that is traded among the instruments.
SPOT, PERP = 7, 311
QUICK = GatePolicy(
    random_sides={"n_draws": 50},
    extend_factor=1,
    random_entry={"n_sims": 50, "n_neutral_pairs": 5},
    label_permutation={"n_perms": 50},
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
)


class WideBasisCapture(BasisCapture):
    """Declares the whole universe, as a strategy on an option chain does, and trades two."""

    strategy_id = "wide_basis_capture"

    def bind(self, instruments, *, interpreted=False):
        bound = super().bind(instruments, interpreted=interpreted)
        return dataclasses.replace(bound, instruments=tuple(range(len(instruments))))


def wide_segment() -> MemorySegment:
    """The planted pair among options, 40 of which have no ask throughout."""
    pair = open_segment(ROOT / "data" / "planted")
    quotes = pair.columns("quotes")
    n_pair = len(quotes["seq"])
    # Quotes of options follow each quote of the pair, at its time.
    after = np.sort(np.arange(N_QUOTES - n_pair) % n_pair)
    order = np.argsort(np.concatenate([np.arange(n_pair), after]), kind="stable")
    options = [i for i in range(N_INSTRUMENTS) if i not in (SPOT, PERP)]
    which = np.array(options)[np.arange(len(after)) % len(options)]
    bid = 10**10 + 10**4 * (np.arange(len(after)) % 13)
    one_sided = np.isin(which, options[:: len(options) // N_ONE_SIDED][:N_ONE_SIDED])
    made = {
        "ts_ns": quotes["ts_ns"][after],
        "exch_ts_ns": quotes["exch_ts_ns"][after],
        "instrument": which,
        "bid": bid,
        "bid_qty": np.full(len(after), 10**9),
        "ask": np.where(one_sided, 0, bid + 10**6),
        "ask_qty": np.where(one_sided, 0, 10**9),
        "update_id": np.zeros(len(after), np.int64),
        "flags": np.zeros(len(after), np.int64),
    }
    place = np.array([SPOT if i.kind == "spot" else PERP for i in pair.instruments])
    own = {**quotes, "instrument": place[quotes["instrument"]]}
    columns = {name: np.concatenate([own[name], made[name]])[order] for name in made}
    columns["seq"] = np.arange(N_QUOTES)
    universe = [
        Instrument(
            symbol=f"OPTION-{i}",
            venue="binance",
            venue_symbol=f"OPTION-{i}",
            kind=InstrumentKind.SPOT,
            price_exponent=-8,
            qty_exponent=-8,
            currency="USDT",
            base=f"O{i}",
        )
        for i in range(N_INSTRUMENTS)
    ]
    for k, one in enumerate(pair.instruments):
        universe[place[k]] = one
    return MemorySegment(universe, {"quotes": columns})


def bytes_of(segment: MemorySegment) -> int:
    return sum(c.nbytes for name in TABLES for c in segment.columns(name).values())


@pytest.fixture(scope="module")
def run():
    return backtest(wide_segment(), WideBasisCapture())


def test_decision_points_are_those_of_the_two_traded(run) -> None:
    quotes = run.segment.columns("quotes")
    assert len(quotes["seq"]) == N_QUOTES
    points = decision_points(run)
    assert points.instruments == (SPOT, PERP)
    assert set(points.mid2) == {SPOT, PERP}
    # Of all the messages only those before both have a quote are none.
    begun = max(np.flatnonzero(quotes["instrument"] == i)[0] for i in (SPOT, PERP))
    assert points.seq.tolist() == list(range(begun, N_QUOTES))
    for column in points.mid2.values():
        assert column.shape == points.seq.shape
        assert (column > 0).all()


def test_every_gate_judges(run) -> None:
    suite = G2AntiOverfitSuite.from_run(run, policy=QUICK, maker=lambda _: WideBasisCapture())
    result = suite.run()
    verdicts = {gate.gate: gate.verdict for gate in result.results}
    assert Verdict.INCONCLUSIVE not in verdicts.values(), verdicts
    assert verdicts["net_positive"] == Verdict.PASS


def test_the_ledger_has_rows_of_what_is_or_was_held_only(run) -> None:
    assert len(run.exact.fills) > 100
    table = run.table("ledger")
    symbols = [run.instruments[i].symbol for i in (SPOT, PERP)]
    assert set(table["symbol"].to_pylist()) == {*symbols, None}
    filled = run.exact.fills["instrument"].tolist()
    so_far = [len(set(filled[: k + 1])) for k in range(len(filled))]
    assert table.num_rows == sum(so_far) + len(filled)
    lines = table["line"].to_pylist()
    assert [len(list(g)) for _, g in itertools.groupby(lines)] == [n + 1 for n in so_far]


_PEAK = """
import re
from tests.run import test_wide_universe as wide
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest

def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

segment = wide.wide_segment()
run = backtest(segment, wide.WideBasisCapture())
open("/proc/self/clear_refs", "w").write("5")
before = kilobytes("VmRSS")
points = decision_points(run)
print(1024 * (kilobytes("VmHWM") - before), wide.bytes_of(segment))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's own counts")
def test_decision_points_need_no_more_memory_than_the_segment_and_a_half() -> None:
    # Memory that is freed goes back at once, so that none of the run's is used again unseen.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _PEAK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    grown, size = map(int, done.stdout.split())
    assert size < grown < 1.5 * size
