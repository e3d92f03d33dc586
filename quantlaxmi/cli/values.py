"""Values of options, checked with the option's name in the error."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from quantlaxmi.errors import InputError

_SHARE = re.compile(
    r"[0-9]{1,20}/0*[1-9][0-9]{0,19}|([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE]-?[0-9]{1,2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(ts_ns: int) -> str:
    """UTC time to the microsecond, such as ``2024-08-08T05:22:11.123456Z``."""
    return (_EPOCH + timedelta(microseconds=ts_ns // 1000)).isoformat().replace("+00:00", "Z")


def share(option: str, text: str) -> Fraction:
    """Value of an option that is a decimal or a ratio from 0 to 1; no power is ever raised.

    Raises
    ------
    InputError
        If it is none.
    """
    found = Fraction(text) if _SHARE.fullmatch(text) else None
    if found is None or not 0 <= found <= 1:
        raise InputError(option, f"was {text[:40]!r}, expected a share from 0 to 1")
    return found


def whole_number(option: str, text: str, low: int, high: int = 2**63 - 1) -> int:
    """Integer value of an option.

    Raises
    ------
    InputError
        If the text is not an integer from ``low`` to ``high``.
    """
    value = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None
    if value is None or not low <= value <= high:
        raise InputError(option, f"was {text[:40]!r}, expected a whole number from {low} to {high}")
    return value
