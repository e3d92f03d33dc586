"""The page of two reports side by side."""

from __future__ import annotations

from typing import Final

from quantlaxmi.report.compare import Comparison
from quantlaxmi.report.html.page import filled

__all__ = ["MAX_ROWS", "comparison_page"]

#: Differences that a page shows, and characters of a value.
MAX_ROWS: Final = 300
_LONGEST: Final = 160


def comparison_page(found: Comparison) -> str:
    """The page of a comparison: one file without a script.

    Parameters
    ----------
    found : Comparison

    Raises
    ------
    ReportError
        The page would be over 1 MiB.
    """
    return filled(
        "compare.html.j2", found=found, shown=found.differences[:MAX_ROWS], short=_shortened
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
