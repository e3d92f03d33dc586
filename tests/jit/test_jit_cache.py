"""The cache of compiled kernels is a convenience: no state of it stops a sweep or changes one."""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi._jit import compiler
from tests.depth import DEEP, some
from tests.jit.test_prepare import KERNELS

#: Compiles a small kernel, and says what came out and how many were found compiled.
SCRIPT = """
import sys
import numpy as np
from quantlaxmi._jit import compiler
from quantlaxmi._jit.random_sides import random_sides
{before}
found = []
for n in (7, 9):
    out = np.zeros((n, 4), np.uint64)
    random_sides(np.uint64(5), 3, np.arange(n), out)
    found.append(int(out[-1, 1]))
hits = sum(random_sides.stats.cache_hits.values()) if hasattr(random_sides, "stats") else 0
print(found, hits, compiler._FOLDER)
"""
ENVIRONMENT = {
    k: v
    for k, v in os.environ.items()
    if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "NUMBA_DISABLE_JIT")
} | {"PYTHONPATH": str(Path(quantlaxmi.__file__).parent.parent)}


def start(environment, before="", **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(before=before)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, **environment},
        **options,
    )


def end(process):
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), err
    numbers, _, rest = out.partition("] ")
    hits, _, folder = rest.strip().partition(" ")
    return numbers, int(hits), None if folder == "None" else Path(folder)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A cache filled by one process: what it computed, and the folder."""
    home = tmp_path_factory.mktemp("home")
    numbers, hits, folder = end(start({"HOME": str(home)}))
    assert hits == 0
    assert folder.is_relative_to(home / ".cache" / "quantlaxmi")
    return numbers, home, folder


@pytest.fixture
def filled(usual, tmp_path):
    """A copy of the filled cache: the environment that names it, and its files."""
    _, home, folder = usual
    shutil.copytree(home, tmp_path / "home")
    own = tmp_path / "home" / folder.relative_to(home)
    return {"HOME": str(tmp_path / "home")}, sorted(own.rglob("*.nb[ic]"))


def test_a_second_process_finds_the_kernels(usual):
    numbers, home, folder = usual
    assert end(start({"HOME": str(home)})) == (numbers, 1, folder)


@pytest.mark.parametrize("name", some(["HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"], 2))
def test_a_cache_that_cannot_be_made(usual, tmp_path, name):
    """A file where the folder should be: nobody can write below it, root neither."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert end(start({name: str(blocked / "below")})) == (usual[0], 0, None)
    assert blocked.read_text() == ""


def test_a_home_that_is_read_only(usual, tmp_path):
    """As a user to whom permissions mean something."""
    options = {}
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() == 0:
        options = {"user": 65534, "group": 65534, "extra_groups": ()}
        probe = [sys.executable, "-c", "import quantlaxmi, numba"]
        try:
            tried = subprocess.run(probe, env=ENVIRONMENT, capture_output=True, **options)
        except PermissionError:
            tried = None
        if tried is None or tried.returncode:
            pytest.skip("this interpreter runs for root alone")
    home.chmod(0o555)
    try:
        assert end(start({"HOME": str(home)}, **options)) == (usual[0], 0, None)
    finally:
        home.chmod(0o755)


