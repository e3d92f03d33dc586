"""Two reports of version 1 and what the gates say of the same runs now, field by field.

Names and places moved between the versions, counts and figures did not. The tables below are all
that moved; what they do not name is compared as it is.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quantlaxmi.errors import ReportError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.report import load_report, run_gates
from quantlaxmi.segment import open_segment
from tests.depth import DEEP

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "golden" / "reports_v1"

#: Gates and their results.
GATES = {
    "prefix": "look_ahead",
    "market_permutation": "market_null",
    "time_shift.lead": "lag_profile",
}
#: Where a key of the policy stands now: its table, empty for the general part, and its name.
POLICY = {
    "alpha": ("", "alpha"),
    "min_trades": ("", "min_trades"),
    "min_arrangements": ("", "min_arrangements"),
    "extend_factor": ("", "extend_factor"),
    "fee_multiplier": ("net_positive", "fee_multiplier"),
    "extra_slippage_bps": ("net_positive", "extra_slippage_bps"),
    "n_prefixes": ("look_ahead", "n_beginnings"),
    "n_sims": ("random_entry", "n_sims"),
    "n_neutral_pairs": ("random_entry", "n_neutral_pairs"),
    "tost_margin_bps": ("random_entry", "tost_margin_bps"),
    "max_net_bundles": ("random_entry", "max_net_bundles"),
    "n_perms": ("label_permutation", "n_perms"),
    "permute_within": ("label_permutation", "within"),
    "block_seconds": ("label_permutation", "block_seconds"),
    "regime_steps": ("label_permutation", "regime_steps"),
    "n_market_draws": ("market_null", "n_draws"),
    "stop_exceedances": ("market_null", "stop_exceedances"),
    "market_grid_search": ("market_null", "grid_search"),
    "n_shifts": ("time_shift", "n_shifts"),
    "min_decorrelations": ("time_shift", "min_decorrelations"),
    "delays_ms": ("delay", "delays_ms"),
    "delay_bars": ("delay", "delays_bars"),
    "required_delay_ms": ("delay", "required_ms"),
    "required_delay_bars": ("delay", "required_bars"),
    "least_delay_share": ("delay", "least_share"),
    "n_bootstrap": ("ablation", "n_bootstrap"),
    "bootstrap_buckets": ("ablation", "max_buckets"),
    "min_buckets": ("ablation", "min_buckets"),
}
#: Keys of the details.
DETAILS = {
    "coin_sides": "random_sides",
    "stretches": "holding_periods",
    "runs": "spans",
    "runs_not_flat": "spans_not_flat",
}
#: New in version 2: draws of random sides, which were `n_sims` or `n_perms` before, and a gate
#: without settings.
NEW_IN_POLICY = {"n_random_sides": 10_000, "lag_profile": {}}
#: New in every count of draws.
NEW_IN_COUNTS = {"systematic", "histogram"}
#: Sentences, which are for people, the clock, and hashes of what was renamed.
SAID = {"reasons", "timestamp", "version", "policy_hash", "report_hash", "file_hash"}
#: The version of the semantics, and what it is hashed into: the old reports are of version 4.
SEMANTICS = {"semantics_version", "run_id", "trace_hash", "outcome_hash"}
#: Interest, which is new in version 2.
INTEREST = {"borrow", "borrow_bps", "costs", "cost_hash", "costs_hash"}
NOT_COMPARED = SAID | SEMANTICS | INTEREST
#: Texts of the details that say in words what was drawn.
TEXTS = {"rule", "grid_search", "driftless_unavailable", "block"}


def results_of(g2):
    """The results of version 1 in the order in which the gates ran."""
    times = {one["kind"]: one for one in g2["time_shift_results"]}
    baseline = g2["random_entry_baseline"]
    return [
        g2["net_positive"],
        g2["prefix"],
        {"kind": "matched", **baseline["matched"]},
        {"kind": "neutral", **baseline["neutral"]},
        *g2["permutation_results"],
        *(times[kind] for kind in ("circular", "lead", "delay")),
        *g2["ablation_results"],
    ]


def renamed(result):
    """A result of version 1 as version 2 lays it out."""
    labels = {name: result[name] for name in ("kind", "removed") if name in result}
    kept = {name: value for name, value in result.items() if name not in labels}
    details = {DETAILS.get(name, name): value for name, value in result["details"].items()}
    gate = GATES.get(result["gate"], result["gate"])
    return {**kept, "labels": labels, "gate": gate, "details": details}


def policy_of(old):
    """A policy of version 1 in the tables of version 2."""
    gates = [GATES.get(name, name) for name in old["g2_gates"]]
    gates.insert(gates.index("time_shift") + 1, "lag_profile")  # it ran with time_shift
    made = {"suites": {"g2": gates}, **NEW_IN_POLICY}
    for key, value in old.items():
        if key == "g2_gates":
            continue
        table, name = POLICY[key]
        (made.setdefault(table, {}) if table else made)[name] = value
    return made


def comparable(value):
    """Without what is not compared, and without what is new in counts."""
    if isinstance(value, dict):
        left_out = NOT_COMPARED | TEXTS | (NEW_IN_COUNTS if "exceedances" in value else set())
        if value.get("gate") == "delay":  # late bundles are trimmed until they match
            left_out = left_out | {"details"}
        return {DETAILS.get(k, k): comparable(v) for k, v in value.items() if k not in left_out}
    return [comparable(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["planted", "edgeless"] if DEEP else ["edgeless"])
def test_every_field_is_that_of_version_1(name, tmp_path):
    """Without interest on spot that is sold short, which version 1 did not charge."""
    old = json.loads((KEPT / f"{name}.json").read_text())
    (tmp_path / "free.toml").write_text('[spot]\nborrow_bps = "0"\n')
    free = CostModel.load(tmp_path / "free.toml")
    made = run_gates(open_segment(ROOT / "data" / name), "basis_capture", costs=free)
    new = json.loads(made.to_bytes())
    g2 = old.pop("g2_details")
    assert new["policy"] == policy_of(old.pop("policy"))
    assert GatePolicy.from_mapping(new["policy"]) == GatePolicy()
    new.pop("policy")
    suite = new.pop("suites")["g2"]
    assert (old.pop("suites"), old["g2_passed"]) == (["g2"], suite["passed"])
    assert (old.pop("g3_details"), old["g3_passed"]) == ({"status": "not run"}, None)
    assert new.pop("policy_differences") == []
    assert (made.g3_details, made.g3_passed) == ({}, None)
    assert comparable(suite["results"]) == comparable([renamed(r) for r in results_of(g2)])
    assert suite["verdict"] == g2["verdict"]
    assert set(suite["gates"]) == {GATES.get(gate, gate) for gate in g2["gates"]} | {"lag_profile"}
    assert comparable(new) == comparable(old)


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_version_1_is_refused_by_name(name):
    path = KEPT / f"{name}.json"
    with pytest.raises(ReportError) as caught:
        load_report(path)
    assert str(caught.value) == (
        f"{path} (version): is a report of version 1; expected 2: run the gates again"
    )
