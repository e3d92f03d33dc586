"""Reasons that several gates give: what was asked, the answer with number and limit, what to do."""

from __future__ import annotations

__all__ = ["NOT_A_TEST", "NO_RERUN", "not_enough", "too_large"]

#: A gate that runs the strategy again was given a path alone.
NO_RERUN = "Second run of the strategy: not possible without the strategy. Give it to the gates."

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
    return f"{what}: {found}, at least {least} needed. Run on {_more_data(found, least)}."


def _more_data(found: object, least: object) -> str:
    """How much more data would do, where numbers tell it."""
    if type(found) is not int or type(least) is not int or not 0 < found < least:
        return "more data"
    # Rounded up, so that what is asked for would do.
    tenths = -(-10 * least // found)
    return f"about {tenths / 10:.1f} times as much data"


def too_large(error: Exception) -> str:
    """The reason of a gate whose exact integers would not fit; `error` names number and limit."""
    return f"{error} Use smaller positions or a shorter segment."
