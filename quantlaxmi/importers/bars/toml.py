"""Typed look-ups in a TOML file; errors name the file, the key and the value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from quantlaxmi.errors import ConfigError, shown

MAX_MAPPING_BYTES: Final = 1 << 20
#: Longest span of time that a mapping may name, such as a bar's length.
MAX_SPAN_S: Final = 366 * 86_400
_SPANS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DECIMAL: Final = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)


class Reader:
    """Typed look-ups that name the key when something is wrong."""

    def __init__(self, source: Path, data: dict[str, Any]) -> None:
        self.source, self.data = source, data

    def fail(self, table: str, key: str, problem: str) -> ConfigError:
        return ConfigError(self.source, problem, f"{table}.{key}" if table else key)

    def table(self, name: str) -> dict[str, Any] | None:
        if not name:
            return self.data
        found: Any = self.data
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
            if found is None:
                return None
        if not isinstance(found, dict):
            raise ConfigError(self.source, "was no table; expected one", name)
        return found

    def known(self, table: str, names: str) -> None:
        for key in self.table(table) or {}:
            if key not in names.split():
                raise self.fail(table, str(key)[:60], f"unknown key; {_hint(key, names.split())}")

    def text(self, table: str, key: str, default: str | None) -> str:
        value = (self.table(table) or {}).get(key, default)
        if value is None:
            raise self.fail(table, key, "is missing")
        if not isinstance(value, str) or (not value and default is None) or len(value) > 200:
            raise self.fail(table, key, f"was {_told(value)}, expected a short text")
        return value

    def integer(self, table: str, key: str, default: int, low: int, high: int) -> int:
        value = (self.table(table) or {}).get(key, default)
        if type(value) is not int or not low <= value <= high:
            problem = f"was {_told(value)}, expected an integer from {low} to {high}"
            raise self.fail(table, key, problem)
        return value

    def decimal(self, table: str, key: str, default: str | None) -> Fraction | None:
        value = (self.table(table) or {}).get(key, default)
        if value is None:
            return None
        text = value if isinstance(value, str) else shown(value)
        if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
            raise self.fail(table, key, f"was {_told(value)}, expected a decimal number")
        return Fraction(text)

    def span(self, table: str, key: str, value: str) -> int:
        found = span_ns(value)
        if not found:
            problem = f"expected a length such as 1m, 4h, 1d, at most {MAX_SPAN_S // 86_400}d"
            raise self.fail(table, key, f"was {value[:40]!r}, {problem}")
        return found


def _told(value: Any) -> str:
    """Any value in quotes; TOML bounds neither a hexadecimal's digits nor the depth of lists."""
    return repr((value if isinstance(value, str) else shown(value))[:40])


def span_ns(text: str) -> int:
    """Nanoseconds of a length such as ``4h``; 0 where it is none, or longer than `MAX_SPAN_S`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    seconds = int(found[1]) * _SPANS[found[2]] if found else 0
    return seconds * 10**9 if seconds <= MAX_SPAN_S else 0


def _hint(key: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), list(names), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(names)}"
