"""What sweeps and gates are given from Python works, or is one sentence of what it had to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi.batch import plan
from quantlaxmi.errors import ConfigError, InputError, QuantlaxmiError, StrategyError
from quantlaxmi.given import many, whole
from quantlaxmi.run.config import RunConfig
from quantlaxmi.strategies.basis_capture import BasisCapture
from tests.batch.catalogs import DATA
from tests.run.test_currencies import market

PLANTED = DATA / "planted"
FEW = ql.GatePolicy(suites={"g2": ["net_positive"]})


@pytest.mark.parametrize(
    ("segments", "strategies", "options"),
    [
        (str(PLANTED), "basis_capture", {}),
        (PLANTED, BasisCapture, {}),
        ([PLANTED], ("basis_capture",), {}),
        (iter([str(PLANTED)]), iter([BasisCapture]), {}),
        (ql.open_segment(PLANTED), "basis_capture", {}),
        ([ql.open_segment(PLANTED)], "basis_capture", {}),
        (PLANTED, "basis_capture", {"configs": BasisCapture.Config()}),
    ],
)
def test_one_segment_and_one_strategy_need_no_list(segments, strategies, options):
    (item,) = plan(segments, strategies, **options).items
    assert item.segment.name == "planted" and item.strategy is BasisCapture


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plan(3, "basis_capture"), "was 3, expected a folder, a pattern or a segment"),
        (lambda: plan([None], "basis_capture"), "was None, expected a folder"),
        (lambda: plan(market(), "basis_capture"), "expected a folder, a pattern or a segment"),
        (lambda: plan([], "basis_capture"), "names no segment"),
        (lambda: plan(PLANTED, []), "names no strategy"),
        (lambda: plan(PLANTED, "basis_capture", grid=3), "was 3, expected Grid, or the file"),
        (lambda: plan(PLANTED, "basis_capture", configs=3), "was int, expected settings"),
        (lambda: plan(PLANTED, "basis_capture", policy="p.toml"), "was 'p.toml', expected Gate"),
        (lambda: plan(PLANTED, "basis_capture", run={"seed": 1}), "expected RunConfig"),
        (lambda: ql.sweep(PLANTED, "basis_capture", workers="1"), "was '1', expected 1 to 1024"),
        (lambda: ql.sweep(PLANTED, "basis_capture", workers=0.5), "was 0.5, expected 1 to 1024"),
        (lambda: ql.run_gates(PLANTED, "basis_capture", policy={"alpha": "0.1"}), "GatePolicy"),
        (lambda: ql.run_gates(PLANTED, "basis_capture", threads="2"), "was '2', expected at"),
        (lambda: ql.run_gates(PLANTED, "basis_capture", seed=2.0), "was 2.0, expected a whole"),
        (lambda: ql.run_gates(PLANTED, "basis_capture", seed=True), "was True, expected a whole"),
        (lambda: RunConfig.of(seed=np.float64(1)), "expected a whole number"),
        (lambda: RunConfig.of(seed=np.int64(-1)), "expected a whole number"),
        (lambda: RunConfig.of(leg_latency_ns=1.5), "was 1.5, expected whole nanoseconds"),
    ],
)
def test_what_cannot_be_is_one_sentence(call, says):
    with pytest.raises(QuantlaxmiError) as caught:
        call()
    assert isinstance(caught.value, ConfigError | InputError | StrategyError)
    text = str(caught.value)
    assert says in text and "\n" not in text


def test_rates_and_inputs_are_one_name_or_many():
    for call in (
        lambda: plan(PLANTED, "basis_capture", convert="BTC=nowhere.csv"),
        lambda: ql.run_gates(PLANTED, "basis_capture", policy=FEW, convert="BTC=nowhere.csv"),
        lambda: ql.import_capture("tardis", inputs="nowhere.csv", out="out"),
        lambda: ql.import_capture("tardis", inputs=Path("nowhere.csv"), out="out"),
    ):
        with pytest.raises(InputError, match=r"nowhere\.csv"):
            call()


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert [whole(one) for one in (np.int64(3), np.uint8(3), 3)] == [3, 3, 3]
    assert [whole(one) for one in (np.float64(3), 3.0, "3", True, None)] == [None] * 5
    assert many("ab") == ("ab",) and many(x for x in "ab") == ("a", "b")
    made = RunConfig.of(seed=np.int64(7), leg_latency_ns=np.int32(5))
    assert made == RunConfig.of(seed=7, leg_latency_ns=5) and type(made.seed) is int
    assert made.digest == RunConfig.of(seed=7, leg_latency_ns=5).digest
    plain = ql.run_gates(PLANTED, "basis_capture", policy=FEW, seed=5, run_seed=3)
    found = ql.run_gates(
        PLANTED, "basis_capture", policy=FEW, seed=np.uint64(5), run_seed=np.int16(3)
    )
    assert plain.report_hash == found.report_hash
