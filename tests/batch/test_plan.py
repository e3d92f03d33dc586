"""Items and their keys: what makes two of them one, and what makes them differ."""

from __future__ import annotations

import importlib
import json
import shutil

import msgspec
import pytest

from quantlaxmi.batch import item_key, plan
from quantlaxmi.batch.plan import ENGINE_VERSION
from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.fee_rate import FeeRate
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy
from quantlaxmi.run.config import RunConfig
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import SegmentWriter, open_segment
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.grid_file import Grid
from tests.batch.catalogs import DATA

PLANTED = DATA / "planted"
#: The module: the package's `plan` is the function.
plan_module = importlib.import_module("quantlaxmi.batch.plan")


def keys(*args, **options):
    return [item.key for item in plan(*args, **options).items]


def test_an_item_is_a_segment_a_strategy_and_a_grid():
    made = plan([DATA / "*"], ["basis_capture"])
    assert [item.segment.name for item in made.items] == ["edgeless", "planted"]
    item = made.items[0]
    assert (item.planned.engine_version, item.planned.gates) == (ENGINE_VERSION, "g2")
    assert item.planned.rows > 0 and item.planned.first_ts_ns < item.planned.last_ts_ns
    assert item.key == item_key(item.inputs) == item.planned.key
    assert made.policy.general.early == "guards"


def test_longer_segments_come_first_and_items_of_one_stand_together():
    configs = [BasisCapture.Config(threshold_bps=n) for n in (3, 4)]
    made = plan([DATA / "edgeless", PLANTED], [BasisCapture], configs=configs)
    rows = [item.planned.rows for item in made.items]
    assert rows == sorted(rows, reverse=True)
    names = [item.segment.name for item in made.items]
    assert names == ["edgeless", "edgeless", "planted", "planted"]


def test_equal_items_are_one_wherever_they_are(tmp_path):
    copy = tmp_path / "another name"
    shutil.copytree(PLANTED, copy)
    assert keys([PLANTED, PLANTED, DATA / "pl*"], ["basis_capture"]) == keys([copy], [BasisCapture])
    assert len(keys([PLANTED, copy], ["basis_capture"])) == 1


@pytest.mark.parametrize("field", ["currency", "contract_size", "tick", "cadence"])
def test_equal_rows_of_other_instruments_or_cadence_are_another_item(field, tmp_path):
    """The digest of rows covers neither, and both move the report."""
    one = open_segment(PLANTED)
    changed, cadence = list(one.instruments), one.cadence
    if field == "cadence":
        cadence = "bars"
    else:
        value = {"currency": "USDC", "contract_size": 7, "tick": 5}[field]
        changed[0] = msgspec.structs.replace(changed[0], **{field: value})
    made = {}
    for name, instruments, pace in (
        ("one", one.instruments, one.cadence),
        ("two", changed, cadence),
    ):
        folder = tmp_path / name
        with SegmentWriter(
            folder, venue="generated", instruments=instruments, cadence=pace
        ) as writer:
            writer.append("quotes", one.columns("quotes"))
            writer.seal()
        made[name] = folder
    assert len({open_segment(path).digest for path in made.values()}) == 1
    items = plan(list(made.values()), ["basis_capture"]).items
    assert len({item.key for item in items}) == len(items) == 2


def test_every_input_makes_another_key():
    config = BasisCapture.Config(threshold_bps=4)
    other = BasisCapture.Config(threshold_bps=3)
    ways = [
        {},
        {"gates": "g2,g3"},
        {"full": True},
        {"policy": GatePolicy(alpha="0.01")},
        {"run": RunConfig.of(latency_ns=5)},
        {"run": RunConfig.of(seed=1)},
        {"configs": [config]},
        {"configs": [other]},
        {"grid": Grid.of("basis_capture", [config])},
        {"grid": Grid.of("basis_capture", [config, other])},
    ]
    found = [keys([PLANTED], ["basis_capture"], **way)[0] for way in ways]
    found += keys([DATA / "edgeless"], ["basis_capture"])
    assert len(set(found)) == len(found)
    reverse = Grid.of("basis_capture", [other, config])
    assert keys([PLANTED], [BasisCapture], grid=reverse)[0] == found[9]


