"""One picture of a page: how it is drawn, how large it is, and what it shows in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from quantlaxmi.instruments import Instrument
from quantlaxmi.run.records import RunRecords
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy

if TYPE_CHECKING:
    from quantlaxmi.run.accrued import Loans
    from quantlaxmi.run.config import RunConfig

__all__ = ["NARROW", "WIDE", "DrawnRun", "Picture"]

#: Pixels of a picture on a large screen, and on one of 390 pixels.
WIDE: Final = 720
NARROW: Final = 340


class DrawnRun(Protocol):
    """What pictures need of a run; `quantlaxmi.Run` has it."""

    @property
    def exact(self) -> RunRecords:
        """The engine's own records."""

    @property
    def segment(self) -> MarketData:
        """The market of the run."""

    @property
    def strategy(self) -> BoundStrategy:
        """The strategy that ran."""

    @property
    def config(self) -> RunConfig:
        """Its costs, limits and latency, complete."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """In the order in which rows name them by index."""

    @property
    def n_fills(self) -> int:
        """Fills of its orders."""

    @property
    def loans(self) -> Loans:
        """At what the run borrows each instrument."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its words.

    Attributes
    ----------
    name : str
        Of its own within a page.
    title : str
    words : str
        What it shows, for those who do not see it.
    draw : callable
        Draws it on a figure or a part of one, whichever width that has.
    height : tuple of (int, int)
        Pixels on a large screen and on a small one.
    """

    name: str
    title: str
    words: str
    draw: Callable[[Any], None]
    height: tuple[int, int]
