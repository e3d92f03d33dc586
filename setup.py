"""Extension modules only; everything else is in pyproject.toml.

``QUANTLAXMI_DEBUG=1`` builds with bounds checks, so that ``pytest -W error`` fails on an index
error that a ``noexcept`` kernel would otherwise swallow. ``QUANTLAXMI_OPT`` names another level of
optimisation than ``-O3``, and ``QUANTLAXMI_C_CACHE`` a folder that keeps the C files, so that a
second build (of another Python) makes none anew.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("QUANTLAXMI_DEBUG") == "1"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "embedsignature": True,
    "embedsignature.format": "python",
    "freethreading_compatible": False,
}
# Contraction would make floats that steer a decision differ between machines.
LEVEL = os.environ.get("QUANTLAXMI_OPT") or ("-O1" if DEBUG else "-O3")
DEBUG_INFO = "-g" if DEBUG else "-g0"  # which takes a quarter of the compiler's time
COMPILE_ARGS = [LEVEL, DEBUG_INFO, "-ffp-contract=off", "-fno-fast-math", "-std=c11"]

# Kernels written in Cython's pure-Python mode: compiled here, interpreted as their own twin.
PURE_MODE = ["quantlaxmi/strategies/basis_capture_kernel.py"]
SOURCES = sorted(str(p) for p in Path("quantlaxmi/_ext").glob("*.pyx")) + [
    p for p in PURE_MODE if Path(p).exists()
]
HEADERS = [f"quantlaxmi/_ext/{name}.h" for name in ("int128", "int256", "impact")]

# What reckons in doubles over black76.h: a square root is then one instruction, nothing of libm.
EXACT = {"quantlaxmi/_ext/black76.pyx", "quantlaxmi/_ext/chain_surface.pyx"}
EXACT_HEADERS = ["quantlaxmi/_ext/black76.h"]
EXACT_ARGS = ["-fno-math-errno"]

extensions = [
    Extension(
        source.rsplit(".", 1)[0].replace("/", "."),
        [source],
        include_dirs=["quantlaxmi/_ext"],
        depends=EXACT_HEADERS if source in EXACT else HEADERS,
        extra_compile_args=COMPILE_ARGS + EXACT_ARGS if source in EXACT else COMPILE_ARGS,
    )
    for source in SOURCES
]


class BuildExt(build_ext):
    """Makes C of Cython where it compiles it: neither metadata nor the sdist need any C."""

    def run(self):
        made = cythonize(
            self.extensions,
            compiler_directives=DIRECTIVES,
            include_path=["."],
            build_dir="build/cython",
            nthreads=os.cpu_count() or 1,
            cache=os.environ.get("QUANTLAXMI_C_CACHE") or False,
        )
        sources = {extension.name: extension.sources for extension in made}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        super().run()


setup(
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=extensions,
    cmdclass={"build_ext": BuildExt},
)