def test_processes_that_compile_at_once(usual, tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    together = [start(environment) for _ in range(3 if DEEP else 2)]
    found = [end(process) for process in together]
    assert {numbers for numbers, _, _ in found} == {usual[0]}
    assert end(start(environment))[:2] == (usual[0], 1)


@pytest.mark.parametrize("keep", some([20, 0], 1))
def test_a_cut_cache_is_compiled_anew(usual, filled, keep):
    environment, files = filled
    assert len(files) > 1
    for path in files:
        path.write_bytes(path.read_bytes()[:keep])
    assert end(start(environment))[:2] == (usual[0], 0)
    assert end(start(environment))[:2] == (usual[0], 1)


FLIPPED = [(".nbc", 0.9), (".nbi", 0.5), (".nbc", 0.1), (".nbc", 0.5), (".nbi", 0.1), (".nbi", 0.9)]


@pytest.mark.parametrize(("kind", "share"), some(FLIPPED, 2))
def test_a_flipped_bit_is_compiled_anew(usual, filled, kind, share):
    """In machine code it would end the process instead of raising anything."""
    environment, files = filled
    for path in (path for path in files if path.suffix == kind):
        data = bytearray(path.read_bytes())
        data[int(len(data) * share)] ^= 0x40
        path.write_bytes(data)
    assert end(start(environment))[:2] == (usual[0], 0)


@pytest.mark.parametrize(
    "before",
    [
        "import shutil; shutil.rmtree(compiler._FOLDER)",
        "import shutil; shutil.rmtree(compiler._FOLDER); compiler._FOLDER.write_text('')",
    ],
    ids=["removed", "a file"],
)
def test_a_folder_that_goes_away(usual, tmp_path, before):
    """Between the choice of the folder and the first compilation."""
    assert end(start({"NUMBA_CACHE_DIR": str(tmp_path)}, before))[0] == usual[0]


def test_a_lock_that_is_never_given_back(usual, tmp_path):
    """The kernel is compiled without the cache, and the sweep goes on."""
    hold = (
        "import fcntl, os; compiler._LOCK_SECONDS = 0.2; "
        "held = os.open(compiler._FOLDER / '.lock', os.O_RDWR | os.O_CREAT); "
        "fcntl.flock(held, fcntl.LOCK_EX)"
    )
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert end(start(environment, hold))[:2] == (usual[0], 0)
    assert end(start(environment))[:2] == (usual[0], 0)  # nothing had been kept


#: Makes the kernels of all gates ready. Says how many were found compiled, which modules were
#: loaded that only compiling needs, and which of the named symbols nobody defines.
ALL = """
import sys
from importlib import import_module
from llvmlite.binding import address_of_symbol

hits = 0
for module, kernel in {kernels}.items():
    found = import_module("quantlaxmi._jit." + module)
    found.prepare()
    hits += sum(getattr(found, kernel).stats.cache_hits.values())
loaded = [name for name in ("numba.np.arraymath", "numba.np.linalg") if name in sys.modules]
print(hits, loaded, [one for one in {symbols} if address_of_symbol(one) is None])
"""


def asked_of_others(code):
    """Symbols that an object file of 64-bit ELF does not define itself."""
    assert code[:4] == b"\x7fELF"
    (at,), (size, count) = struct.unpack_from("<Q", code, 40), struct.unpack_from("<HH", code, 58)
    heads = [struct.unpack_from("<IIQQQQII", code, at + size * k) for k in range(count)]
    table = next(head for head in heads if head[1] == 2)  # symbols
    names = code[heads[table[6]][4] :]
    symbols = struct.iter_unpack("<IBBHQQ", code[table[4] : table[4] + table[5]])
    return {
        names[name : names.index(b"\0", name)].decode()
        for name, _, _, section, _, _ in symbols
        if name and section == 0
    }


def test_loading_every_kernel_loads_nothing_that_compiling_needs(tmp_path):
    """It takes a third of the time; and machine code finds all that it calls."""

    def said(symbols, before=""):
        code = before + ALL.format(kernels=KERNELS, symbols=symbols)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**ENVIRONMENT, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    # To compile all of them takes half a minute: what this session's tests compiled is taken along.
    if (kept := compiler.cache_folder()) is not None:
        other = shutil.ignore_patterns("*.tmp*", ".probe-*")  # of tests that run at the same time
        shutil.copytree(kept, tmp_path / kept.name, ignore=other)
    said([])
    # Of a version of Numba that nobody tried everything is loaded.
    untried = "import quantlaxmi._jit.compiler as it; it.LIGHT = False"
    assert said([], untried) == f"{len(KERNELS)} ['numba.np.arraymath', 'numba.np.linalg'] []"
    if not compiler.LIGHT:
        return
    symbols = set()
    for path in tmp_path.rglob("*.nbc"):
        library = pickle.loads(path.read_bytes())[0]
        symbols |= asked_of_others(library[2][0])
    assert {"NRT_MemInfo_alloc_aligned", "numba_do_raise", "PyErr_SetString"} <= symbols
    assert said(sorted(symbols)) == f"{len(KERNELS)} [] []"
