"""A segment's tables in pandas, Polars, DuckDB and pyarrow: one line each.

    quantlaxmi-crypto segment export --segment-dir data/planted --out tables
    python examples/read_segment.py tables

``segment export`` writes one Parquet file for each table. Prices and quantities stay whole numbers:
a value is ``mantissa * 10**exponent``, with the exponents of the instrument that the row names,
which stand in the file's metadata.
"""

from __future__ import annotations

import importlib.util
import json
import sys


def with_pandas(path: str) -> int:
    import pandas

    return len(pandas.read_parquet(path))


def with_polars(path: str) -> int:
    import polars

    return polars.read_parquet(path).height


def with_duckdb(path: str) -> int:
    import duckdb

    return duckdb.sql(f"select count(*) from '{path}'").fetchall()[0][0]


def with_pyarrow(path: str) -> int:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).num_rows


def exponents(path: str) -> list[tuple[str, int, int]]:
    """Symbol, price exponent and quantity exponent of the instruments, by their number."""
    import pyarrow.parquet

    about = pyarrow.parquet.read_schema(path).metadata[b"quantlaxmi.instruments"]
    return [(i["symbol"], i["price_exponent"], i["qty_exponent"]) for i in json.loads(about)]


READERS = {
    "pandas": with_pandas,
    "polars": with_polars,
    "duckdb": with_duckdb,
    "pyarrow": with_pyarrow,
}


def main(folder: str) -> None:
    """Read the quotes with every library that is there."""
    path = f"{folder}/quotes.parquet"
    for name, read in READERS.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name:8} is not installed; pip install {name} to read with it.")
            continue
        print(f"{name:8} {read(path):,} quotes")
    for number, (symbol, price, qty) in enumerate(exponents(path)):
        print(f"instrument {number} is {symbol}: prices in 10**{price}, quantities in 10**{qty}")


if __name__ == "__main__":
    main(sys.argv[1])
