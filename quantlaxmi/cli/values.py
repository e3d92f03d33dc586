"""Values of options, checked with the option's name in the error."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from quantlaxmi.errors import InputError

_SHARE = re.compile(
    r"[0-9]{1,20}/0*[1-9][0-9]{0,19}|([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE]-?[0-9]{1,2})?"
)
_UTC = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z)?"
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


def utc_nanoseconds(option: str, text: str) -> int:
    """Time of an option, in nanoseconds since 1970: digits, or ``2024-08-08T12:00:00.5Z``.

    Raises
    ------
    InputError
        If it is none, or does not say that it is UTC.
    """
    if re.fullmatch(r"[0-9]{1,19}", text) and int(text) < 2**63:
        return int(text)
    found = _UTC.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        moment = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00:00'}+00:00")
    except ValueError:
        raise InputError(
            option, f"was {text[:40]!r}, expected UTC such as 2024-08-08T12:00:00Z, or nanoseconds"
        ) from None
    elapsed = moment - _EPOCH
    seconds = elapsed.days * 86_400 + elapsed.seconds
    ns = seconds * 10**9 + int((found[3] or "").ljust(9, "0"))
    if not -(2**63) <= ns < 2**63:
        raise InputError(option, f"was {text[:40]!r}, expected a time of 1970 to 2262")
    return ns
