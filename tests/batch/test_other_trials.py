"""What a ledger knows beside a catalog is told with the discoveries, not in the items' reports."""

from __future__ import annotations

import dataclasses

from quantlaxmi.batch import Catalog, family, sweep
from quantlaxmi.batch.other_trials import OtherTrials, other_trials
from quantlaxmi.batch.page import sweep_page
from quantlaxmi.batch.summary import family_summary
from quantlaxmi.cli import main_crypto
from quantlaxmi.run.config import RunConfig
from quantlaxmi.trials import TrialLedger
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import FEW


def all_found(catalog):
    """The family, as if every item were a discovery: none of these strategies trades."""
    found = family(catalog)
    split = dataclasses.replace(found.split, found=tuple(one.key for one in found.items))
    return dataclasses.replace(found, split=split)


def test_trials_on_the_same_data_count_and_the_items_own_are_told_apart(parts, tmp_path):
    (tmp_path / "t").mkdir()
    ledger = TrialLedger(tmp_path / "t")
    where = {"policy": FEW, "workers": 1, "run": RunConfig.of()}
    segments = [parts / "part-0000"]
    sweep(segments, [Bad], catalog=tmp_path / "c", trials=tmp_path / "t", **where)
    catalog = Catalog.open(tmp_path / "c")
    found = all_found(catalog)
    (key,) = catalog.rows
    assert other_trials(catalog, found, ledger.refresh()) == {key: OtherTrials(1, 0)}
    # Another setting and another strategy on the same rows, and another part of one recording.
    configs = [BadConfig(way="sleep")]
    sweep(segments, [Bad], configs=configs, trials=tmp_path / "t", **where)
    sweep(segments, [Quiet], trials=tmp_path / "t", **where)
    sweep([parts / "part-0007"], [Quiet], trials=tmp_path / "t", **where)
    others = other_trials(catalog, found, ledger.refresh())
    assert others == {key: OtherTrials(4, 3)}
    # A ledger that never saw the segment is asked by its times.
    (tmp_path / "u").mkdir()
    empty = TrialLedger(tmp_path / "u")
    assert other_trials(catalog, found, empty.refresh()) == {key: OtherTrials(0, 0)}


def test_the_report_says_whether_other_trials_are_known(parts, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)
    (tmp_path / "t").mkdir()
    sweep([parts / "part-0000"], [Bad], catalog=tmp_path / "c", policy=FEW, workers=1)
    words = ["sweep-report", "--catalog", str(tmp_path / "c")]
    assert main_crypto(words) == 0
    assert "unknown: no ledger" in capsys.readouterr().out
    assert main_crypto([*words, "--trials", str(tmp_path / "t")]) == 0
    assert "the ledger's" in capsys.readouterr().out
    assert main_crypto([*words, "--trials", str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    found = family(Catalog.open(tmp_path / "c"))
    assert "no ledger was named" in sweep_page(found, family_summary(found))
    assert "Survivors say" in sweep_page(found, family_summary(found, {}))
