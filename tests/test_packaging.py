"""What is shipped: types, stubs, sources, entry points, licence. Slow parts are in .ci/run."""

from __future__ import annotations

import os
import tarfile
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import quantlaxmi

ROOT = Path(__file__).parent.parent
PACKAGE = Path(quantlaxmi.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_packaging_version_is_one() -> None:
    assert PROJECT["version"] == quantlaxmi.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {quantlaxmi.__version__}" in changelog


def test_packaging_sources_and_types_are_beside_the_modules() -> None:
    assert (PACKAGE / "py.typed").exists()
    compiled = list((PACKAGE / "_ext").glob("*.pyx"))
    assert compiled
    for source in compiled:
        assert source.with_suffix(".pyi").exists(), source.name
    assert (PACKAGE / "_ext" / "_types.pxd").exists(), "users' Cython kernels need it"


def test_packaging_fast_math_is_off_everywhere() -> None:
    for source in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyx")):
        text = source.read_text(encoding="utf-8")
        assert "fastmath=True" not in text.replace(" ", ""), source
        assert "-ffast-math" not in text, source


def installed() -> object:
    try:
        found = distribution("quantlaxmi")
    except PackageNotFoundError:
        found = None
    if found is None or "site-packages" not in PACKAGE.parts:
        pytest.skip("needs the installed package: make test")
    return found


def test_packaging_entry_points_and_licence_are_installed() -> None:
    found = installed()
    scripts = {p.name: p.value for p in found.entry_points if p.group == "console_scripts"}
    assert scripts == {
        "quantlaxmi-crypto": "quantlaxmi.cli:main_crypto",
        "quantlaxmi-india": "quantlaxmi.cli:main_india",
    }
    names = [str(p) for p in found.files]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "data/")) for name in names)


def test_packaging_distributions_hold_what_they_should() -> None:
    place = os.environ.get("QUANTLAXMI_DIST")
    if not place:
        pytest.skip("needs the built distributions: make test")
    (sdist,) = Path(place).glob("*.tar.gz")
    (wheel,) = Path(place).glob("*.whl")
    with tarfile.open(sdist) as held:
        names = {name.partition("/")[2] for name in held.getnames()}
    for needed in (
        "Makefile",
        "LICENSE",
        "setup.py",
        "tests/test_packaging.py",
        "tests/golden/traces.json",
        "data/planted/segment.json",
        "benchmarks/run.py",
        "quantlaxmi/_ext/int128.h",
        "quantlaxmi/_ext/int128_native.h",
        "quantlaxmi/_ext/int128_words.h",
        "quantlaxmi/_ext/int256.h",
    ):
        assert needed in names, needed
    assert not any(name.endswith((".so", ".c", ".pyc")) for name in names)
    with zipfile.ZipFile(wheel) as held_wheel:
        shipped = held_wheel.namelist()
    assert not any(name.endswith((".c", ".pyc")) for name in shipped)
    assert {name.partition("/")[0] for name in shipped} == {
        "quantlaxmi",
        f"quantlaxmi-{quantlaxmi.__version__}.dist-info",
    }
