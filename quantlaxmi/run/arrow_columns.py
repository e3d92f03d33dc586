"""Columns of Arrow tables: texts, UTC times, exact decimals (Arrow's decimal128)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi.fixed.int128_sums import int128_combined
from quantlaxmi.instruments import Instrument

#: Digits of an Arrow decimal128.
_DIGITS: Final = 38
_UTC: Final = pa.timestamp("ns", tz="UTC")


def texts_column(index: NDArray[np.int64], texts: Sequence[str]) -> pa.Array:
    codes = pa.array(index.astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(texts, pa.string()))


def names_column(values: NDArray[np.int64], kind: Any) -> pa.Array:
    """Names of an enumeration's members, as a dictionary column."""
    members = list(kind)
    order = {int(member): k for k, member in enumerate(members)}
    unique, inverse = np.unique(values, return_inverse=True)
    codes = np.array([order[int(v)] for v in unique], np.int64)[inverse]
    return texts_column(codes, [member.name for member in members])


def times_column(ts_ns: NDArray[np.int64]) -> pa.Array:
    return pa.array(ts_ns).cast(_UTC)


def known_column(numbers: NDArray[np.int64]) -> pa.Array:
    """Numbers, null where the row has none (-1)."""
    return pa.array(numbers, mask=numbers < 0)


def amounts_column(
    instruments: Sequence[Instrument],
    rows: NDArray[Any] | dict[str, NDArray[np.int64]],
    field: str,
    exponent: str,
    shift: int = 0,
) -> pa.Array:
    """Mantissas of rows of several instruments as decimals at the finest of their exponents."""
    exponents = [getattr(one, exponent) + shift for one in instruments]
    finest = min(exponents)
    values = np.ascontiguousarray(rows[field])
    if all(one == finest for one in exponents):
        return decimals_column(values, finest)
    hi, lo = values >> 63, values.copy()
    for i, own in enumerate(exponents):
        at = np.flatnonzero(rows["instrument"] == i) if own != finest else np.zeros(0, np.intp)
        # A factor of 10**18 at most fits int64; the rest is a further one.
        for step in (min(own - finest, 18), max(own - finest - 18, 0)):
            if step and len(at):
                hi[at], lo[at] = int128_combined((10**step, (hi[at], lo[at])))
    return decimals_of_halves(hi, lo, finest)


def decimals_column(values: NDArray[np.int64], exponent: int) -> pa.Array:
    values = np.ascontiguousarray(values)
    return decimals_of_halves(values >> 63, values, exponent)


def decimals_of_halves(hi: NDArray[np.int64], lo: NDArray[np.int64], exponent: int) -> pa.Array:
    """128-bit halves as decimal128: Arrow stores just these bytes, little-endian."""
    wide = np.empty((len(lo), 2), np.int64)
    wide[:, 0], wide[:, 1] = lo, hi
    kind = pa.decimal128(_DIGITS, max(0, -exponent))
    return pa.Array.from_buffers(kind, len(lo), [None, pa.py_buffer(wide)])
