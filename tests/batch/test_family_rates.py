"""The study of false discoveries runs, and finds stages and full length equal in every family."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from quantlaxmi.batch import inference
from tests.depth import examples

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "calibrate_families.py"


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("calibrate_families", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name", ["independent, edge 3.5", "no edge anywhere"])
def test_false_discoveries_are_at_most_q_and_draws_are_saved(study, name):
    found = study.rates(name, examples(100))
    assert found.share - 4 * found.share_se <= 0.1
    assert found.draws < 0.6 * found.full_draws
    if "3.5" in name:
        assert 0.5 < found.power < 0.95


def test_a_stage_that_is_wrong_is_noticed(study, monkeypatch):
    real = study.split

    def forgetful(members, q):
        found = real(members, q)
        return type(found)(found.found, (), found.threshold)  # nothing is ever open

    monkeypatch.setattr(study, "split", forgetful)
    with pytest.raises(AssertionError, match="stages differ"):
        study.rates("independent, edge 4.5", 5)


def test_the_study_through_the_engine_goes_on_where_it_was_and_equals_full_length(
    tmp_path, monkeypatch
):
    spec = importlib.util.spec_from_file_location(
        "calibrate_sweeps", PATH.with_name("calibrate_sweeps.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its data classes look there
    try:
        spec.loader.exec_module(module)
        module.STRENGTH = 7.0
        monkeypatch.setattr(inference, "LEAST_DRAWS", 1_999)
        (one,) = module.study(tmp_path / "s", 1, 1, (5, 1))
        assert one.full and one.true == 1 and one.false <= 1 and one.draws > 199
        assert [p.name for p in (tmp_path / "s").iterdir()] == ["0001.json"]
        module.judge = None  # what is done is not done again
        assert module.study(tmp_path / "s", 1, 1, (5, 1)) == [one]
    finally:
        del sys.modules[spec.name]


def test_the_page_keeps_its_section_when_it_is_made_anew(tmp_path):
    from quantlaxmi.calibrate.markdown import kept_section

    page = PATH.parents[1] / "docs" / "CALIBRATION.md"
    kept = kept_section(page)
    assert kept.startswith("## Families of items\n") and kept in page.read_text()
    assert "calibrate_families.py" in kept and kept.count("\n## ") == 0
    assert kept_section(tmp_path / "absent.md") == ""
    (tmp_path / "other.md").write_text("# Calibration\n\ntext\n")
    assert kept_section(tmp_path / "other.md") == ""
