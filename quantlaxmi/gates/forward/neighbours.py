"""Neighbours of a setting: those one step away in one of the grid's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

__all__ = ["neighbours_of", "varied"]

Texts = Mapping[str, str]


def varied(configs: Sequence[Texts]) -> tuple[str, ...]:
    """Names of the values that differ between settings, in their order.

    Examples
    --------
    >>> varied([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}])
    ('b',)
    """
    return tuple(name for name in configs[0] if len({one[name] for one in configs}) > 1)


def neighbours_of(index: int, configs: Sequence[Texts]) -> tuple[int, ...]:
    """Places of the settings that differ in one value alone, by one step.

    A step goes to the next larger or the next smaller among the values that the settings have;
    texts that are no numbers are in alphabetical order.

    Parameters
    ----------
    index : int
        Place of the setting.
    configs : sequence of mapping of str to str
        All settings as texts, each once.

    Examples
    --------
    >>> grid = [{"a": a, "b": b} for a in ("1", "2", "10") for b in ("x", "y")]
    >>> neighbours_of(2, grid)
    (0, 3, 4)
    """
    own = configs[index]
    names = varied(configs)
    places = {name: _places([one[name] for one in configs]) for name in names}
    found = []
    for k, other in enumerate(configs):
        differing = [name for name in names if other[name] != own[name]]
        if len(differing) == 1:
            [name] = differing
            if abs(places[name][other[name]] - places[name][own[name]]) == 1:
                found.append(k)
    return tuple(found)


def _places(values: Sequence[str]) -> dict[str, int]:
    """The place of each distinct value in their order."""
    distinct = set(values)
    try:
        ordered = sorted(distinct, key=lambda text: (Decimal(text), text))
    except InvalidOperation:
        ordered = sorted(distinct)
    return {text: place for place, text in enumerate(ordered)}
