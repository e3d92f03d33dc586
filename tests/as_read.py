"""Imports whose rows stay as they are read, at 10**-8: for tests of readers and their twins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from quantlaxmi.importers import tick_sizes


@contextmanager
def rows_as_read() -> Iterator[None]:
    """Leave the exponents of captures at those of reading."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tick_sizes, "fitted", lambda one, ts_ns, kept: one)
        yield
