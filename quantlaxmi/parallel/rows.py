"""Draws by a compiled kernel on several threads; each draw writes its own row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from quantlaxmi.parallel.threads import run_in_order

__all__ = ["fill_rows"]

#: Rows of one call of a kernel, at least and at most: Ctrl-C is heard between two calls.
_LEAST, _MOST = 16, 256


def fill_rows(
    out: npt.NDArray[Any],
    threads: int | None,
    fill: Callable[[int, npt.NDArray[Any]], None],
) -> None:
    """Fill the rows of an array by pieces, on several threads.

    Parameters
    ----------
    out : ndarray, shape (n_draws, n_columns)
        OUT.
    threads : int or None
        All processors for None; the rows do not depend on it.
    fill : callable
        ``fill(first, part)`` writes the rows of ``part``, which begins with row ``first``, without
        the GIL.
    """
    size = min(max(_LEAST, len(out) // 64), _MOST)
    run_in_order(
        lambda first: fill(first, out[first : first + size]),
        range(0, len(out), size),
        threads=threads,
    )
