"""Counts in sentences: words that agree with a number."""

from __future__ import annotations

import re
from typing import Final

#: ``[[`` is a bracket; ``[singular|plural]``, or the end of a plural alone.
_CHOICE: Final = re.compile(r"\[(?:(\[)|([^\[\]|]*)\|([^\[\]|]*)\]|([^\[\]|]*)\])")


def agreed(n: int, words: str, of: int | None = None) -> str:
    """Return words with the endings that a count asks for.

    Parameters
    ----------
    n : int
    words : str
        ``[s]`` is the end of a plural; ``[is|are]`` gives singular and plural. ``[[`` is one
        bracket, as in texts that `literal` made of a file's.
    of : int, optional
        The whole of which ``n`` were counted: names in ``[s]`` agree with it then. The others agree
        with ``n``, unless the whole is 1.

    Examples
    --------
    >>> agreed(1, "bar[s] [is|are] missing"), agreed(2, "bar[s] [is|are] missing")
    ('bar is missing', 'bars are missing')
    >>> agreed(1, "order[s] [was|were] refused", of=734)
    'orders was refused'
    """
    whole = n if of is None else of

    def chosen(found: re.Match[str]) -> str:
        bracket, one, many, end = found.groups()
        if bracket:
            return "["
        if end is not None:
            return "" if whole == 1 else end
        return one if n == 1 or whole == 1 else many

    return _CHOICE.sub(chosen, words)


def counted(n: int, words: str, of: int | None = None) -> str:
    """Return a count with its words, as `agreed` makes them agree.

    Examples
    --------
    >>> counted(1, "bar[s] [is|are] missing"), counted(1440, "bar[s] [is|are] missing")
    ('1 bar is missing', '1,440 bars are missing')
    >>> counted(1, "order[s] [was|were] refused", of=734)
    '1 of 734 orders was refused'
    """
    whole = "" if of is None else f" of {of:,}"
    return f"{n:,}{whole} {agreed(n, words, of)}"


def literal(text: str) -> str:
    """Return a text as `agreed` keeps it: brackets in it choose nothing.

    Examples
    --------
    >>> agreed(2, f"buy[s] of {literal('A[s]')}")
    'buys of A[s]'
    """
    return text.replace("[", "[[")
