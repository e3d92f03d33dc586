"""Finding strategies: bundled, installed by others, and in a file."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from quantlaxmi.errors import StrategyError
from quantlaxmi.strategies import CryptoStrategy, StrategyRegistry, registry
from quantlaxmi.strategies.basis_capture import BasisCapture

SOURCE = """
from quantlaxmi.strategies import CryptoStrategy, StrategyConfig

class Quiet(CryptoStrategy):
    strategy_id = "quiet"
    def on_market(self, event, ctx):
        return None
"""


class Mine(CryptoStrategy):
    strategy_id = "mine"

    def on_market(self, event, ctx):
        return None


def test_bundled_strategies_are_listed_and_loaded():
    found = StrategyRegistry(installed=False)
    assert found.list() == ["basis_capture", "calendar_carry"]
    assert found.get("basis_capture") is BasisCapture
    strategy = found.create("basis_capture", sets=["threshold_bps=4"])
    assert strategy.config.as_texts()["threshold_bps"] == "4"


def test_register_adds_a_class_once():
    found = StrategyRegistry(installed=False)
    assert found.register(Mine) is Mine
    assert found.register(Mine) is Mine
    assert found.list() == ["basis_capture", "calendar_carry", "mine"] and found.get("mine") is Mine
    with pytest.raises(StrategyError, match="registered already"):
        found.register(type("Other", (Mine,), {}))
    with pytest.raises(StrategyError, match="registered already"):
        found.register(type("Other", (Mine,), {"strategy_id": "basis_capture"}))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (object, "is not a subclass"),
        (Mine(), "is not a subclass"),
        (CryptoStrategy, "does not define on_market"),
        (type("Odd", (Mine,), {"strategy_id": "a b"}), "strategy_id was 'a b'"),
        (type("Odd", (Mine,), {"strategy_id": None}), "strategy_id was None"),
    ],
)
def test_register_refuses_what_is_no_strategy(made, said):
    with pytest.raises(StrategyError) as caught:
        StrategyRegistry(installed=False).register(made)
    assert said in str(caught.value)


def test_unknown_names_suggest_the_near_one():
    with pytest.raises(StrategyError, match=r"'basis_captur'; did you mean basis_capture\?"):
        StrategyRegistry().get("basis_captur")
    with pytest.raises(StrategyError, match=r"known: basis_capture"):
        StrategyRegistry(installed=False).get("zzz")


def test_files_give_their_classes(tmp_path):
    path = tmp_path / "s.py"
    path.write_text(SOURCE)
    found = StrategyRegistry()
    one = found.get(f"{path}:Quiet")
    assert one.strategy_id == "quiet" and found.get(str(path)) is one
    assert "quiet" not in found.list()


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        (None, "s.py:Quiet", "cannot be read: No such file"),
        (SOURCE, "s.py:Loud", "has no class 'Loud'; it has Quiet"),
        (SOURCE, "s.py:StrategyConfig", "is not a subclass"),
        ("", "s.py", "it has none"),
        ("x = 1 / 0", "s.py:Quiet", "ZeroDivisionError: division by zero"),
        ("def (", "s.py:Quiet", "SyntaxError"),
        ("import no_such_module_here", "s.py:Quiet", "ModuleNotFoundError"),
    ],
)
def test_files_that_cannot_serve_are_named(tmp_path, source, name, said):
    if source is not None:
        (tmp_path / "s.py").write_text(source)
    with pytest.raises(StrategyError) as caught:
        StrategyRegistry().get(f"{tmp_path}/{name}")
    assert "s.py" in str(caught.value) and said in str(caught.value)
    assert "\n" not in str(caught.value)


def offer(monkeypatch, *pairs):
    points = [EntryPoint(name, value, registry.GROUP) for name, value in pairs]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def test_entry_points_are_loaded_when_asked_for(monkeypatch):
    offer(monkeypatch, ("mine", f"{__name__}:Mine"), ("broken", "no_such_module_here:X"))
    found = StrategyRegistry()
    assert found.list() == ["basis_capture", "broken", "calendar_carry", "mine"]
    assert found.get("mine") is Mine
    with pytest.raises(StrategyError, match=r"'broken' at no_such_module_here:X: Module"):
        found.get("broken")


def test_entry_points_must_keep_their_name(monkeypatch):
    offer(monkeypatch, ("other", f"{__name__}:Mine"))
    with pytest.raises(StrategyError, match="calls itself 'mine'"):
        StrategyRegistry().get("other")
    offer(monkeypatch, ("basis_capture", f"{__name__}:Mine"))
    with pytest.raises(StrategyError, match="is offered twice"):
        StrategyRegistry()


def test_bundled_strategies_load_no_numba():
    code = (
        "import sys; from quantlaxmi.strategies import StrategyRegistry as R;"
        "R().create('basis_capture');"
        "sys.exit(any(m in sys.modules for m in ('numba', 'scipy', 'rich', 'matplotlib')))"
    )
    root = Path(registry.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
