"""C compilers for tests: those of the system, and the clang of the package ziglang."""

from __future__ import annotations

import importlib.util
import shutil
import sys

import pytest


def compiler(name: str, target: str | None = None) -> list[str]:
    """The words that begin a compiler's command; the test is skipped where there is none.

    Parameters
    ----------
    name : str
        ``"gcc"`` or ``"clang"``.
    target : str, optional
        Another system than this one, as ziglang names it.
    """
    found = None if target else shutil.which(name)
    if found is not None:
        return [found]
    if name == "clang" and importlib.util.find_spec("ziglang") is not None:
        # Without a level of optimisation it checks for undefined behaviour by calls of its own.
        words = [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=undefined"]
        return [*words, "-target", target] if target else words
    pytest.skip(f"no {name} here" if target is None else "no ziglang here (extra clang)")
