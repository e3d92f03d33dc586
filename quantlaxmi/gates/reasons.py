"""Reasons that several gates give: what was asked, the answer with number and limit, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from quantlaxmi.counted import counted

__all__ = [
    "NOT_A_TEST",
    "NO_CLOCK",
    "NO_CODE",
    "NO_RERUN",
    "more_data",
    "not_enough",
    "too_large",
    "unseen_text",
]

#: More than so many times as much data is no advice.
_MOST_TIMES = 100

#: A gate that runs the strategy again was given a path alone.
NO_RERUN = "Second run of the strategy: not possible without the strategy. Give it to the gates."

#: A gate that asks what the strategy would do elsewhere was given positions that somebody recorded.
NO_CODE = (
    "Recorded positions: what the rule would do on other data or with other settings is not known. "
    "Its code is needed: give the strategy itself."
)

#: A gate that cuts the clock into equal parts was given sessions of option chains.
NO_CLOCK = (
    "Equal parts of the clock: in option sessions most would be nights. This gate does not judge "
    "session days yet; read the market null."
)

#: What a diagnosis says of its p.
NOT_A_TEST = "It says nothing about rules that react to prices, and decides nothing."


def not_enough(what: str, found: object, least: object) -> str:
    """The reason of a gate that has too little to judge.

    Examples
    --------
    >>> not_enough("Round trips", 12, 30)
    'Round trips: 12, at least 30 needed. Run on about 2.5 times as much data.'
    >>> not_enough("Round trips", 0, 30)
    'Round trips: 0, at least 30 needed. Run on more data.'
    """
    times = None
    if type(found) is int and type(least) is int and 0 < found < least:
        times = Fraction(least, found)
    return f"{what}: {found}, at least {least} needed. Run on {_times(times)}."


def more_data(statistic: float, quantile: float, unknown: str = "more data") -> str:
    """How much data would do for a statistic that grows with its root; else `unknown`.

    Examples
    --------
    >>> more_data(1.0, 1.6525)
    'about 2.8 times as much data'
    >>> more_data(-0.3, 1.6525), more_data(0.01, 1.6525)
    ('more data', 'more data')
    """
    if not 0 < statistic < quantile:
        return unknown
    return _times((Fraction(quantile) / Fraction(statistic)) ** 2, unknown)


def _times(times: Fraction | None, unknown: str = "more data") -> str:
    """So many times as much data, rounded up, so that what is asked for would do."""
    if times is None or times > _MOST_TIMES:
        return unknown
    return f"about {-(-10 * times.numerator // times.denominator) / 10:.1f} times as much data"


def too_large(error: Exception) -> str:
    """The reason of a gate whose exact integers would not fit; `error` names number and limit."""
    return f"{error} Use smaller positions or a shorter segment."


def unseen_text(details: Mapping[str, Any]) -> str:
    """The loss that a passed run may not have met, from the details of its result.

    Examples
    --------
    >>> unseen_text({"unseen_loss": "12.5", "unseen_buckets": 66})
    'a loss of 12.5 once in 66 buckets would erase this'
    """
    loss, buckets = details["unseen_loss"], details["unseen_buckets"]
    # Option sessions name their unit.
    unit = "session day[s]" if details.get("unit") == "session days" else "bucket[s]"
    return f"a loss of {loss} once in {counted(buckets, unit)} would erase this"
