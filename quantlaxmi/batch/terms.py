"""What an item's report takes from a segment beside its rows."""

from __future__ import annotations

from typing import Final

import msgspec

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.segment import Segment

__all__ = ["terms_hash"]

_DOMAIN: Final = "quantlaxmi.batch-terms.1"


def terms_hash(segment: Segment) -> str:
    """Return the hash of what a report takes from a manifest and no digest of rows covers.

    Segments of equal rows can differ in their instruments: in a contract size, or a currency that
    was mended by another import.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    told = {
        "segment_id": segment.segment_id,
        "cadence": segment.cadence,
        "instruments": msgspec.to_builtins(segment.instruments),
    }
    return canonical_digest(_DOMAIN, told).hex()
