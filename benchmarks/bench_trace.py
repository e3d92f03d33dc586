"""Packing and hashing a million decisions, and the speed of SHA-256 beside it."""

from __future__ import annotations

import hashlib

import numpy as np
from harness import Results, generated, median_seconds

from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import DECISION_DTYPE, LEG_DTYPE
from quantlaxmi.segment import open_segment
from quantlaxmi.trace import DecisionTrace

DECISIONS = 1_000_000


def main() -> None:
    """Measure on decisions of a real run, repeated with ascending numbers."""
    results = Results("trace")
    run = backtest(open_segment(generated(1_000_000)), "basis_capture")
    times = -(-DECISIONS // run.n_decisions)
    decisions = np.tile(run.exact.decisions, times)[:DECISIONS].astype(DECISION_DTYPE)
    per = decisions["n_legs"]
    legs = np.tile(run.exact.legs, times)[: per.sum()].astype(LEG_DTYPE)
    number = np.arange(DECISIONS)
    decisions["sequence"] = number
    decisions["seq"] = number
    decisions["ts_ns"] = np.sort(decisions["ts_ns"])
    decisions["first_leg"] = np.cumsum(per) - per
    legs["decision"] = np.repeat(number, per)

    def work() -> bytes:
        return DecisionTrace.from_arrays(run.header, decisions, legs).compute_hash()

    seconds = median_seconds(work)
    size = len(DecisionTrace.from_arrays(run.header, decisions, legs).records_bytes())
    results.add(
        "a million decisions packed and hashed", seconds, "s", "≤ 0.15", f"{len(legs):,} legs"
    )
    results.add("the same, in records", size / seconds / 1e9, "GB/s")
    block = bytes(size)
    plain = median_seconds(lambda: hashlib.sha256(block).digest())
    results.add("SHA-256 alone on as many bytes", size / plain / 1e9, "GB/s")
    results.done()


if __name__ == "__main__":
    main()
