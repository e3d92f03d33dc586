"""How a run was made, as a page tells it: settings, costs, limits of risk, latency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Protocol

__all__ = ["JudgedTerms", "terms_of"]

#: Lines of one kind that a page has room for: a grid of settings or fees of many kinds have more.
_MOST: Final = 60
_LONGEST: Final = 200
#: Levels that are told apart; a report from a stranger may have a thousand.
_DEEPEST: Final = 8
#: A decimal of canonical text: whole digits and a power of ten.
_CANONICAL: Final = re.compile(r"-?[0-9]{1,40}e-?[0-9]{1,2}")


class JudgedTerms(Protocol):
    """What is needed of a report; `quantlaxmi.GateReport` has it."""

    @property
    def config(self) -> dict[str, Any]: ...
    @property
    def costs(self) -> dict[str, Any]: ...
    @property
    def risk(self) -> dict[str, Any]: ...
    @property
    def latency_ns(self) -> int: ...


def terms_of(report: JudgedTerms) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings and lines: each setting with its value, as the report has it.

    A line without a name is a sentence.

    Parameters
    ----------
    report : GateReport

    Returns
    -------
    list of (str, list of (str, str))
    """
    ms = f"{report.latency_ns / 10**6:,.6g} ms from a decision to its order at the venue."
    kinds = (
        ("Settings of the strategy", report.config, "None."),
        ("Costs", report.costs, "None: every fill was free."),
        ("Limits of risk", report.risk, "None: no loss, position or capital was bounded."),
    )
    made = [(name, _lines(value) or [("", none)]) for name, value, none in kinds]
    return [*made, ("Latency", [("", ms)])]


def _lines(value: dict[str, Any]) -> list[tuple[str, str]]:
    lines = list(_flat(value, ""))
    if len(lines) <= _MOST:
        return lines
    return [*lines[:_MOST], ("", f"and {len(lines) - _MOST:,} more in the report.")]


def _flat(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The leaves of a nested value by their path; a list of plain values is one line."""
    if depth > _DEEPEST:
        yield path, "and more in the report"
    elif isinstance(value, dict):
        for key, one in sorted(value.items()):  # a report that was read has them so
            name = str(one["name"]) if isinstance(one, dict) and "name" in one else str(key)
            yield from _flat(one, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for k, one in enumerate(value, 1):
            if isinstance(one, dict) and not any(isinstance(v, dict | list) for v in one.values()):
                parts = {key: text for key, text in sorted(one.items()) if key != "name"}
                text = ", ".join(f"{key} {_text(part)}" for key, part in parts.items())
                yield f"{path}.{one.get('name', k)}", text[:_LONGEST]
            else:
                yield from _flat(one, f"{path}.{k}", depth + 1)
    elif isinstance(value, list):
        yield path, ", ".join(map(_text, value))[:_LONGEST]
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    """A value as a person writes it: 2e0 of the canonical text is 2."""
    if value is None or value in ("None", ""):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)[:_LONGEST]
    return f"{Decimal(text):f}" if _CANONICAL.fullmatch(text) else text
