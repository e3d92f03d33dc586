"""One line of a run's summary, and the run that lines are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from quantlaxmi.counted import agreed, counted
from quantlaxmi.errors import InputError, QuantlaxmiError, shown
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.records import RunRecords
from quantlaxmi.segment import MarketData

#: A mid that moves by more than this factor between two books is listed where it was held.
PRICE_STEP: Final = Fraction(3, 2)
#: Digits after the point of a share in `SummaryLine.to_json`.
_SHARE_DIGITS: Final = 6


@dataclass(frozen=True)
class SummaryLine:
    """One thing that should be known before a run's result is believed.

    Its text is one sentence: count, whole, what was counted and why, such as
    ``"912 of 1,073 orders were refused: worth less than 20 USDT"``.

    Attributes
    ----------
    section : str
        Name of the section that says it, such as ``"orders"``.
    words : str
        What was counted, so that it can follow the count: ``"order[s] [was|were] refused"``, where
        brackets have what depends on the count (`quantlaxmi.counted`; ``"[["`` is one bracket).
        Without a count the sentence itself: ``"no capital stated"``.
    cause : str
        Why, or where and how much; may be empty.
    count, of : int or None
        How many, and of how many.
    figures : dict of str to str
        Amounts that a program may want without reading the sentence: exact decimal text, or
        whole nanoseconds where the name ends in ``_ns``.

    Examples
    --------
    >>> line = SummaryLine("orders", "order[s] [was|were] refused", "under 20 USDT", 912, 1073)
    >>> str(line), line.what
    ('912 of 1,073 orders were refused: under 20 USDT', 'orders were refused')
    """

    section: str
    words: str
    cause: str = ""
    count: int | None = None
    of: int | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The words as they stand for many: the same whatever the count."""
        return agreed(0, self.words)

    @property
    def share(self) -> Fraction | None:
        """``count / of``; None where nothing is said to be the whole."""
        if self.count is None or not self.of:
            return None
        return Fraction(self.count, self.of)

    def __str__(self) -> str:
        told = self.what if self.count is None else counted(self.count, self.words, self.of)
        text = f"{told}{': ' if self.cause else ''}{self.cause}"
        # Names and reasons come from files.
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the text and its parts, the share as decimal text."""
        share = self.share
        return {
            "section": self.section,
            "text": str(self),
            "what": self.what,
            "count": self.count,
            "of": self.of,
            "share": None if share is None else f"{float(share):.{_SHARE_DIGITS}f}",
            "cause": self.cause,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """The run as the sections of a summary read it.

    Attributes
    ----------
    records : RunRecords
        Rows and money; counts of the engine stand here too.
    market : MarketData
        The market of the run.
    config : RunConfig
        Complete.
    price_step : Fraction
        A mid that moves by more than this factor between two books is listed where it was held;
        above 1.
    """

    records: RunRecords
    market: MarketData
    config: RunConfig
    price_step: Fraction = PRICE_STEP


def price_step_of(value: Fraction | str) -> Fraction:
    """Read a factor above 1, such as ``"1.5"``; at most 10**9.

    Raises
    ------
    InputError
    """
    try:
        text = value if isinstance(value, str) else None
        step = Fraction(value) if text is None else FixedPoint.from_text(text).to_fraction()
    except (QuantlaxmiError, TypeError, ValueError, OverflowError):
        step = Fraction(0)
    if not 1 < step <= 10**9:
        raise InputError(
            "price_step", f"was {shown(value)}, expected a number above 1, such as 1.5"
        )
    return step
