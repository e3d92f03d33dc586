"""Places at which two documents differ, in the order of their fields' names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from quantlaxmi.canonical import canonical_json

__all__ = ["ABSENT", "Difference", "differences_of"]

#: Stands for a value that one of them does not have.
ABSENT: Final = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place at which a recorded report is not the recomputed one."""

    field: str
    recorded: str
    recomputed: str

    def __str__(self) -> str:
        return f"{self.field} was {self.recorded}, recomputed {self.recomputed}"


def differences_of(place: str, a: Any, b: Any) -> Iterator[Difference]:
    """Every place at which two JSON values differ.

    Parameters
    ----------
    place : str
        Of the values themselves; empty for whole documents.
    a, b : object
    """
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            inner = f"{place}.{key}" if place else key
            if key in a and key in b:
                yield from differences_of(inner, a[key], b[key])
            else:
                found = (str(x[key]) if key in x else ABSENT for x in (a, b))
                yield Difference(inner, *found)
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences_of(f"{place}[{k}]", x, y)
    elif canonical_json(a) != canonical_json(b):
        # As text, which the hash covers: 1, 1.0 and true are equal as values.
        yield Difference(place, str(a), str(b))
