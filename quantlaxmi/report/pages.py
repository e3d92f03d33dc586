"""What a report shows of itself: its pictures on one figure, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from quantlaxmi.report.found import Judged
    from quantlaxmi.report.html.page import JudgedPage, TracedRun

__all__ = ["Pages"]


class Pages:
    """Methods of a report that draw it; matplotlib and Jinja2 are loaded by them."""

    __slots__ = ()

    def plot(self: Judged, run: TracedRun | None = None, *, narrow: bool = False) -> Figure:
        """Lay out the pictures of the report; see `quantlaxmi.report.layout.plot_report`.

        Parameters
        ----------
        run : Run, optional
            The run that was judged, for pictures of its prices, equity and positions.
        narrow : bool
            For a screen of 390 pixels.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from quantlaxmi.report.layout import plot_report

        return plot_report(self, run, narrow=narrow)

    def to_html(self: JudgedPage, run: TracedRun | None = None) -> str:
        """The report as one page without a script; see `quantlaxmi.report.html.page.page_of`.

        Parameters
        ----------
        run : Run, optional
            The run that was judged, for pictures of its prices, equity and positions.

        Returns
        -------
        str
            HTML; the same for one report hash and one version of the library.

        Raises
        ------
        ReportError
            The run is another one, or a figure of the report cannot be drawn.
        """
        from quantlaxmi.report.html.page import page_of

        return page_of(self, run)
