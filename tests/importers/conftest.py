"""Rows are compared as they are read, at 10**-8, unless a module says ``FITTED = True``.

Files and twins are of readers; what is written at the exponents of tick and lot is compared with
what is read by test_exponents.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.as_read import rows_as_read


@pytest.fixture(scope="module", autouse=True)
def as_read(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the exponents at those of reading."""
    fit = getattr(request.module, "FITTED", False)
    with nullcontext() if fit else rows_as_read():
        yield
