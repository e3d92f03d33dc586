"""Bindings carry the policy and the manifest; a command lists and verifies them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.bindings import append_binding, read_bindings
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import bind_report, binding_faults, run_gates
from quantlaxmi.report.binding import manifest_hashes
from quantlaxmi.segment import MemorySegment, Window, open_parts, open_segment, split_segment

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "edgeless")


@pytest.fixture(scope="module")
def report(segment):
    return run_gates(segment, "basis_capture", policy=GatePolicy(suites={"g2": ["net_positive"]}))


@pytest.fixture
def chain(report, segment, tmp_path):
    return bind_report(report, segment, tmp_path)


def command(*words):
    return main_crypto(["bindings", *map(str, words)])


def test_a_binding_has_the_hashes_of_policy_and_manifest(chain, report, segment):
    (line,) = read_bindings(chain)
    assert line.record["policy_hash"] == report.policy_hash
    assert line.record["policy"].startswith("suites.g2 without look_ahead, ")
    assert line.record["manifest_sha256"] == [segment.manifest.manifest_sha256]
    assert (line.record["g2_passed"], line.record["g3_passed"]) == (False, None)


def test_manifests_of_parts_windows_and_memory(segment, tmp_path):
    made = split_segment(segment, tmp_path / "parts", rows=segment.n_messages // 2)
    parts = open_parts([part.path for part in made])
    hashes = [part.manifest.manifest_sha256 for part in parts.parts]
    assert len(set(hashes)) == len(made) > 1
    assert manifest_hashes(parts) == hashes
    window = Window(parts, parts.first_seq + 10, parts.last_seq)
    assert manifest_hashes(Window(window, window.first_seq, window.last_seq)) == hashes
    assert manifest_hashes(MemorySegment(segment.instruments, {})) == []


def test_a_report_of_other_data_is_not_bound(report, tmp_path):
    with pytest.raises(InputError, match="was made from data of digest"):
        bind_report(report, open_segment(DATA / "planted"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_chain_begins_in_no_folder_of_a_segment_s_own(report, segment, tmp_path):
    shutil.copytree(segment.path, tmp_path / "seg")
    own = open_segment(tmp_path / "seg")
    with pytest.raises(InputError, match="is inside the segment"):
        bind_report(report, own, tmp_path / "seg" / "columns")
    assert bind_report(report, own, tmp_path / "seg").parent == tmp_path / "seg"
    open_segment(tmp_path / "seg")


def test_the_command_lists_and_verifies(chain, report, tmp_path, capsys):
    saved = tmp_path / "g2.json"
    report.save(saved)
    assert command("list", "--bind", tmp_path) == 0
    out = capsys.readouterr().out
    assert report.report_hash[:16] in out
    assert "basis_capture" in out
    assert command("list", "--bind", tmp_path, "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["record"]["policy_hash"] == report.policy_hash
    last = found["hash"]
    verify = ["verify", "--bind", tmp_path, "--report", saved, "--segment-dir", DATA / "edgeless"]
    assert command(*verify, "--last", last) == 0
    assert "BINDINGS_MATCH" in capsys.readouterr().out
    assert command("verify", "--bind", tmp_path, "--segment-dir", DATA / "planted") == 1
    assert "no line names the segment digest" in capsys.readouterr().out
    assert command(*verify, "--last", "0" * 64, "--json") == 1
    assert "lines were removed" in json.loads(capsys.readouterr().out)["differences"][0]


def test_what_is_no_chain_or_has_no_line_is_told(tmp_path, capsys):
    import os

    path = tmp_path / "bindings.jsonl"
    path.touch()
    assert command("verify", "--bind", tmp_path) == 1
    assert "the chain has no line" in capsys.readouterr().out
    path.unlink()
    os.mkfifo(path)
    assert command("list", "--bind", tmp_path) == 2
    assert "pipe" in capsys.readouterr().err


def test_bad_command_lines_are_one_line(tmp_path, capsys):
    for words, said in (
        (("list", "--bind", tmp_path), "is not there; run-gates --bind makes it"),
        (("list", "--bind", tmp_path / "no"), "is no folder"),
        (("list", "--bind", tmp_path, "--last", "0" * 64), "--last: belongs to bindings verify"),
        (("verify", "--bind", tmp_path, "--last", "x"), "expected 64 hexadecimal digits"),
        (("verify", "--bind", tmp_path, "--report", tmp_path / "x"), "No such file"),
    ):
        assert command(*words) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


def test_what_a_line_says_of_a_report_is_compared(chain, report, segment):
    assert binding_faults(chain, report=report, segment=segment)[1] == []
    (line,) = read_bindings(chain)
    append_binding(chain, {**line.record, "verdict": "PASS", "policy": "default"})
    verdict, policy = binding_faults(chain, report=report)[1]
    assert verdict == "line 2: verdict was 'PASS', the report has 'FAIL'"
    assert policy.startswith("line 2: policy was 'default', the report has 'suites.g2 without ")
    other = replace(report, seed=9).sealed()
    assert binding_faults(chain, report=other)[1] == [
        f"no line binds the report {other.report_hash}"
    ]


def test_a_manifest_that_was_changed_is_found(report, tmp_path):
    """Notes, gaps and sources are outside the digest; the binding has them by the manifest."""
    from quantlaxmi.segment.manifest import load_manifest, save_manifest

    shutil.copytree(DATA / "edgeless", tmp_path / "seg")
    (tmp_path / "seg" / "bindings.jsonl").unlink(missing_ok=True)
    own = open_segment(tmp_path / "seg")
    chain = bind_report(report, own, tmp_path)
    manifest = load_manifest(own.path)
    import msgspec

    save_manifest(own.path, msgspec.structs.replace(manifest, notes=("all is well",)))
    again = open_segment(own.path)
    assert again.digest == own.digest
    (fault,) = binding_faults(chain, report=report, segment=again)[1]
    assert fault.startswith("line 1: manifest_sha256 was ")


def test_hostile_records_are_shown_in_a_line(tmp_path, capsys):
    for record in ({}, {"kind": 3, "verdict": "\x1b[2J"}, {"policy": {"a": ["x" * 999]}}):
        append_binding(tmp_path / "bindings.jsonl", record)
    assert command("list", "--bind", tmp_path) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for block in out.split("\n\n"):  # heads, a rule, and a line for each
        assert len(block.strip().splitlines()) == 5
