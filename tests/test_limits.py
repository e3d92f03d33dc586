"""Files, functions and parameter lists stay small enough to be read at one sitting.

A function's docstring does not count: numpydoc names every parameter, and that shall cost nothing.
What is over a limit stands here with its reason; what no longer is over it is taken off the list.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import quantlaxmi

MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 400, 60, 7

PACKAGE = Path(quantlaxmi.__file__).parent
ROOT = Path(__file__).parents[1]

#: File -> why it is longer.
LONG_FILES: dict[str, str] = {}
#: Name of a test's file -> why it is longer.
LONG_TESTS: dict[str, str] = {}
#: File::function -> why it is longer.
LONG_FUNCTIONS: dict[str, str] = {
    "_ext/_types_check.pyx::layout": "a table: the offset of every field of every record",
    "calibrate/rules/reaction_kernel.py::step": "one branch for each rule, compiled",
    "strategies/basis_capture_kernel.py::step": "the strategy's one step, compiled as one function",
}
#: What is called from outside with keywords, each of which is documented.
ENTRY_POINTS = {
    "batch/plan.py::plan",
    "batch/sweep.py::sweep",
    "calibrate/__init__.py::calibrate",
    "gates/look_ahead.py::verify_no_lookahead",
    "importers/binance_stream.py::import_binance_stream",
    "importers/frame.py::from_frame",
    "report/run_gates.py::report_of",
    "report/run_gates.py::run_gates",
    "run/grid_runs.py::grid_runs",
    "run/config.py::of",
    "run/replay.py::backtest",
    "run/replay.py::replay",
    "strategies/context.py::decide",
}
#: File::function -> why it takes more parameters.
MANY_PARAMETERS: dict[str, str] = {}

PYTHON = sorted(PACKAGE.rglob("*.py"))
CYTHON = sorted([*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")])
_DEF = re.compile(
    r"^(?P<indent> *)(?:cdef|cpdef|def)\b(?! (?:class|struct|extern|packed)\b)"
    r"[^\n=]*?\b(?P<name>\w+)\("
)


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, lines without the docstring and parameters of each function of a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if ast.get_docstring(node) is not None:
            lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
        given = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        yield node.name, lines, len(given) - (given[:1] in (["self"], ["cls"]))


def _cython_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and lines of each function with a body in a Cython file, docstrings left out."""
    lines = text.split("\n")
    for first, line in enumerate(lines):
        found = _DEF.match(line)
        if not found:
            continue
        head = first
        depth = line.count("(") - line.count(")")
        while depth > 0:
            head += 1
            depth += lines[head].count("(") - lines[head].count(")")
        if not lines[head].split("#")[0].rstrip().endswith(":"):
            continue  # a declaration
        last = head
        for k in range(head + 1, len(lines)):
            stripped = lines[k].strip()
            if stripped and len(lines[k]) - len(lines[k].lstrip()) <= len(found["indent"]):
                break
            if stripped:
                last = k
        body = "\n".join(lines[head + 1 : last + 1])
        docstring = body.split('"""')[1] if body.lstrip().startswith('"""') else None
        yield (
            found["name"],
            last - first + 1 - (0 if docstring is None else docstring.count("\n") + 1),
        )


def _is_kernel(path: Path) -> bool:
    """Kernels meet no object: each array and integer is a parameter."""
    return path.parent.name == "_jit" or path.stem.endswith("_kernel")


def _stale(listed: Iterable[str], over: set[str]) -> list[str]:
    """What stands on a list and is over no limit."""
    return sorted(set(listed) - over)


def test_files_are_short() -> None:
    sources = [*PYTHON, *CYTHON, *PACKAGE.rglob("*.pyi"), *PACKAGE.rglob("*.h")]
    over = {_name(p) for p in sources if len(p.read_text(encoding="utf-8").splitlines()) > MAX_FILE}
    assert sorted(over - LONG_FILES.keys()) == []
    assert _stale(LONG_FILES, over) == [], "is short again: take it off the list"


@pytest.mark.parametrize("folder", ["tests", "fuzz", "benchmarks", "examples"])
def test_files_beside_the_package_are_short(folder: str) -> None:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    over = {p.name for p in found if len(p.read_text("utf-8").splitlines()) > MAX_FILE}
    assert sorted(over - LONG_TESTS.keys()) == []
    if folder == "tests":
        assert _stale(LONG_TESTS, over) == [], "is short again: take it off the list"


def test_functions_are_short() -> None:
    over = {
        f"{_name(path)}::{name}"
        for path in PYTHON
        for name, lines, _ in _functions(path)
        if lines > MAX_FUNCTION
    }
    for path in CYTHON:
        for name, lines in _cython_functions(path.read_text(encoding="utf-8")):
            if lines > MAX_FUNCTION:
                over.add(f"{_name(path)}::{name}")
    assert sorted(over - LONG_FUNCTIONS.keys()) == []
    assert _stale(LONG_FUNCTIONS, over) == [], "is short again: take it off the list"


def test_functions_take_few_parameters() -> None:
    over = {
        f"{_name(path)}::{name}"
        for path in PYTHON
        if not _is_kernel(path)
        for name, _, parameters in _functions(path)
        if parameters > MAX_PARAMETERS
    }
    assert sorted(over - ENTRY_POINTS - MANY_PARAMETERS.keys()) == []
    assert _stale(MANY_PARAMETERS, over) == [], "takes few again: take it off the list"
    assert _stale(ENTRY_POINTS, over) == [], "takes few again: take it off the list"


def test_limits_see_what_they_should(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "class A:\n"
        '    def f(self, a, *, b=1):\n        """Says\n        much."""\n        return a\n'
    )
    assert list(_functions(path)) == [("f", 2, 2)]
    text = (
        "cdef extern from 'x.h':\n    int g(int) nogil\n\n"
        "cdef class A(B):\n    pass\n\n"
        "cdef inline int f(\n    int a,\n    int b,\n) noexcept nogil:\n"
        '    """Says\n    much."""\n    a += b\n\n    return a\n'
        "# after\ncdef int h(int a)\n"
    )
    assert list(_cython_functions(text)) == [("f", 7)]
