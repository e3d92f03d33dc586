"""Gate reports: the whole road on the sample segments, hashes, refusals, recomputation."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError, ReportError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.gates.suites import gates_of
from quantlaxmi.report import load_report, run_gates, verify_report
from quantlaxmi.segment import open_segment
from tests.depth import DEEP

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 20},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def edgeless():
    return open_segment(DATA / "edgeless")


@pytest.fixture(scope="module")
def report(planted):
    return run_gates(planted, "basis_capture", policy=QUICK)


@pytest.fixture
def saved(report, tmp_path):
    path = tmp_path / "g2.json"
    report.save(path)
    return path


def test_planted_edge_passes(report):
    assert report.verdict == "PASS"
    assert report.g2_passed is True
    assert report.edge == "timing"
    assert report.verdict_text.startswith("PASS (timing); selection not tested")
    (g2,) = report.results
    assert report.g2_details["gates"] == list(g2.gates) == [gate.name for gate in gates_of("g2")]
    assert g2.random_entry_baseline.monte_carlo.exceedances == 0
    assert g2.random_entry_baseline.details["net"]["exceedances"] == 0
    assert g2.result("random_entry.neutral").verdict is Verdict.PASS
    assert report.g3_passed is None
    assert report.g3_details == {}


def test_no_edge_does_not_pass(edgeless):
    report = run_gates(edgeless, "basis_capture", policy=QUICK)
    assert report.g2_passed is False
    assert report.verdict == "FAIL"
    assert report.results[0].net_positive.verdict is Verdict.FAIL


def test_report_does_not_depend_on_threads_or_time(planted, report):
    again = run_gates(planted, "basis_capture", policy=QUICK, threads=1)
    assert again.report_hash == report.report_hash
    assert replace(again, timestamp="then").compute_hash() == report.report_hash


def test_a_chosen_seed_gives_a_diagnosis_and_no_verdict(planted, report, tmp_path):
    """A seed can be chosen until it passes; that of a verdict follows from what is judged."""
    chosen = run_gates(planted, "basis_capture", policy=QUICK, seed=3)
    assert chosen.verdict == "DIAGNOSIS" and chosen.seed == 3
    assert chosen.g2_passed is None and chosen.edge is None
    assert "no verdict" in chosen.verdict_text
    chosen.save(tmp_path / "d.json")
    assert json.loads((tmp_path / "d.json").read_text())["g2_passed"] is None
    assert verify_report(tmp_path / "d.json", planted).matches
    # The verdict's own seed, given by hand, is a chosen seed all the same.
    named = run_gates(planted, "basis_capture", policy=QUICK, seed=report.seed)
    assert named.verdict == "DIAGNOSIS"
    assert named.suites == report.suites
    # The run's own seed stands in the trace header, apart from that of the gates.
    assert report.header["seed"] == 0
    other = run_gates(planted, "basis_capture", policy=QUICK.replace(min_trades=29))
    assert other.seed != report.seed


def test_saved_report_loads_and_is_plain_json(report, saved):
    loaded = load_report(saved)
    assert loaded == report
    assert loaded.results == report.results
    assert [type(r) for r in loaded.results[0].results] == [
        type(r) for r in report.results[0].results
    ]
    plain = json.loads(saved.read_text())
    assert plain["version"] == 2
    assert plain["suites"]["g2"]["verdict"] == "PASS"
    assert plain["file_hash"] == report.file_hash
    assert plain["policy"]["alpha"] == "0.05"


def test_every_changed_byte_is_refused(saved):
    raw = saved.read_bytes()
    step = max(1, len(raw) // 400)
    for at in range(0, len(raw), step):
        for value in (raw[at] ^ 1, 0x20):
            if value == raw[at]:
                continue
            saved.write_bytes(raw[:at] + bytes([value]) + raw[at + 1 :])
            with pytest.raises(ReportError) as caught:
                load_report(saved)
            assert str(saved) in str(caught.value)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change", [lambda r: r + b"\n", lambda r: r[:-1], lambda r: b"", lambda r: b" " + r]
)
def test_changed_length_is_refused(saved, change):
    saved.write_bytes(change(saved.read_bytes()))
    with pytest.raises(ReportError):
        load_report(saved)


def test_lying_content_with_mended_file_hash_is_refused(report, saved):
    lying = replace(report, suites={"g2": {**report.g2_details, "verdict": "FAIL"}})
    lying.save(saved)
    with pytest.raises(ReportError, match="report_hash"):
        load_report(saved)


@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", "null", "1", '{"format": "quantlaxmi-gate-report"}', "\x00", "[" * 100_000,
        "1" * 5000, '{"format": "quantlaxmi-gate-report", "version": 3}', "NaN",
    ],
)  # fmt: skip
def test_other_files_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ReportError) as caught:
        load_report(path)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(ReportError, match="cannot be read"):
        load_report(tmp_path / "none.json")
    with pytest.raises(ReportError):
        load_report(tmp_path)


def test_report_cannot_be_written_is_one_line(report, tmp_path):
    with pytest.raises(ReportError, match="cannot be written"):
        report.save(tmp_path / "none" / "report.json")


def test_verify_recomputes_the_report(planted, saved):
    check = verify_report(saved, planted)
    assert check.matches
    assert check.differences == ()


def test_verify_finds_an_invented_verdict(planted, report, saved):
    """Hashes can be made to fit an invention; recomputation finds it."""
    details = json.loads(json.dumps(report.g2_details))
    details["results"][5]["monte_carlo"]["exceedances"] = 1
    replace(report, suites={"g2": details}).sealed().save(saved)
    check = verify_report(saved, planted)
    assert not check.matches
    assert [str(d) for d in check.differences] == [
        "suites.g2.results[5].monte_carlo.exceedances was 1, recomputed 0"
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda r: r.pop("role"), "suites.g2.results[5].role"),
        (lambda r: r.update(verdict="MAYBE"), "suites.g2.results[5].verdict"),
        (lambda r: r["monte_carlo"].update(draws=True), "suites.g2.results[5].monte_carlo.draws"),
        (
            lambda r: r["monte_carlo"].update(draws=0),
            "suites.g2.results[5].monte_carlo.exceedances",
        ),
        (
            lambda r: r["monte_carlo"].update(stopped=True, exceedances=0),
            "suites.g2.results[5].monte_carlo.exceedances",
        ),
        (
            lambda r: r["monte_carlo"]["histogram"].update(counts=[1]),
            "suites.g2.results[5].monte_carlo.histogram.counts",
        ),
        (
            lambda r: r["monte_carlo"]["histogram"].update(own_bin=99),
            "suites.g2.results[5].monte_carlo.histogram.own_bin",
        ),
    ],
)
def test_a_result_that_no_gate_gives_is_refused_by_its_place(report, saved, change, place):
    details = json.loads(json.dumps(report.g2_details))
    change(details["results"][5])
    replace(report, suites={"g2": details}).sealed().save(saved)
    with pytest.raises(ReportError) as caught:
        load_report(saved)
    assert str(caught.value).startswith(f"{saved} ({place}): "), str(caught.value)
    assert "\n" not in str(caught.value)


def test_verify_refuses_another_segment_and_unknown_strategies(planted, edgeless, report, saved):
    with pytest.raises(ReportError, match=r"header\.segment_digest"):
        verify_report(saved, edgeless)
    replace(report, strategy_id="/etc/x.py:Thief").sealed().save(saved)
    with pytest.raises(ReportError, match="not installed"):
        verify_report(saved, planted)


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("seed", -1, "seed"),
        ("seed", 2**63, "seed"),
        ("config", {"threshold_bps": "x"}, "config.threshold_bps"),
        ("config", {"treshold": "5"}, "config.treshold"),
        ("suites", {"g9": {"verdict": "PASS", "results": []}}, "suites"),
        ("latency_ns", -5, "latency_ns"),
        ("policy", {"alpha": "9"}, "policy.alpha"),
        ("policy", {"alfa": "0.05"}, "policy.alfa"),
        ("costs", {}, "costs"),
        ("risk", {"max_loss": "x"}, "risk"),
        ("latency", {"entry": 1}, "latency"),
    ],
)
def test_inputs_that_no_run_has_are_told_of_the_report_s_field(
    planted, report, saved, field, value, place
):
    """The hashes fit; what is wrong is a value of the file, and no option of the command."""
    replace(report, **{field: value}).sealed().save(saved)
    with pytest.raises(ReportError) as caught:
        verify_report(saved, planted)
    assert str(caught.value).startswith(f"{saved} ({place}"), str(caught.value)
    assert "--" not in str(caught.value).removeprefix(str(saved))


def test_settings_costs_and_latency_are_recorded(planted, tmp_path):
    from fractions import Fraction

    from quantlaxmi.strategies.registry import StrategyRegistry

    strategy = StrategyRegistry().create("basis_capture", sets=["threshold_bps=6.5"])
    costs = CostModel.binance().scaled(Fraction(3, 2))
    path = tmp_path / "r.json"
    report = run_gates(planted, strategy, policy=QUICK, costs=costs, latency_ns=5_000_000)
    report.save(path)
    assert report.config["threshold_bps"] == "6.5"
    assert report.latency_ns == 5_000_000
    assert verify_report(path, planted).matches


def test_a_strategy_that_never_trades_is_inconclusive(planted):
    from quantlaxmi.strategies.registry import StrategyRegistry

    idle = StrategyRegistry().create("basis_capture", sets=["threshold_bps=9000"])
    report = run_gates(planted, idle, policy=QUICK)
    assert report.verdict == "INCONCLUSIVE"
    assert report.g2_passed is False
    assert "Round trips: 0, at least 30 needed." in report.g2_details["reasons"][0]


@pytest.mark.parametrize("gates", [("g4",), ("g2", "g4"), (), ("g2", "g2"), ("",)])
def test_unknown_suites_are_refused_by_name(planted, gates):
    with pytest.raises(ConfigError, match="--gates"):
        run_gates(planted, "basis_capture", gates=gates)


@pytest.mark.parametrize(
    "option", [{"seed": -1}, {"seed": 2**63}, {"seed": 1.5}, {"seed": "1"}, {"threads": 0}]
)
def test_bad_options_are_refused(planted, option):
    with pytest.raises(ConfigError, match=r"^(seed|--threads): was"):
        run_gates(planted, "basis_capture", **option)


def test_only_asked_gates_run(planted):
    policy = QUICK.replace(suites={"g2": ("label_permutation",)})
    report = run_gates(planted, "basis_capture", policy=policy)
    assert report.g2_details["gates"] == ["label_permutation"]
    assert report.results[0].random_entry_baseline is None
    assert report.results[0].result("label_permutation").verdict is Verdict.SHOWN
    assert report.g2_passed is False


def test_progress_is_told(planted):
    told = []
    run_gates(planted, "basis_capture", policy=QUICK, progress=lambda *a: told.append(a))
    assert {t[0] for t in told} >= {"backtest", "random_entry.matched", "label_permutation"}
    assert all(done <= total for _, done, total in told)


SCRIPT = """
import sys
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates
from quantlaxmi.segment import open_segment
policy = GatePolicy(
    random_sides={"n_draws": 20},
    ablation={"n_bootstrap": 99},
    extend_factor=1,
    random_entry={"n_sims": 20, "n_neutral_pairs": 2},
    label_permutation={"n_perms": 20},
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
)
print(run_gates(open_segment(sys.argv[1]), "basis_capture", policy=policy).report_hash)
"""


def _hash_in(environment, folder):
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(folder)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_interpreted_kernels_and_unwritable_caches_give_the_same_report(tmp_path):
    """Without JIT, and where no compiled kernel can be kept, the bits are the same."""
    (blocked := tmp_path / "file").write_text("")
    usual = _hash_in({}, DATA / "planted")
    assert _hash_in({"NUMBA_DISABLE_JIT": "1"}, DATA / "planted") == usual
    if DEEP:  # it compiles every kernel; tests/jit/test_jit_cache.py has one in such a place
        assert _hash_in({"NUMBA_CACHE_DIR": str(blocked / "below")}, DATA / "planted") == usual


def test_binding_goes_where_it_was_asked_for(planted, report, tmp_path):
    import shutil

    from quantlaxmi.bindings import read_bindings
    from quantlaxmi.report import bind_report

    # The sample may hold bindings of reports that somebody made of it.
    bound = shutil.ignore_patterns("bindings.jsonl")
    shutil.copytree(DATA / "planted", tmp_path / "seg", ignore=bound)
    own = open_segment(tmp_path / "seg")
    chain = bind_report(report, own, own.path)
    assert chain == tmp_path / "seg" / "bindings.jsonl"
    bind_report(report, own, own.path)
    found = read_bindings(chain)
    assert [b.record["report_hash"] for b in found] == [report.report_hash] * 2
    assert found[0].record["file_hash"] == report.file_hash
    assert open_segment(tmp_path / "seg").digest == planted.digest
    assert bind_report(report, own, tmp_path) == tmp_path / "bindings.jsonl"


def test_a_run_without_path_silences_the_gates_that_need_one_alone(planted):
    from quantlaxmi.report import report_of
    from quantlaxmi.run.replay import backtest

    idle = backtest(planted, "basis_capture", flatten=True)
    report = report_of(
        replace(idle, exact=replace(idle.exact, fills=_without_decisions(idle.exact.fills))),
        policy=QUICK,
    )
    assert report.verdict == "INCONCLUSIVE"
    (g2,) = report.results
    silent = {r.gate for r in g2.results if "without flattening" in r.reasons[0]}
    assert silent == {
        "random_entry.matched",
        "random_entry.neutral",
        "label_permutation",
        "market_null",
        "time_shift",
        "lag_profile",
        "random_sides",
    }
    assert g2.net_positive.verdict is Verdict.PASS


def _without_decisions(fills):
    fills = fills.copy()
    fills["decision"][-1] = -1
    return fills
