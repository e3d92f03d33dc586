"""The layout of a file of bars, and how numbers in it are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quantlaxmi.fixed import Rounding


@dataclass(frozen=True)
class FileForm:
    """The layout of a file of text.

    Attributes
    ----------
    delimiter : str
    columns : tuple of str
        Names of the columns of a file without a header; empty where a header names them.
    skip_lines : int
        Lines before the header, or before the first bar.
    descending : bool
        The last line is the earliest.
    comma : bool
        The decimal point is a comma.
    """

    delimiter: str = ","
    columns: tuple[str, ...] = ()
    skip_lines: int = 0
    descending: bool = False
    comma: bool = False


@dataclass(frozen=True)
class Numbers:
    """Form of numbers, and the treatment of digits beyond the exponent.

    Attributes
    ----------
    comma : bool
        The decimal point is a comma.
    rounds : bool
        Such digits are rounded, half to even; else they are a fault. Of a volume they are dropped
        always.
    """

    comma: bool = False
    rounds: bool = False

    @property
    def rounding(self) -> int:
        """A value of `Rounding`; -1 for none."""
        return int(Rounding.HALF_EVEN) if self.rounds else -1

    def plain(self, text: str) -> str:
        """A number's text with a decimal point; a point where a comma belongs stays a fault."""
        return text.translate({44: ".", 46: ","}) if self.comma else text


#: Decimal points, and nothing is rounded.
EXACT: Final = Numbers()
