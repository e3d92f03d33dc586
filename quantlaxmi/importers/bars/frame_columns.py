"""Columns of a data frame as Arrow arrays, by the names that ``to_csv`` writes.

pandas and Polars are never imported: a frame tells by the module of its type what it is. Arrow
itself loads pandas, where it is installed, to convert lists and arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError


def is_frame(value: object) -> bool:
    """Whether a value is a frame, or a dict of columns."""
    if _library(value) in ("pandas", "polars"):
        return type(value).__name__ in ("DataFrame", "LazyFrame")
    if isinstance(value, pa.Table | pa.RecordBatch | Mapping):
        return True
    return hasattr(value, "__arrow_c_stream__") and not isinstance(value, pa.ChunkedArray)


def frame_columns(frame: Any, name: str) -> dict[str, Any]:
    """Columns of a frame.

    Parameters
    ----------
    frame : data frame, Arrow table or dict of columns
    name : str
        What errors call it.

    Returns
    -------
    dict of str to pyarrow.Array
        Of equal length, one array each; of pandas the index before the columns.

    Raises
    ------
    InputError
        It is no frame, a column's values are of several types, or a name stands twice.
    """
    if not is_frame(frame):
        kind = f"{type(frame).__module__}.{type(frame).__qualname__}".removeprefix("builtins.")
        problem = f"was of type {kind}; expected a data frame of pandas, Polars or Arrow"
        raise InputError(name, f"{problem}, or a dict of columns")
    if _library(frame) == "pandas":
        given = _of_pandas(frame, name)
    else:
        given = list(frame.items()) if isinstance(frame, Mapping) else _of_arrow(frame)
    columns: dict[str, Any] = {}
    for label, values in given:
        column = str(label)
        if column in columns:
            raise InputError(name, f"has column {column[:40]!r} twice")
        columns[column] = _array(values, name, column)
    lengths = {column: len(values) for column, values in columns.items()}
    if not lengths:
        raise InputError(name, "has no column; expected bars")
    first = next(iter(lengths))
    if other := next((c for c in lengths if lengths[c] != lengths[first]), None):
        problem = (
            f"has {counted(lengths[other], 'row[s]')} in column {other!r} and {lengths[first]} "
            f"in {first!r}"
        )
        raise InputError(name, problem)
    return columns


def _library(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _of_arrow(frame: Any) -> list[tuple[str, Any]]:
    """Label and values of each column of what Arrow reads."""
    if type(frame).__name__ == "LazyFrame":
        frame = frame.collect()
    if _library(frame) == "polars":
        frame = frame.to_arrow()
    if not isinstance(frame, pa.Table | pa.RecordBatch):
        frame = pa.table(frame)
    return list(zip(frame.schema.names, frame.columns, strict=True))


def _of_pandas(frame: Any, name: str) -> list[tuple[Any, Any]]:
    """Label and values of the index and of each column."""
    index = frame.index
    if index.nlevels > 1:
        problem = f"has an index of {counted(index.nlevels, 'level[s]')}; expected one, of time"
        raise InputError(name, problem)
    if type(index).__name__ == "PeriodIndex":
        index = index.to_timestamp()
    labels = list(frame.columns)
    if frame.columns.nlevels > 1:
        labels = _one_level(labels, name)
    label = "" if index.name is None else index.name
    return [(label, index), *((one, frame.iloc[:, k]) for k, one in enumerate(labels))]


def _one_level(labels: list[tuple[Any, ...]], name: str) -> list[Any]:
    """The level of column labels that differs, where all others are the same in every column."""
    levels = [k for k, found in enumerate(zip(*labels, strict=True)) if len(set(found)) > 1]
    if len(levels) != 1:
        problem = "has columns of several instruments in levels; expected one frame an instrument"
        raise InputError(name, f"{problem}, as a dict")
    return [label[levels[0]] for label in labels]


def _values(values: Any) -> Any:
    """Values as Arrow reads them; those of several types as the texts that CSV would have."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if getattr(values, "ndim", 1) != 1:
            raise
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _array(values: Any, name: str, column: str) -> Any:
    """One column as one Arrow array."""
    try:
        if not isinstance(values, pa.Array | pa.ChunkedArray):
            values = _values(values)
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
            if isinstance(values, pa.ChunkedArray):
                values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([])
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        return values
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        words = " ".join(str(error).split())[:120]
        raise InputError(name, f"column {column[:40]!r} cannot be read: {words}") from None
