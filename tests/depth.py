"""How deep the tests look: all of each size with QUANTLAXMI_DEEP=1, a tenth of it without.

``make test`` looks at the tenth, so that it ends in minutes; ``make test-deep`` at all of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

#: Whether every size is taken whole.
DEEP = os.environ.get("QUANTLAXMI_DEEP", "") not in ("", "0")


def examples(number: int) -> int:
    """How many of ``number`` examples to look at: a tenth, at least ten, or all of them."""
    return number if DEEP else min(number, max(10, number // 10))


def some(cases: Sequence[Case], number: int) -> Sequence[Case]:
    """Which of the cases of a slow test to look at: the first ``number``, or all of them."""
    return cases if DEEP else cases[:number]
