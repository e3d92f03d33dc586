"""Latency models: files, hashes, and the road through the command line and the gates."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.canonical import canonical_json
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, InputError, ReportError
from quantlaxmi.execution.latency import MAX_LATENCY_NS, MAX_VALUES, Latency, LatencyModel
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates, verify_report
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import open_segment
from tests.run.test_latency_engine import MODEL
from tests.segment.test_parts import DATA

QUICK = GatePolicy(
    random_sides={"n_draws": 60},
    extend_factor=1,
    random_entry={"n_sims": 60, "n_neutral_pairs": 20},
    label_permutation={"n_perms": 60},
    market_null={"n_draws": 39, "n_draws_extended": 39, "grid_search": "off"},
)


def load(folder: Path, text: str, table: str | None = None) -> LatencyModel:
    (folder / "latency.toml").write_text(text)
    if table is not None:
        (folder / "measured.csv").write_text(table)
    return LatencyModel.load(folder / "latency.toml")


def test_a_file_says_entry_and_response(tmp_path: Path) -> None:
    text = 'entry = [5, 3, 3]\nresponse = {table = "measured.csv"}\n'
    model = load(tmp_path, text, "ns\n7\n 0 \r\n315619200000000000\n")
    assert model.entry == Latency(table_ns=(5, 3, 3))
    assert model.response == Latency(table_ns=(7, 0, MAX_LATENCY_NS))
    assert load(tmp_path, "entry = 0") == LatencyModel(entry=Latency(0))
    assert load(tmp_path, "") == LatencyModel.constant(1_000_000)
    assert load(tmp_path, "response = 5").response.largest_ns == 5


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("entry = -1", None, r"latency\.toml \(entry\): was -1, expected whole nanoseconds, 0 to"),
        ("entry = 1.5", None, r"\(entry\): was .*1\.5"),
        ("entry = true", None, r"\(entry\): was true"),
        ('entry = "5"', None, r"\(entry\): was '5'"),
        ("entry = []", None, r"\(entry\): is empty"),
        ("entry = [1, 315619200000000001]", None, r"\(entry\): was 315619200000000001"),
        (f"entry = {[1] * (MAX_VALUES + 1)}", None, r"\(entry\): has 65537 values"),
        ("latency = 5", None, r"\(latency\): unknown setting; known settings: entry, response"),
        ("entry = {tables = 5}", None, r'\(entry\): was .*expected \{table = "FILE"\}'),
        ('entry = {table = "../x"}', None, r"\(entry\): table was '\.\./x', expected a file's"),
        ('entry = {table = "/etc/hosts"}', None, r"\(entry\): table was '/etc/hosts'"),
        ('entry = {table = "none.csv"}', None, r"\(entry\): table 'none\.csv': is missing"),
        ('entry = {table = "measured.csv"}', "", r"measured\.csv: is empty"),
        ('entry = {table = "measured.csv"}', "ns\n", r"measured\.csv: is empty"),
        ('entry = {table = "measured.csv"}', "5\n\n6\n", r"measured\.csv \(line 2\): was ''"),
        ('entry = {table = "measured.csv"}', "5\n1e3\n", r"measured\.csv \(line 2\): was '1e3'"),
        ('entry = {table = "measured.csv"}', "-5\n", r"measured\.csv \(line 1\): was '-5'"),
        ('entry = {table = "measured.csv"}', "9" * 19, r"\(line 1\): was 9{19}, expected at most"),
        ('entry = {table = "measured.csv"}', "1\n" * (MAX_VALUES + 1), r"\(line 65537\): has more"),
        ('entry = {table = "measured.csv"}', "1" * (3 << 20), r"is longer than"),
        ("entry = [", None, r"latency\.toml"),
    ],
)
def test_bad_files_get_one_line(
    tmp_path: Path, text: str, table: str | None, expected: str
) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        load(tmp_path, text, table)
    assert "\n" not in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "measured.csv").symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="symbolic link"):
        load(tmp_path, 'entry = {table = "measured.csv"}')


def test_values_are_hashed_and_not_where_they_stand(tmp_path: Path) -> None:
    from_file = load(tmp_path, 'entry = {table = "measured.csv"}', "5\n6\n")
    in_place = load(tmp_path, "entry = [5, 6]")
    assert from_file.latency_hash(False) == in_place.latency_hash(False)
    others = [
        LatencyModel(entry=Latency(table_ns=(6, 5))),
        LatencyModel(entry=Latency(table_ns=(5, 6)), response=Latency(1)),
        LatencyModel(entry=Latency(5)),
    ]
    hashes = {m.latency_hash(flat) for m in (in_place, *others) for flat in (False, True)}
    assert len(hashes) == 8
    for model in (in_place, *others):
        assert LatencyModel.from_description(model.describe()) == model
        text = json.loads(json.dumps(model.describe()))
        assert LatencyModel.from_description(text) == model


def test_a_constant_keeps_its_hash() -> None:
    plain = {"kind": "constant", "latency_ns": 1_000_000, "flatten": False}
    expected = hashlib.sha256(b"quantlaxmi.latency.1\0" + canonical_json(plain)).digest()
    assert LatencyModel.constant(1_000_000).latency_hash(False) == expected
    assert LatencyModel.constant(5).delays(0, b"") is None


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"entry": {"constant_ns": 1}},
        {"entry": {"constant_ns": -1}, "response": {"constant_ns": 0}},
        {"entry": {"constant_ns": True}, "response": {"constant_ns": 0}},
        {"entry": {"table_ns": []}, "response": {"constant_ns": 0}},
        {"entry": {"table_ns": "123"}, "response": {"constant_ns": 0}},
        {"entry": {"table_ns": [1.0]}, "response": {"constant_ns": 0}},
        {"entry": {"constant_ns": 1, "table_ns": [1]}, "response": {"constant_ns": 0}},
        {"entry": 5, "response": {"constant_ns": 0}},
        {"entry": {"constant_ns": 1}, "response": {"constant_ns": 0}, "more": 1},
    ],
)
def test_what_is_no_description_is_refused(described) -> None:
    with pytest.raises(ConfigError):
        LatencyModel.from_description(described)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def test_gates_leave_out_what_a_drawn_latency_hides(planted, tmp_path: Path) -> None:
    """Random entry at mids still runs; what its placements would have cost is not made up."""
    report = run_gates(planted, "basis_capture", policy=QUICK, latency=MODEL, seed=3)
    details = json.dumps(report.g2_details)
    assert "The latency of order entry is drawn for each decision" in details
    found = report.results[0].random_entry_baseline
    assert found.details["net"] is None
    assert found.verdict in ("PASS", "FAIL")
    assert report.latency == MODEL.describe()
    report.save(tmp_path / "report.json")
    assert verify_report(tmp_path / "report.json", planted).matches
    plain = json.loads((tmp_path / "report.json").read_text())
    assert plain["latency_ns"] == 40_000_000


def test_a_drawn_response_hides_no_cost(planted) -> None:
    model = LatencyModel(response=Latency(table_ns=(1, 900_000_000)))
    report = run_gates(planted, "basis_capture", policy=QUICK, latency=model)
    found = report.results[0].random_entry_baseline
    assert found.details["net"] is not None


def test_a_plain_report_names_no_model(planted, tmp_path: Path) -> None:
    report = run_gates(planted, "basis_capture", policy=QUICK)
    report.save(tmp_path / "report.json")
    assert "latency" not in json.loads((tmp_path / "report.json").read_text())
    assert verify_report(tmp_path / "report.json", planted).matches


def test_a_report_with_a_bad_model_is_refused(planted, tmp_path: Path) -> None:
    import dataclasses

    report = run_gates(planted, "basis_capture", policy=QUICK)
    wrong = dataclasses.replace(report, latency={"entry": 1}).sealed()
    wrong.save(tmp_path / "report.json")
    with pytest.raises(ReportError, match=r"\(latency\)"):
        verify_report(tmp_path / "report.json", planted)


def test_a_run_made_again_has_its_latencies(planted) -> None:
    run = backtest(planted, "basis_capture", latency=MODEL, seed=5)
    assert Rerun(run).again().trace.outcome_hash == run.trace.outcome_hash
    later = MODEL.delayed(5)
    assert later.entry.table_ns == tuple(value + 5 for value in MODEL.entry.table_ns)
    assert (later.response, LatencyModel.constant(7).delayed(5)) == (
        MODEL.response,
        LatencyModel.constant(12),
    )
    assert Rerun(run).again(config=replace(run.config, latency=later)).latency == later


def test_the_command_line_takes_a_model(tmp_path: Path, capsys) -> None:
    (tmp_path / "measured.csv").write_text("300000\n900000\n40000000\n")
    (tmp_path / "m.toml").write_text('entry = {table = "measured.csv"}\nresponse = 5000000\n')
    words = ["--segment-dir", str(DATA / "planted"), "--strategy", "basis_capture", "--json"]
    told = []
    for command in ("backtest", "replay"):
        assert main_crypto([command, *words, "--latency", str(tmp_path / "m.toml")]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0]["trace_hash"] == told[1]["trace_hash"]
    both = ["--latency", str(tmp_path / "m.toml"), "--latency-ns", "5"]
    assert main_crypto(["backtest", *words, *both]) == 2
    capsys.readouterr()
    (tmp_path / "measured.csv").write_text("3x\n")
    assert main_crypto(["backtest", *words, "--latency", str(tmp_path / "m.toml")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "measured.csv (line 1): was '3x'" in error
