"""``sweep-gates``: what it says, what it refuses, and its trial ledger."""

from __future__ import annotations

import json

import pytest

from quantlaxmi.batch import Catalog, sweep
from quantlaxmi.segment import open_segment
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import DATA, FEW


def test_trials_are_written_and_seals_hold(parts, tmp_path):
    from quantlaxmi.trials import TrialLedger
    from quantlaxmi.trials.holdout import seal_from

    (tmp_path / "t").mkdir()
    ledger = TrialLedger(tmp_path / "t")
    where = {"policy": FEW, "workers": 1, "trials": tmp_path / "t"}
    configs = [BadConfig(way="raise"), BadConfig()]
    sweep([parts / "part-000[0-1]"], [Bad], configs=configs, catalog=tmp_path / "c", **where)
    assert ledger.refresh().count() == 2  # what raised was not run
    plain = sweep([parts / "part-000[0-1]"], [Bad], configs=configs[1:], policy=FEW, workers=1)
    table = Catalog.open(tmp_path / "c").table()
    kept = dict(zip(table["key"], table["report_hash"], strict=True))
    assert [kept[key] for key in plain["key"]] == plain["report_hash"]
    first = open_segment(parts / "part-0000")
    seal_from(first, first.first_ts_ns + 1, ledger)
    table = sweep([parts / "part-0000"], [Quiet], **where)
    assert table["status"] == ["refused"] and "sealed" in table["error"][0]


def test_the_command_says_what_it_would_do_and_does_it(parts, tmp_path, capsys):
    from quantlaxmi.cli import main_crypto

    policy = tmp_path / "policy.toml"
    policy.write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    words = ["sweep-gates", "--segments", str(parts / "part-000[0-3]"), "--strategies"]
    words += ["basis_capture", "--catalog", str(tmp_path / "c"), "--policy", str(policy)]
    words += ["--workers", "1", "--json"]
    assert main_crypto([*words, "--dry-run"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["items"], facts["to_do"], facts["cpu_hours"]) == (4, 4, None)
    assert not (tmp_path / "c").exists()
    assert main_crypto([*words, "--json-log", str(tmp_path / "log.jsonl")]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == {"done": 4}
    events = [
        json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()
    ]
    assert events == ["begin", "item", "item", "item", "item", "end"]
    wider = [w.replace("part-000[0-3]", "part-000*") for w in words]
    assert main_crypto([*wider, "--dry-run"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["items"], facts["known"], facts["to_do"]) == (10, 4, 6)
    assert facts["cpu_hours"] >= 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--item-memory", "much"], "expected bytes, or a size"),
        (["--item-memory", "1MB"], "at least 64 MB"),
        (["--item-seconds", "0"], "--item-seconds"),
        (["--workers", "0"], "--workers"),
        (["--gates", "g7"], "g7"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, words, said):
    from quantlaxmi.cli import main_crypto

    base = ["sweep-gates", "--segments", str(DATA / "*"), "--strategies", "basis_capture"]
    assert main_crypto([*base, "--catalog", str(tmp_path / "c"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "c").exists()
