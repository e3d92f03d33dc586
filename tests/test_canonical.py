"""Canonical JSON: one encoder, and the bytes that hashes rested on before there was one."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantlaxmi
from quantlaxmi.canonical import canonical_digest, canonical_json
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.impact import Impact
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits, SizeLimits
from quantlaxmi.fixed import FixedPoint

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
_EXACT = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _TEXT
_NESTED = st.recursive(
    _EXACT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4)
)


def test_the_form():
    value = {"b": [1, True, None, 0.1, 1e16], "a": "ä\n\x7f\u2028", "A": {}}
    assert canonical_json(value) == (
        '{"A":{},"a":"ä\\n\x7f\u2028","b":[1,true,null,0.1,1e+16]}'.encode()
    )
    assert canonical_digest("domain.1", value) == (
        hashlib.sha256(b"domain.1\0" + canonical_json(value)).digest()
    )
    assert canonical_digest("domain.1", value) != canonical_digest("domain.2", value)


@given(_NESTED)
def test_costs_latency_and_limits_keep_the_bytes_of_msgspec(value):
    """Their descriptions hold no floats, for which the two differ: 1e16 and 1e+16."""
    assert canonical_json(value) == msgspec.json.encode(value, order="sorted")


@given(_NESTED | st.floats(allow_nan=False, allow_infinity=False))
def test_reports_keep_their_bytes(value):
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    assert canonical_json(value) == text.encode()
    assert json.loads(canonical_json(value)) == value
    if text.isascii():  # policy, checkpoints and calibration wrote other characters as escapes
        assert json.dumps(value, sort_keys=True, separators=(",", ":")) == text


def test_hashes_of_a_run_are_those_of_before():
    plain = CostModel.binance()
    model = CostModel(
        rates=plain.rates,
        symbols={"perp.Ä/B": next(r for k, r in plain.rates.items() if k == "perp")},
        min_notional={"perp.BTCUSDT-PERP": FixedPoint(100, 0)},
        queue="pro_rata",
        impact={"spot": Impact(fixed_bps=FixedPoint(5, -1))},
    )
    limits = RiskLimits(
        max_loss=FixedPoint(10_000, -1),
        on_max_loss="close",
        max_book_age_ms=500,
        symbols={"X": SizeLimits(max_position=FixedPoint(5, -1))},
    )
    latency = LatencyModel(entry=Latency(table_ns=(5, 6, 5)), response=Latency(7))
    assert [
        h.hex()
        for h in (
            plain.cost_hash,
            model.cost_hash,
            RiskLimits().risk_hash,
            limits.risk_hash,
            LatencyModel().latency_hash(False),
            latency.latency_hash(True),
        )
    ] == [
        "ca1f1d189f6e71440c3ef6d7a830ee598e897b6956628a641a5a568ec0f5663d",
        "0e029fceff1d5c2db7727e20d785cadcc0e5db9b3fecff47c0a135e1509a9606",
        "0a4899dcef299d6cdac6f234b4f37c961b1982b6aebc85445e8ab09ffe92880e",
        "529053bbc212c6882aeaee18a835e2b509d642d6ac453848afed586f47f47e14",
        "2d217e1cc5f24187ba967d1e87e3edbcd412e3f4e957b5d7f0b8dedf85653418",
        "4f18d0899f96853f64bd9f9610e754d1f252e8be1ade1f9e7386437e582b5161",
    ]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), ValueError),
        (float("-inf"), ValueError),
        ("\ud800", ValueError),
        ({"a": {1}}, TypeError),
        ({(1, 2): 1}, TypeError),
        ({"a": 1, 2: 3}, TypeError),
        (b"a", TypeError),
    ],
)
def test_what_has_no_canonical_form_is_refused(value, error):
    with pytest.raises(error):
        canonical_json(value)


def test_nobody_makes_canonical_json_of_their_own():
    """Sorted keys are the mark of a dump that is compared or hashed."""
    package = Path(quantlaxmi.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                words = {w.arg: ast.unparse(w.value) for w in node.keywords}
                if words.get("sort_keys") == "True" or words.get("order") == "'sorted'":
                    found.append(path.relative_to(package).as_posix())
    assert found == ["canonical.py"]
