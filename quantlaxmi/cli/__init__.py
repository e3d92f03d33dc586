"""The commands ``quantlaxmi-crypto`` and ``quantlaxmi-india``: one module, two vocabularies."""

from __future__ import annotations

from collections.abc import Sequence


def main_crypto(argv: Sequence[str] | None = None) -> int:
    """Run ``quantlaxmi-crypto`` and return its exit code."""
    from quantlaxmi.cli.main import run

    return run("quantlaxmi-crypto", argv)


def main_india(argv: Sequence[str] | None = None) -> int:
    """Run ``quantlaxmi-india`` and return its exit code."""
    from quantlaxmi.cli.main import run

    return run("quantlaxmi-india", argv)
