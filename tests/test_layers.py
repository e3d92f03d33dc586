"""The ordered list of ARCHITECTURE.md: a module imports only from entries above its own.

Imports inside functions count; those under ``if TYPE_CHECKING`` do not, because they never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import quantlaxmi

#: Top-level names under quantlaxmi/, lowest first; imports go upwards only.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("schema",),
    ("instruments",),
    ("_ext",),
    ("_jit",),
    ("fixed",),
    ("canonical",),
    ("files",),
    ("settings",),
    ("parallel",),
    ("events",),
    ("stats",),
    ("segment",),
    ("bindings",),
    ("data_quality",),
    ("trace",),
    ("execution",),
    ("venues",),
    ("options",),
    ("importers",),
    ("features",),
    ("strategies",),
    ("trials",),
    ("run",),
    ("gates",),
    ("report",),
    ("batch",),
    ("calibrate",),
    ("cli",),
)
#: The same within packages that are a road of their own; ``__init__`` comes last.
INNER: dict[str, tuple[str, ...]] = {
    "events": ("ids", "outcomes", "decisions"),
    "segment": (
        "rows",
        "horizon",
        "arrow_io",
        "wal",
        "manifest",
        "market_data",
        "window",
        "columns",
        "read",
        "seal",
        "recover",
        "write",
        "split",
        "parts",
        "memory",
        "export",
    ),
    "trace": ("header", "objects", "file", "arrow", "decision_trace", "parity"),
}
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
#: Compiled kernels and Numba kernels know nothing of one another.
FORBIDDEN = {("_ext", "_jit"), ("_jit", "_ext")}

ROOT = Path(quantlaxmi.__file__).parent
SOURCES = sorted(p for p in ROOT.rglob("*") if p.suffix in {".py", ".pyx", ".pxd"})

_PYX_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<base>[.\w]+)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
    r"|c?import[ \t]+(?P<plain>[\w.]+))",
    re.MULTILINE,
)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield other
                yield from _walk(other)
            continue
        yield child
        yield from _walk(child)


def _from_names(package: list[str], base: str, names: list[str]) -> Iterator[str]:
    dots = len(base) - len(base.lstrip("."))
    anchor = package[: len(package) - (dots - 1)] if dots else []
    full = [*anchor, *[p for p in base.lstrip(".").split(".") if p]]
    if full == ["quantlaxmi"]:
        yield from (f"quantlaxmi.{name}" for name in names)
    else:
        yield ".".join(full)


def imports(path: Path) -> Iterator[str]:
    """Dotted names that the source at ``path`` imports."""
    package = ["quantlaxmi", *path.relative_to(ROOT).parent.parts]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in _walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                yield from _from_names(package, base, [alias.name for alias in node.names])
        return
    for match in _PYX_IMPORT.finditer(text):
        if match["plain"]:
            yield match["plain"]
        else:
            names = [n.split(" as ")[0].strip() for n in match["names"].strip("()").split(",")]
            yield from _from_names(package, match["base"], [n for n in names if n])


def violations(path: Path) -> list[str]:
    """One text for each import of ``path`` that does not go upwards in the list."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    own = parts[0]
    if own == "__init__":
        return []  # the flat public API, at the very end of the list
    if own not in RANK:
        return [f"{path.name}: {own} does not stand in the list"]
    found = []
    for name in imports(path):
        target = name.split(".")
        if target[0] != "quantlaxmi":
            continue
        if len(target) == 1 or target[1] == "__version__":
            continue
        other = target[1]
        if other not in RANK:
            found.append(f"{own} imports {name}, which does not stand in the list")
        elif own == other and own in INNER:
            order = (*INNER[own], "__init__")
            inner = target[2] if len(target) > 2 else "__init__"
            if inner not in order or parts[1] not in order:
                found.append(f"{'.'.join(parts)} or {name} does not stand in the list")
            elif order.index(inner) >= order.index(parts[1]):
                found.append(f"{'.'.join(parts)} imports {name} from below")
        elif own != other and (RANK[other] > RANK[own] or (own, other) in FORBIDDEN):
            found.append(f"{own} imports {name} from below")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_imports_go_upwards(path: Path) -> None:
    assert violations(path) == []


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [
        ("fixed.py", "from quantlaxmi.segment import open_segment", 1),
        ("fixed.py", "def f():\n    from quantlaxmi import cli", 1),
        ("fixed.py", "if TYPE_CHECKING:\n    from quantlaxmi import cli", 0),
        ("gates/x.py", "from ..run.replay import Run\nfrom . import keys", 0),
        ("_ext/x.pyx", "from quantlaxmi._jit.rng cimport draw", 1),
        ("_ext/x.pyx", "cimport quantlaxmi._ext.wide\nfrom quantlaxmi cimport run", 1),
        ("nowhere.py", "", 1),
    ],
)
def test_layers_check_sees_what_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, bad: int
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert len(violations(path)) == bad
