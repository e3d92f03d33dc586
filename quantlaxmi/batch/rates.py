"""Which of a sweep's rates a segment takes: those of its own currencies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.execution.conversion import Conversion, RateFile
from quantlaxmi.given import many
from quantlaxmi.segment import MarketData

__all__ = ["SweepRates"]


class SweepRates:
    """Rate files of a sweep; each segment takes those of the currencies it has.

    Parameters
    ----------
    named : sequence of str or Path
        ``CURRENCY=FILE`` each: segments differ, so that a file has to say what it is of.

    Raises
    ------
    ConfigError
        A file does not name its currency, or one does twice.
    InputError
        A file cannot be read, or has no such rates.
    """

    def __init__(self, named: Sequence[str | Path]) -> None:
        self._files: dict[str, RateFile] = {}
        self._used: set[str] = set()
        for one in many(named):
            file = RateFile.load(one)
            if not file.currency:
                raise ConfigError("--convert", f"was {shown(str(one))}, expected CURRENCY=FILE")
            if file.currency in self._files:
                raise ConfigError(
                    "--convert", f"names {file.currency} twice, expected one file a currency"
                )
            self._files[file.currency] = file

    def of(self, segment: MarketData) -> Conversion | None:
        """Rates for a segment; None where it has one currency, or none that a file is of.

        Raises
        ------
        InputError
            The files that are of its currencies are not of all but one, or begin too late.
        """
        currencies = list(dict.fromkeys(one.currency for one in segment.instruments))
        mine = [name for name in currencies if name in self._files]
        self._used.update(mine)
        if len(currencies) < 2 or not mine:
            return None
        files = [self._files[name] for name in mine]
        return Conversion.of(files, currencies, segment.first_ts_ns, segment.last_ts_ns)

    def check_used(self) -> None:
        """Refuse a file whose currency no segment has: its name is a slip.

        Raises
        ------
        ConfigError
        """
        for name in self._files:
            if name not in self._used:
                raise ConfigError(
                    "--convert", f"was {name}=..., expected a currency of one of the segments"
                )
