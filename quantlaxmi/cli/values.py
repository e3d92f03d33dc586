"""Values of options, checked with the option's name in the error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quantlaxmi.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(ts_ns: int) -> str:
    """UTC time to the microsecond, such as ``2024-08-08T05:22:11.123456Z``."""
    return (_EPOCH + timedelta(microseconds=ts_ns // 1000)).isoformat().replace("+00:00", "Z")


def whole_number(option: str, text: str, low: int, high: int = 2**63 - 1) -> int:
    """Integer value of an option.

    Raises
    ------
    InputError
        If the text is not an integer from ``low`` to ``high``.
    """
    try:
        value = int(text) if len(text) <= 20 else None
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise InputError(option, f"was {text[:40]!r}, expected a whole number from {low} to {high}")
    return value
