"""Sweeps over segments in several currencies: rates are given once, each segment takes its own."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog, item_key, plan
from quantlaxmi.batch.sweep import sweep
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates
from quantlaxmi.run.config import RunConfig
from quantlaxmi.segment import SegmentWriter
from tests.batch.catalogs import DATA
from tests.run.test_currencies import FREE, Turns, market, of_one_currency, rate_file

POLICY = GatePolicy(suites={"g2": ["net_positive"]}, min_trades=20)
RUN = RunConfig.of(costs=FREE)


def saved(folder: Path, made) -> Path:
    with SegmentWriter(folder, venue="generated", instruments=made.instruments) as writer:
        writer.append("quotes", made.columns("quotes"))
        writer.seal()
    return folder


@pytest.fixture
def room(tmp_path):
    """A segment in USDT and BTC, one in USDT alone, and the rates of BTC."""
    saved(tmp_path / "mixed", market())
    saved(tmp_path / "plain", of_one_currency())
    return tmp_path, f"BTC={rate_file(tmp_path)}"


def test_each_segment_takes_the_rates_of_its_currencies(room):
    folder, rates = room
    table = sweep(
        [folder / "*ed", folder / "plain"], [Turns], catalog=folder / "cat", policy=POLICY,
        run=RUN, workers=1, convert=[rates],
    )  # fmt: skip
    assert table["status"] == ["done", "done"]
    assert len(set(table["segment_digest"])) == 1  # they differ in an instrument alone
    for key in table["key"]:
        report = Catalog.open(folder / "cat").report(key)
        mixed = any(one["currency"] == "BTC" for one in report.header["instruments"])
        assert (report.conversion is not None) == mixed
        assert report.verdict != "INCONCLUSIVE"
        alone = run_gates(
            folder / ("mixed" if mixed else "plain"), Turns, policy=POLICY.replace(early="guards"),
            costs=FREE, convert=[rates] if mixed else (),
        )  # fmt: skip
        assert alone.report_hash == report.report_hash
    nets = table["net"]
    assert float(nets[0]) == float(nets[1])  # the same money, by rate and by contract size


def test_rates_make_another_item_and_none_leave_the_key_as_it_was(room, tmp_path):
    folder, rates = room
    (without,) = plan([folder / "mixed"], [Turns], policy=POLICY).items
    (given,) = plan([folder / "mixed"], [Turns], policy=POLICY, convert=[rates]).items
    assert "conversion" not in without.inputs and without.conversion is None
    assert given.key == item_key(given.inputs) != without.key
    assert pickle.loads(pickle.dumps(given)) == given
    both = plan([folder / "mixed", folder / "plain"], [Turns], policy=POLICY, convert=[rates])
    assert [item.conversion is None for item in both.items] in ([True, False], [False, True])
    later = rates.replace("btc.csv", "later.csv")
    Path(later[4:]).write_text(Path(rates[4:]).read_text().replace("3.5", "3.75"))
    (other,) = plan([folder / "mixed"], [Turns], policy=POLICY, convert=[later]).items
    assert other.key not in (given.key, without.key)


def test_rates_that_are_of_no_segment_are_refused(room):
    folder, rates = room
    for convert, says in (
        ([rates[4:]], "expected CURRENCY=FILE"),
        ([rates, rates], "names BTC twice"),
        ([rates, rates.replace("BTC", "ETH")], "was ETH=..., expected a currency of one of"),
    ):
        with pytest.raises(ConfigError, match=says):
            plan([folder / "mixed", DATA / "planted"], [Turns], policy=POLICY, convert=convert)
    with pytest.raises(InputError, match="nowhere"):
        plan([folder / "mixed"], [Turns], policy=POLICY, convert=["BTC=nowhere.csv"])


def test_rates_that_do_not_reach_a_segment_refuse_its_item(room):
    folder, rates = room
    file = Path(rates[4:])
    file.write_text(f"ts,rate\n{market().last_ts_ns + 1},2\n")
    (item,) = plan([folder / "mixed"], [Turns], policy=POLICY, convert=[rates]).items
    assert "expected a rate at" in item.refused and item.conversion is None
    both = [rates, f"USDT={file}"]
    (item,) = plan([folder / "mixed"], [Turns], policy=POLICY, convert=both).items
    assert "leaves no currency without a file" in item.refused


def test_the_command_takes_rates(room, capsys, monkeypatch):
    folder, rates = room
    monkeypatch.chdir(folder)
    (folder / "turns.py").write_text("from tests.run.test_currencies import Turns\n")
    (folder / "policy.toml").write_text('min_trades = 20\n[suites]\ng2 = ["net_positive"]\n')
    terms = '[perp]\nmaker_bps = "2"\ntaker_bps = "2"\nmin_notional = "0"\n'
    (folder / "costs.toml").write_text(terms)
    line = "sweep-gates --segments mixed --strategies turns.py:Turns --catalog cat"
    line += " --policy policy.toml --costs costs.toml --workers 1"
    assert main_crypto(line.split()) == 0
    assert "INCONCLUSIVE 1" in capsys.readouterr().out
    assert main_crypto([*line.split(), "--convert", rates]) == 0
    assert "INCONCLUSIVE" not in capsys.readouterr().out
    assert main_crypto([*line.split(), "--convert", "ETH=btc.csv"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "expected a currency of one of the segments" in said
