"""A picture as SVG within a page: its colours follow the theme, its words are for readers too."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from quantlaxmi.run.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RED,
    drawing_settings,
    new_figure,
)
from quantlaxmi.run.margins import fit_margins
from quantlaxmi.run.picture import NARROW, WIDE, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["VARIABLES", "svg_of"]

#: Colour of a picture -> what the page's style sheet calls it.
VARIABLES: Final = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    BLUE: "var(--blue)",
    ORANGE: "var(--orange)",
    GREEN: "var(--green)",
    RED: "var(--red)",
}
_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_FONTS = "'DejaVu Sans', Verdana, sans-serif"


def svg_of(picture: Picture, *, narrow: bool) -> str:
    """The picture as an ``svg`` element.

    Parameters
    ----------
    picture : Picture
    narrow : bool
        The variant for a screen of 390 pixels.

    Returns
    -------
    str
        Its identifiers begin with the picture's name, so that pages can hold many.
    """
    with drawing_settings():
        width, height = NARROW if narrow else WIDE, picture.height[narrow]
        figure = new_figure(width, height, None)
        picture.draw(figure)
        fit_margins(figure)
        text = _written(figure)
    # The first definitions are a style of every element, which the page's style sheet has too.
    body = text[text.index("</defs>") + len("</defs>") : text.rindex("</svg>")]
    prefix = f"{'n' if narrow else 'w'}-{picture.name}-"
    body = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}", body)
    # A style holds a colour as #rrggbb; the text of a label is between tags.
    body = re.sub(r"(?<=[ :])#[0-9a-f]{6}(?=[;\"])", lambda m: VARIABLES.get(m[0], m[0]), body)
    body = body.replace("'DejaVu Sans'", _FONTS)
    body = re.sub(r"<!--.*?-->|\n\s*(?=<)|(?<=>)\n", "", body, flags=re.DOTALL)
    body = re.sub(r' (?:d|transform|x|y)="[^"]*"', _shortened, body)
    named, said = f"{prefix}title", f"{prefix}desc"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{"narrow" if narrow else "wide"}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{named} {said}">'
        f'<title id="{named}">{escape(picture.title, quote=False)}</title>'
        f'<desc id="{said}">{escape(picture.words, quote=False)}</desc>{body}</svg>'
    )


def _shortened(attribute: re.Match[str]) -> str:
    """Coordinates cut to a hundredth of a pixel, which nobody sees."""
    return " " + re.sub(r"(\.\d\d)\d+", r"\1", " ".join(attribute[0].split()))


def _written(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.StringIO()
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(out, metadata=_METADATA)
    return out.getvalue()
