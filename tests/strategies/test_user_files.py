"""Strategy files that import their neighbours: each folder by itself, in every process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.errors import StrategyError
from quantlaxmi.strategies.code_digest import code_digest
from quantlaxmi.strategies.neighbours import with_neighbours
from quantlaxmi.strategies.registry import StrategyRegistry

ROOT = Path(__file__).parents[2]
PLANTED = ROOT / "data" / "planted"
STRATEGY = """
from quantlaxmi.events import LegIntent
from quantlaxmi.schema import Side
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy
import helper
from tools.sizes import size
from tools import sizes

class Cfg(StrategyConfig, frozen=True, kw_only=True):
    every: int = 500

class Mine(CryptoStrategy):
    strategy_id = "mine"
    Config = Cfg
    rationales = ("rule",)

    def on_start(self, ctx):
        self.seen = 0

    def on_market(self, event, ctx):
        import later
        self.seen += 1
        if self.seen % self.config.every:
            return None
        assert later.NAME == helper.NAME and sizes.size is size
        leg = LegIntent(ctx.instruments[1].symbol, Side.BUY, size() * helper.FACTOR)
        return ctx.decide([leg], rationale="rule")
"""


def folder_of(tmp_path: Path, name: str, factor: int, file: str = "strat.py") -> Path:
    folder = tmp_path / name
    (folder / "tools").mkdir(parents=True)
    (folder / "helper.py").write_text(f"NAME, FACTOR = {name!r}, {factor}\n")
    (folder / "later.py").write_text("from helper import NAME\n")
    (folder / "tools" / "__init__.py").write_text("")
    (folder / "tools" / "sizes.py").write_text(
        "import json, helper\nfrom . import more\ndef size():\n    return more.SIZE\n"
    )
    (folder / "tools" / "more.py").write_text("SIZE = 1_000_000\n")
    (folder / file).write_text(STRATEGY)
    return folder / file


def sizes(run) -> set[int]:
    return set(run.exact.legs["qty"].tolist())


def test_neighbours_of_two_folders_do_not_mix(tmp_path: Path) -> None:
    before = list(sys.path)
    one, two = folder_of(tmp_path, "one", 1), folder_of(tmp_path, "two", 3)
    runs = [quantlaxmi.backtest(PLANTED, str(path)) for path in (one, two, one)]
    assert [sizes(run) for run in runs] == [{10**6}, {3 * 10**6}, {10**6}]
    assert runs[0].trace.trace_hash == runs[2].trace.trace_hash
    assert sys.path == before
    assert not {"helper", "later", "tools", "strat"} & set(sys.modules)


@pytest.mark.parametrize("file", ["my strategy.py", "a.b.py", "f_0.py", "tools.py", "größe.py"])
def test_a_file_may_have_any_name(tmp_path: Path, file: str) -> None:
    found = StrategyRegistry().get(f"{folder_of(tmp_path, 'one', 2, file)}:Mine")
    assert sizes(quantlaxmi.backtest(PLANTED, found)) == {2 * 10**6}


def test_another_process_finds_the_file(tmp_path: Path) -> None:
    made = StrategyRegistry().create(str(folder_of(tmp_path, "one", 2)), sets={"every": 700})
    pickled = tmp_path / "made.pickle"
    pickled.write_bytes(pickle.dumps((made, type(made), made.config)))
    code = (
        "import pickle, sys\n"
        f"made, kind, config = pickle.load(open({str(pickled)!r}, 'rb'))\n"
        "import quantlaxmi\n"
        f"run = quantlaxmi.backtest({str(PLANTED)!r}, made)\n"
        "print(type(made) is kind, made.config == config, run.trace.trace_hash.hex())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = quantlaxmi.backtest(PLANTED, made).trace.trace_hash.hex()
    assert done.stdout.split() == ["True", "True", expected], done.stderr


def test_what_a_neighbour_lacks_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = folder_of(tmp_path, "one", 1)
    (path.parent / "helper.py").write_text("FACTOR = 1\n")
    (path.parent / "tools" / "sizes.py").write_text("from helper import NAME\n")
    with pytest.raises(StrategyError) as told:
        StrategyRegistry().get(str(path))
    assert "cannot import name 'NAME' from 'helper'" in str(told.value)
    assert "user_files" not in str(told.value)


def test_a_module_that_everybody_has_is_not_loaded_twice(tmp_path: Path, monkeypatch) -> None:
    path = folder_of(tmp_path, "one", 1)
    (path.parent / "quantlaxmi.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(str(path.parent))
    import helper

    found = StrategyRegistry().get(str(path))
    assert sys.modules[found.__module__].helper is helper
    for name in ("helper", "later", "tools", "tools.sizes", "tools.more"):
        sys.modules.pop(name, None)


def test_a_file_that_fails_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    path.write_text("raise RuntimeError('not yet')\n")
    with pytest.raises(StrategyError, match="RuntimeError: not yet"):
        StrategyRegistry().get(str(path))
    path.write_text(STRATEGY.replace("import helper", "").replace("from tools", "# from tools"))
    assert StrategyRegistry().get(str(path)).strategy_id == "mine"


def test_the_digest_of_the_code_covers_neighbours(tmp_path: Path) -> None:
    digests = []
    for name, size in (("one", 1), ("two", 1), ("three", 2)):
        path = folder_of(tmp_path, name, 1)
        (path.parent / "helper.py").write_text("NAME, FACTOR = 'x', 1\n")
        (path.parent / "tools" / "more.py").write_text(f"SIZE = {size}\n")
        digests.append(code_digest(StrategyRegistry().create(str(path))))
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_of_the_code_is_of_the_files_alone(tmp_path: Path) -> None:
    """Another strategy of the folder, or an import inside a function, changed it once loaded: a
    sweep of both refused one of them, and a trial was counted as another."""
    path = folder_of(tmp_path, "one", 1)
    registry = StrategyRegistry()
    before = code_digest(registry.create(str(path)))
    (path.parent / "other.py").write_text(STRATEGY.replace('"mine"', '"other"'))
    other = code_digest(registry.create(str(path.parent / "other.py")))
    quantlaxmi.backtest(PLANTED, registry.create(str(path)))  # runs `import later`
    assert code_digest(registry.create(str(path))) == before != other
    (path.parent / "later.py").write_text("from helper import NAME, FACTOR\n")
    assert code_digest(registry.create(str(path))) != before


def test_neighbours_are_those_that_are_imported(tmp_path: Path) -> None:
    path = folder_of(tmp_path, "one", 1)
    (path.parent / "unused.py").write_text("import strat\n")
    (path.parent / "helper.py").write_text("NAME, FACTOR = 'x', 1\nfrom ... import nobody\n")
    (path.parent / "later.py").write_text("not Python\n")
    found = with_neighbours(path)
    names = sorted(str(one.relative_to(path.parent)) for one in found)
    assert names == [
        "helper.py", "later.py", "strat.py", "tools/__init__.py", "tools/more.py", "tools/sizes.py",
    ]  # fmt: skip
    assert all(one.read_bytes() == content for one, content in found.items())
    assert with_neighbours(path.parent / "gone.py") == {}


def test_verify_report_reads_the_settings_of_a_file(tmp_path: Path) -> None:
    path = folder_of(tmp_path, "one", 1)
    policy = quantlaxmi.GatePolicy.from_mapping({"suites": {"g2": ["net_positive"]}})
    made = StrategyRegistry().create(str(path), sets={"every": 700})
    report = quantlaxmi.run_gates(PLANTED, made, gates="g2", policy=policy)
    report.save(tmp_path / "report.json")
    for given in (f"{path}:Mine", type(made)):
        check = quantlaxmi.verify_report(tmp_path / "report.json", PLANTED, strategy=given)
        assert check.matches
