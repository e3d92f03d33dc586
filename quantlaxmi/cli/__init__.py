"""The commands ``quantlaxmi-crypto`` and ``quantlaxmi-india``: one module, two vocabularies."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main_crypto(argv: Sequence[str] | None = None) -> int:
    """Run ``quantlaxmi-crypto`` and return its exit code."""
    return _run("quantlaxmi-crypto", argv)


def main_india(argv: Sequence[str] | None = None) -> int:
    """Run ``quantlaxmi-india`` and return its exit code."""
    return _run("quantlaxmi-india", argv)


def _run(program: str, argv: Sequence[str] | None) -> int:
    try:
        from quantlaxmi.cli.main import run

        return run(program, argv)
    except KeyboardInterrupt:  # while the modules were loaded, or after the last answer
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
