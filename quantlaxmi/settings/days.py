"""A calendar day in a file of settings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final

from quantlaxmi.settings.base import Reads
from quantlaxmi.settings.place import Place

__all__ = ["Day"]

_DAY: Final = "a day such as 2025-01-31"


def _date(value: Any, at: Place) -> date:
    found = value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            raise at.was(value, _DAY) from None
    if not isinstance(found, date) or isinstance(found, datetime):
        raise at.was(value, _DAY)
    return found


#: Written as TOML's own date or as text; plain as ``2025-01-31``.
Day = Annotated[date, Reads(_date, _DAY)]
