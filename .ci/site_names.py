"""Hook of the docs site: a link that is named for a file of the source is named for its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def titles(nav: Any) -> Iterator[tuple[str, str]]:
    """File and title of every page of the menu."""
    for one in nav:
        for title, inner in one.items():
            if isinstance(inner, str):
                yield inner, title
            else:
                yield from titles(inner)


def named(markdown: str, nav: Any) -> str:
    """A page's text, its links to files as links to titles."""
    known = dict(titles(nav))
    return re.sub(
        r"\[(?:docs/)?([A-Z_]+\.md)\]\(",
        lambda found: f"[*{known[found[1]]}*](" if found[1] in known else found[0],
        markdown,
    )


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """What mkdocs calls for every page."""
    return named(markdown, config["nav"])
