"""Scripts in examples/ that go from an idea to many segments: each runs and says what it should."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def said_by(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What an example prints when it is run as a script."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    return capsys.readouterr().out


def test_idea_to_gates(capsys, monkeypatch):
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)
    said = said_by("idea_to_gates", capsys)
    assert "602 decisions, 1212 fills" in said
    assert "traces are equal: True" in said
    assert "planted: PASS (timing)" in said and "edgeless: FAIL" in said


def test_parameter_study(capsys, monkeypatch):
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)
    edgeless, planted = said_by("parameter_study", capsys).split("planted:")
    assert "before the seal: FAIL; best of 12 settings allowed for, 12 trials" in edgeless
    assert "stays sealed" in edgeless and "asked once" not in edgeless
    assert "before the seal: PASS (timing); best of 12 settings" in planted
    assert "asked once: " in planted and "NOT FRESH" not in planted


def test_duckdb_catalog(capsys, monkeypatch):
    pytest.importorskip("duckdb", reason="duckdb is not installed (extra dev)")
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)
    lines = said_by("duckdb_catalog", capsys).splitlines()
    assert "   basis_capture FAIL 4 -97.5" in lines
    assert "   net_positive PASS 4" in lines
    assert lines[-1].startswith("   synthetic-20240115-")
