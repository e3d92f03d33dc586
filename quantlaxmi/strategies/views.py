"""ctypes views of the kernel records, derived from the dtypes of ``schema``.

An interpreted kernel and the plain-Python context read and write the very memory the engine works
on through these; nothing is copied. All fields are 64 bits wide, so a view and C agree on every
offset and every value that fits.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi.errors import StrategyError

_CTYPES: Final = {"<i8": ctypes.c_int64, "<f8": ctypes.c_double}


def structure(name: str, dtype: np.dtype[Any]) -> type[ctypes.Structure]:
    """Return a ctypes Structure with the fields, order and size of a record dtype.

    Parameters
    ----------
    name : str
        Name of the new class.
    dtype : numpy.dtype
        Structured, of int64 and float64 fields.

    Returns
    -------
    type of ctypes.Structure

    Raises
    ------
    StrategyError
        If a field is neither int64 nor float64, or ctypes gives the record another layout.
    """
    fields = []
    for field in dtype.names or ():
        kind = dtype[field].str
        if kind not in _CTYPES:
            raise StrategyError(f"record {name}: field {field!r} was {kind}, must be <i8 or <f8")
        fields.append((field, _CTYPES[kind]))
    made = type(name, (ctypes.Structure,), {"_pack_": 1, "_layout_": "ms", "_fields_": fields})
    if ctypes.sizeof(made) != dtype.itemsize:
        raise StrategyError(f"record {name} is {ctypes.sizeof(made)} bytes, not {dtype.itemsize}")
    return made


# The classes are made at run time, so a type checker can know no more than Any of them.
Ctx: Any = structure("Ctx", schema.CTX_DTYPE)
Event: Any = structure("Event", schema.EVENT_DTYPE)
Book: Any = structure("Book", schema.BOOK_DTYPE)
Position: Any = structure("Position", schema.POSITION_DTYPE)
Feature: Any = structure("Feature", schema.FEATURE_DTYPE)
Slot: Any = structure("Slot", schema.SLOT_DTYPE)
Param: Any = structure("Param", schema.PARAM_DTYPE)
LegOut: Any = structure("LegOut", schema.LEG_OUT_DTYPE)
FillNotice: Any = structure("FillNotice", schema.FILL_NOTICE_DTYPE)
Nap: Any = structure("Nap", schema.NAP_DTYPE)

#: Every view with the dtype it was made of.
STRUCTURES: Final[tuple[tuple[Any, np.dtype[Any]], ...]] = (
    (Ctx, schema.CTX_DTYPE),
    (Event, schema.EVENT_DTYPE),
    (Book, schema.BOOK_DTYPE),
    (Position, schema.POSITION_DTYPE),
    (Feature, schema.FEATURE_DTYPE),
    (Slot, schema.SLOT_DTYPE),
    (Param, schema.PARAM_DTYPE),
    (LegOut, schema.LEG_OUT_DTYPE),
    (FillNotice, schema.FILL_NOTICE_DTYPE),
    (Nap, schema.NAP_DTYPE),
)
_BY_DTYPE: Final = {dtype: made for made, dtype in STRUCTURES}


def view(records: NDArray[Any]) -> Any:
    """Return a ctypes array over the memory of a record array.

    Parameters
    ----------
    records : ndarray of a kernel-facing dtype, shape (n,)
        Writable and contiguous; kept alive by the view.

    Returns
    -------
    ctypes array of n structures
        ``view(a)[i].field`` reads and writes ``a["field"][i]``.

    Raises
    ------
    StrategyError
        If the dtype is no kernel-facing record, or the array is not writable and contiguous.
    """
    made = _BY_DTYPE.get(records.dtype)
    if made is None:
        raise StrategyError(f"dtype {records.dtype} is not one of the kernel-facing records")
    if records.ndim != 1 or not records.flags.c_contiguous or not records.flags.writeable:
        raise StrategyError("a view needs a one-dimensional, contiguous, writable record array")
    if not len(records):
        return (made * 0)()
    return (made * len(records)).from_buffer(records)
