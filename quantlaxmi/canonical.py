"""One canonical JSON and one digest: what hashes of plain values are made of.

Equal values give equal bytes on every machine: keys sorted by code point, no spaces, UTF-8 without
escapes but those JSON demands, floats as the shortest text that reads back. NaN and infinities are
refused, for JSON has none.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

import msgspec

__all__ = ["canonical_digest", "canonical_json", "indented_json"]

_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: object) -> bytes:
    """Encode plain values: dicts with str keys, lists, tuples, str, int, float, bool and None.

    Raises
    ------
    TypeError
        A value or key is of another type.
    ValueError
        A float is NaN or infinite, or a text holds half a surrogate pair.
    """
    return _ENCODER.encode(value).encode()


def indented_json(value: object) -> bytes:
    """The same for a reader: as `json.dumps` with an indent of 2, which takes four times as long.

    Raises
    ------
    TypeError, ValueError
        As `canonical_json` does.
    """
    return msgspec.json.format(canonical_json(value), indent=2)


def canonical_digest(domain: str, value: object) -> bytes:
    """SHA-256 of ``domain``, a zero byte and the canonical JSON of ``value``.

    Parameters
    ----------
    domain : str
        What is hashed, with a version, such as ``"quantlaxmi.costs.2"``; two kinds of values never
        share one.
    value : object
        As `canonical_json` takes it.

    Returns
    -------
    bytes
        32 of them.
    """
    return hashlib.sha256(domain.encode() + b"\0" + canonical_json(value)).digest()
