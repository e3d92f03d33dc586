"""Gate reports: edited content whose hashes fit, and edited text."""

from __future__ import annotations

import json
from typing import Any

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json
from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import ReportError
from quantlaxmi.report import gate_report

ALLOWED = (ReportError,)
REPORT = gate_report.GateReport(
    run_id="8f0e3a4c-0000-8000-8000-000000000000",
    strategy_id="basis_capture",
    segment_id="binance-20240808-0123456789abcdef",
    timestamp="2024-08-08T00:00:00Z",
    verdict="FAIL",
    suites={
        "g2": {
            "gates": ["net_positive"],
            "verdict": "FAIL",
            "passed": False,
            "reasons": [],
            "results": [
                {
                    "gate": "net_positive",
                    "role": "guard",
                    "verdict": "FAIL",
                    "reasons": ["Net PnL is -1.5."],
                    "monte_carlo": {
                        "exceedances": 3,
                        "draws": 99,
                        "stopped": False,
                        "extended": False,
                        "systematic": False,
                        "histogram": None,
                    },
                    "details": {"n": 3, "net": "-1.5"},
                    "labels": {},
                }
            ],
        }
    },
    header={"schema_version": 1, "seed": 7, "instruments": [{"symbol": "BTCUSDT", "tick": 1}]},
    trace_hash="0" * 64,
    outcome_hash="1" * 64,
    policy={"alpha": "0.05", "suites": {"g2": ["net_positive"]}, "min_trades": 30},
    policy_hash="2" * 64,
    seed=3,
    config={"threshold_bps": "5"},
    costs={"fee_exponent": -8, "rates": {}},
    risk={"max_loss": "1e3"},
    latency_ns=1_000_000,
).sealed()
BASE: dict[str, Any] = json.loads(REPORT.to_bytes())


def forged(plain: Any) -> bytes:
    """The text with hashes that fit what it holds, as far as it can be written at all."""
    if isinstance(plain, dict):
        plain.pop("file_hash", None)
        hashed = {k: v for k, v in plain.items() if k not in gate_report._UNHASHED}
        digest = gate_report.hashlib.sha256(b"quantlaxmi.gate-report.v2\0")
        digest.update(canonical_json(hashed))
        plain["report_hash"] = digest.hexdigest()
        plain["file_hash"] = gate_report._file_hash(plain)
    return gate_report._text(plain)


def one(draw: Draw) -> None:
    if draw.number(3):
        try:
            text = forged(edit_json(draw, BASE))
        except (RecursionError, ValueError):
            return
    else:
        text = edit_bytes(draw, REPORT.to_bytes(), WORDS, 3)
    report = gate_report.load_report(scratch.file("report.json", text))
    assert report.to_bytes() == text
