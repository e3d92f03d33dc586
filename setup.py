"""Extension modules only; everything else is in pyproject.toml.

``QUANTLAXMI_DEBUG=1`` builds with bounds checks, so that ``pytest -W error`` fails on an index
error that a ``noexcept`` kernel would otherwise swallow. ``QUANTLAXMI_OPT`` names another level of
optimisation than ``-O3``, and ``QUANTLAXMI_C_CACHE`` a folder that keeps the C files, so that a
second build (of another Python) makes none anew. ``QUANTLAXMI_PORTABLE_INT128=1`` builds with the
128-bit integers of two words, as a compiler without ``__int128`` does.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("QUANTLAXMI_DEBUG") == "1"
PORTABLE = os.environ.get("QUANTLAXMI_PORTABLE_INT128") == "1"
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
UNIX_ARGS = [LEVEL, DEBUG_INFO, "-ffp-contract=off", "-fno-fast-math", "-std=c11"]
# /fp:precise of Visual Studio 2022 contracts nothing; older ones have no /std:c11 either.
MSVC_ARGS = ["/Od" if DEBUG else "/O2", "/fp:precise", "/std:c11"]

# Kernels written in Cython's pure-Python mode: compiled here, interpreted as their own twin.
PURE_MODE = ["quantlaxmi/strategies/basis_capture_kernel.py"]
SOURCES = sorted(str(p) for p in Path("quantlaxmi/_ext").glob("*.pyx")) + [
    p for p in PURE_MODE if Path(p).exists()
]
HEADERS = sorted(str(p) for p in Path("quantlaxmi/_ext").glob("*.h") if p.name != "black76.h")
# What reckons in doubles over black76.h: a square root is then one instruction, nothing of libm.
EXACT_NAMES = (
    "black76",
    "calendar_carry",
    "calendar_check",
    "chain_surface",
    "fair_variance",
    "scan_margin",
)
EXACT = {f"quantlaxmi/_ext/{name}.pyx" for name in EXACT_NAMES}
EXACT_HEADERS = ["quantlaxmi/_ext/black76.h"]
EXACT_ARGS = ["-fno-math-errno"]


def module_name(source: str) -> str:
    """Dotted name of the module that a source becomes."""
    return source.rsplit(".", 1)[0].replace("/", ".")


# What Cython's code for typed memoryviews needs, compiled once: in each of forty modules it would
# take two thirds of the compiler's time and half of the file.
SHARED = "quantlaxmi._ext._cython_shared"

extensions = [
    Extension(
        module_name(source),
        [source],
        include_dirs=["quantlaxmi/_ext"],
        depends=EXACT_HEADERS if source in EXACT else HEADERS,
        define_macros=[("QL_PORTABLE_INT128", "1")] if PORTABLE else [],
    )
    for source in SOURCES
] + [Extension(SHARED, [SHARED.replace(".", "/") + ".c"])]


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
            shared_utility_qualified_name=SHARED,
        )
        sources = {extension.name: extension.sources for extension in made}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        super().run()

    def build_extensions(self):
        """Give every module the flags of the compiler that was found."""
        is_msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            exact = EXACT_ARGS if extension.name in map(module_name, EXACT) else []
            extension.extra_compile_args = MSVC_ARGS if is_msvc else UNIX_ARGS + exact
        super().build_extensions()


setup(
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=extensions,
    cmdclass={"build_ext": BuildExt},
)
