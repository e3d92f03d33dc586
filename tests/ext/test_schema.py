"""schema's dtypes and _ext/_types.pxd's structs are one layout: size, offsets, names, types."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi import schema
from quantlaxmi._ext._types_check import layout

RECORDS = {
    name.removesuffix("_DTYPE").lower() + "_t": dtype
    for name, dtype in vars(schema).items()
    if name.endswith("_DTYPE")
}


def test_schema_every_c_record_has_a_dtype() -> None:
    pxd = Path(quantlaxmi.__file__).parent / "_ext" / "_types.pxd"
    declared = {
        line.split()[3].rstrip(":")
        for line in pxd.read_text().splitlines()
        if line.startswith("cdef packed struct ")
    }
    assert declared == set(RECORDS)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_schema_record_layout_equals_c(name: str) -> None:
    dtype = RECORDS[name]
    size, fields = layout(name)
    assert size == dtype.itemsize
    assert list(fields) == list(dtype.names)
    for field, value in fields.items():
        kind, offset = dtype.fields[field][:2]
        if isinstance(value, float):
            assert kind == np.dtype("<f8"), field
            value = struct.unpack("<q", struct.pack("<d", value))[0]
        else:
            assert kind == np.dtype("<i8"), field
        assert offset == 8 * value, field


def test_schema_tables_start_with_the_row_key() -> None:
    for name, columns in schema.TABLES.items():
        assert list(columns)[:3] == ["seq", "ts_ns", "instrument"], name
