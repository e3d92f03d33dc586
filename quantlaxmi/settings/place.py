"""Place of a setting, and its name in errors: ``costs.toml (perp.BTCUSDT-PERP.maker_bps)``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Final

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.fixed import FixedPoint

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_MOST_SHOWN: Final = 60


class TomlNumber(str):
    """The text of a TOML number with a fraction or exponent: a decimal, but no text."""


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a file, or of whatever else gave the settings.

    Parameters
    ----------
    source : object
        File, option or class that errors name.
    key : str
        Full path of the key, as TOML writes it; empty for the whole.

    Examples
    --------
    >>> str((Place("costs.toml") / "perp" / "BTC/USDT" / "maker_bps").fail("is missing"))
    'costs.toml (perp."BTC/USDT".maker_bps): is missing'
    """

    source: object
    key: str = ""

    def __truediv__(self, name: object) -> Place:
        """The place of a key within this table."""
        text = str(name)
        if not _BARE_KEY.fullmatch(text):
            text = f'"{text[:_MOST_SHOWN]}"'
        return Place(self.source, f"{self.key}.{text}" if self.key else text)

    def row(self, index: int) -> Place:
        """The place of an item of this list, from 0."""
        return Place(self.source, f"{self.key}[{index}]")

    def fail(self, problem: str) -> ConfigError:
        """Return the error to raise."""
        return ConfigError(self.source, problem, self.key)

    def was(self, value: object, expected: str) -> ConfigError:
        """Return the error to raise for a wrong value."""
        return self.fail(f"was {told(value)}, expected {expected}")

    def unknown(self, name: object, known: Iterable[str]) -> ConfigError:
        """Return the error to raise for a key of this table that it does not know."""
        names = sorted(known)
        near = difflib.get_close_matches(str(name)[:_MOST_SHOWN], names, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(names)}"
        return (self / name).fail(f"unknown setting; {hint}")


def told(value: object) -> str:
    """Return a value as errors show it: texts in quotes, numbers as they were written."""
    if isinstance(value, TomlNumber):
        return value[:_MOST_SHOWN]
    if isinstance(value, FixedPoint):
        return value.to_text() if abs(value.exponent) < _MOST_SHOWN else repr(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _MOST_SHOWN:
        return format(value, "f")[:_MOST_SHOWN]
    return shown(value[:_MOST_SHOWN] if isinstance(value, str) else value, _MOST_SHOWN)
