"""The code digest is of source: no build, no machine and no form of a strategy changes it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.code_digest import code_digest
from quantlaxmi.strategies.kernel import load_compiled

SOURCE = "cdef int twice(int x):\n    return 2 * x\n\ndef f(int x):\n    return twice(x)\n"
BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup
setup(
    script_args=["-q", "build_ext", "--inplace"],
    ext_modules=cythonize(
        [Extension("toy", ["toy.pyx"], extra_compile_args=[sys.argv[1]])],
        language_level=3, quiet=True,
    ),
)
"""


def built(folder: Path, level: str, source: str = SOURCE) -> ModuleType:
    """A compiled module that was built at one level of optimisation."""
    folder.mkdir()
    (folder / "toy.pyx").write_text(source)
    (folder / "toy.pxd").write_text("cdef int twice(int x)\n")
    subprocess.run(
        [sys.executable, "-c", BUILD, level],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    (binary,) = folder.glob("toy*.so")
    spec = importlib.util.spec_from_file_location("toy", binary)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_builds_of_one_source_have_one_digest(tmp_path: Path) -> None:
    first, second = built(tmp_path / "a", "-O0"), built(tmp_path / "b", "-O3")
    binaries = [Path(str(one.__file__)).read_bytes() for one in (first, second)]
    assert binaries[0] != binaries[1]
    assert code_digest(first) == code_digest(second)
    before = code_digest(second)
    (tmp_path / "b" / "toy.pyx").write_text(SOURCE.replace("2 *", "3 *"))
    changed = code_digest(second)
    (tmp_path / "b" / "toy.pyx").write_text(SOURCE.replace("\n", "\r\n"))
    assert code_digest(second) == before != changed
    (tmp_path / "b" / "toy.pxd").write_text("cdef int twice(int x) noexcept\n")
    assert code_digest(second) not in (before, changed)


def test_the_bundled_kernel_and_its_twin_have_one_digest() -> None:
    name = "quantlaxmi.strategies.basis_capture_kernel"
    owners = [load_compiled(name, interpreted=twin).owner for twin in (False, True)]
    assert str(owners[0].__file__).endswith(".so")  # type: ignore[attr-defined]
    assert code_digest(owners[0]) == code_digest(owners[1]) != code_digest(None)


def test_neither_python_nor_the_sdk_is_part_of_a_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new Python or a new version of the package is no new strategy."""
    import abc

    from quantlaxmi.strategies import basis_capture, sdk

    before = code_digest(BasisCapture())
    monkeypatch.setattr(sdk, "__file__", __file__)
    monkeypatch.setattr(abc, "__file__", __file__)
    assert code_digest(BasisCapture()) == before
    monkeypatch.setattr(basis_capture, "__file__", __file__)
    assert code_digest(BasisCapture()) != before


def test_bytecode_without_source_is_known_by_what_it_compiles_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Toy:
        def f(self) -> int:
            return 1

    module = ModuleType("toy_bytecode")
    module.__file__ = str(tmp_path / "toy.pyc")
    Toy.__module__ = "toy_bytecode"
    monkeypatch.setitem(sys.modules, "toy_bytecode", module)
    digests = []
    for content in (b"one", b"two"):
        (tmp_path / "toy.pyc").write_bytes(content)
        digests.append(code_digest(Toy()))
    assert digests[0] == digests[1] != code_digest(None)
