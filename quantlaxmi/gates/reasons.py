"""Reasons that several gates give: what was asked, the answer with number and limit, what to do."""

from __future__ import annotations

__all__ = ["NO_RERUN", "not_enough", "too_large"]

#: A gate that runs the strategy again was given a path alone.
NO_RERUN = "Second run of the strategy: not possible without the strategy. Give it to the gates."


def not_enough(what: str, found: object, least: object) -> str:
    """The reason of a gate that has too little to judge.

    Examples
    --------
    >>> not_enough("Round trips", 29, 30)
    'Round trips: 29, at least 30 needed. Run on more data.'
    """
    return f"{what}: {found}, at least {least} needed. Run on more data."


def too_large(error: Exception) -> str:
    """The reason of a gate whose exact integers would not fit; `error` names number and limit."""
    return f"{error} Use smaller positions or a shorter segment."
