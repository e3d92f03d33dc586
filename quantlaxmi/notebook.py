"""Names and values as a small table of HTML, which a notebook shows in place of a ``repr``."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["names_html"]


def names_html(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of a name and a value as a table, both escaped.

    Parameters
    ----------
    rows : iterable of tuple of (str, str)

    Returns
    -------
    str

    Examples
    --------
    >>> names_html([("net", "<1")])
    '<table><tbody><tr><td>net</td><td>&lt;1</td></tr></tbody></table>'
    """
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows
    )
    return f"<table><tbody>{body}</tbody></table>"
