"""Every compiled module has a .pyi beside it that names the same functions and parameters."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import quantlaxmi

ROOT = Path(quantlaxmi.__file__).parent
MODULES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.pyx"))

Signature = list[tuple[str, bool]]  # parameter name, has a default


def _stub_parameters(node: ast.FunctionDef, method: bool) -> Signature:
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    defaults = [False] * (len(positional) - len(a.defaults)) + [True] * len(a.defaults)
    pairs = list(zip([p.arg for p in positional], defaults, strict=True))
    if method and "staticmethod" not in decorators:
        pairs = pairs[1:]
    pairs += [(p.arg, d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    return pairs


def _real_parameters(function: object, method: bool, static: bool) -> Signature:
    parameters = list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]
    if method and not static and parameters and parameters[0].name in {"self", "cls"}:
        parameters = parameters[1:]
    return [(p.name, p.default is not p.empty) for p in parameters]


def _stub_functions(tree: ast.Module) -> dict[str, tuple[ast.FunctionDef, bool]]:
    found: dict[str, tuple[ast.FunctionDef, bool]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = (node, False)
        elif isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and not item.name.startswith("__"):
                    found[f"{node.name}.{item.name}"] = (item, True)
    return found


def _public(module: ModuleType) -> set[str]:
    """Functions and classes that the module itself defines."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and (callable(value) or inspect.isclass(value))
    }


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_stubs_name_what_the_module_has(path: Path) -> None:
    stub = (ROOT / path).with_suffix(".pyi")
    assert stub.exists(), f"{path} has no stub beside it"
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    module = importlib.import_module(".".join(("quantlaxmi", *path.with_suffix("").parts)))
    named = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    assert _public(module) <= named, "not in the stub"
    for name, (node, method) in _stub_functions(tree).items():
        owner, _, member = name.rpartition(".")
        holder = getattr(module, owner) if owner else module
        assert hasattr(holder, member), f"{name} is in the stub only"
        value = getattr(holder, member)
        if not callable(value):
            continue  # a property
        static = isinstance(vars(holder).get(member), staticmethod)
        real = _real_parameters(value, method, static)
        assert real == _stub_parameters(node, method), name


def test_stubs_cover_no_vanished_module() -> None:
    for stub in ROOT.rglob("*.pyi"):
        assert stub.with_suffix(".pyx").exists() or stub.with_suffix(".py").exists(), stub
