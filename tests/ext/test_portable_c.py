"""The C of the package compiles for other systems, and other compilers see standard C alone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import quantlaxmi
from tests.c_compilers import compiler

FOLDER = Path(quantlaxmi.__file__).parent / "_ext"
#: What is in one file with what: black76.h has names of its own for the absolute value and errors.
ALONE = {"black76.h"}
UNITS = [{p.name for p in FOLDER.glob("*.h")} - ALONE - {"int128_native.h"}, ALONE]
STRICT = ["-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Wvla"]
QUIET = ["-Wno-unused-function", "-DQL_PORTABLE_INT128=1"]
TARGETS = ["x86_64-windows-gnu", "aarch64-macos", "x86_64-macos", "aarch64-linux-gnu"]
#: Words of gcc and clang that other compilers do not know.
EXTENSIONS = re.compile(r"__attribute__|__builtin_\w+|__int128|__typeof__|__extension__|\(\{")


def source(tmp_path: Path, names: set[str]) -> Path:
    path = tmp_path / "all.c"
    lines = [f'#include "{name}"' for name in sorted(names)]
    path.write_text("\n".join([*lines, "int main(void) { return 0; }", ""]))
    return path


def test_every_header_is_in_a_unit():
    assert set().union(*UNITS) | {"int128_native.h"} == {p.name for p in FOLDER.glob("*.h")}
    assert len(UNITS[0]) > 5


@pytest.mark.parametrize("names", UNITS, ids=["money", "black76"])
@pytest.mark.parametrize("target", [None, *TARGETS])
def test_headers_compile_as_strict_c11(tmp_path, names, target):
    words = compiler("clang" if target else "gcc", target)
    made = [*words, *STRICT, *QUIET, f"-I{FOLDER}", "-c", source(tmp_path, names)]
    done = subprocess.run([*made, "-o", tmp_path / "all.o"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("names", UNITS, ids=["money", "black76"])
def test_another_compiler_sees_no_extension(tmp_path, names):
    """As a compiler that is neither gcc nor clang has the headers after its preprocessor."""
    words = [*compiler("gcc"), "-E", "-std=c11", "-U__GNUC__", *QUIET, f"-I{FOLDER}"]
    done = subprocess.run(
        [*words, source(tmp_path, names)], capture_output=True, text=True, check=True
    )
    ours, lines = False, 0
    for line in done.stdout.splitlines():
        if line.startswith("# "):
            ours = str(FOLDER) in line
        elif ours and line.strip():
            lines += 1
            assert not EXTENSIONS.search(line), line
    assert lines > 100