SLOWER = LatencyModel(response=Latency(constant_ns=7))
SEVEN = FeeRate(maker_bps=FixedPoint(7, 0), taker_bps=FixedPoint(7, 0))
DEARER = CostModel(rates=dict.fromkeys((InstrumentKind.SPOT, InstrumentKind.PERP), SEVEN))
#: Costs, latency, limits, seed and the rest of a run, one at a time.
RUNS = {
    "costs": {"costs": DEARER},
    "latency": {"latency_ns": 5},
    "latency of answers": {"latency": SLOWER},
    "latency of legs": {"leg_latency_ns": 1},
    "limits": {"limits": RiskLimits(max_orders_per_second=3)},
    "seed": {"seed": 1},
    "settling": {"settle_at": "mark"},
    "flattening": {"flatten": True},
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_each_part_of_a_run_makes_another_key(run):
    assert keys([PLANTED], [BasisCapture], run=RunConfig.of(**run)) != keys(
        [PLANTED], [BasisCapture]
    )


@pytest.mark.parametrize("name", ["SEMANTICS_VERSION", "__version__"])
def test_another_version_makes_another_key(name, monkeypatch):
    before = keys([PLANTED], [BasisCapture])
    monkeypatch.setattr(plan_module, name, 99)
    assert keys([PLANTED], [BasisCapture]) != before


def test_another_id_or_code_of_a_strategy_makes_another_key(tmp_path):
    text = (
        "from quantlaxmi.strategies import CryptoStrategy, StrategyConfig\n\n\n"
        "class Mine(CryptoStrategy):\n"
        '    strategy_id = "mine"\n    Config = StrategyConfig\n\n'
        "    def on_market(self, event, ctx):\n        return None\n"
    )
    found = set()
    for place, edit in enumerate(
        (text, text.replace("return None", "pass"), text.replace('"mine"', '"yours"'))
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "mine.py").write_text(edit)
        (item,) = plan([PLANTED], [f"{folder}/mine.py:Mine"]).items
        found.add((item.key, item.planned.code_digest))
    assert len(found) == len({key for key, _ in found}) == len({code for _, code in found}) == 3


def test_a_grid_file_goes_to_its_strategy(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text('strategy = "basis_capture"\n[values]\nthreshold_bps = [3, 4]\n')
    made = plan([PLANTED], ["basis_capture"], grid=path)
    assert len(made.items[0].grid.configs) == 2
    path.write_text('strategy = "another"\n[values]\nthreshold_bps = [3, 4]\n')
    with pytest.raises(ConfigError, match="another"):
        plan([PLANTED], ["basis_capture"], grid=path)


def test_a_segment_that_cannot_be_opened_is_a_refused_item(tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(PLANTED, broken)
    manifest = json.loads((broken / "segment.json").read_text())
    manifest["digest"] = "0" * 64
    (broken / "segment.json").write_text(json.dumps(manifest))
    made = plan([broken, PLANTED], ["basis_capture"])
    refused = next(item for item in made.items if item.refused)
    assert "segment.json" in refused.refused and refused.planned.segment_digest == ""
    assert sum(not item.refused for item in made.items) == 1


@pytest.mark.parametrize(
    ("segments", "options", "said"),
    [
        (["/nowhere/*"], {}, "matches no segment"),
        (["/nowhere"], {}, "matches no segment"),
        ([], {}, "names no segment"),
        (["a\0b"], {}, "expected a folder or a pattern"),
        ([PLANTED], {"gates": "g9"}, "'g9'"),
        ([PLANTED], {"configs": [1]}, "expected settings"),
        ([PLANTED], {"configs": ["x.toml"], "grid": "y.toml"}, "expected one of them"),
    ],
)
def test_what_cannot_be_planned_is_one_line(segments, options, said):
    with pytest.raises(ConfigError, match=said) as refused:
        plan(segments, ["basis_capture"], **options)
    assert "\n" not in str(refused.value)


def test_an_unknown_strategy_is_named():
    with pytest.raises(StrategyError, match="did you mean basis_capture"):
        plan([PLANTED], ["basis_captur"])
    with pytest.raises(ConfigError, match="names no strategy"):
        plan([PLANTED], [])
