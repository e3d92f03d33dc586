"""A sweep over many segments, and questions to its catalog in SQL.

    pip install duckdb
    python examples/duckdb_catalog.py

A catalog is a folder of Parquet files next to the journal that they are made of, so DuckDB, Polars
or Spark read it without quantlaxmi.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

import quantlaxmi as ql
from quantlaxmi.batch import Catalog, compact
from quantlaxmi.segment.split import split_segment

DATA = Path(__file__).resolve().parent.parent / "data"
#: Gates that take a tenth of a second; leave it away for the whole suite.
FEW = ql.GatePolicy(suites={"g2": ["net_positive", "equity"]})

BY_VERDICT = """
SELECT strategy_id, verdict, count(*) AS items, round(sum(CAST(net AS DOUBLE)), 2) AS net
FROM read_parquet('{0}/reports/part-*.parquet') GROUP BY ALL ORDER BY ALL
"""
STOPPED_BY = """
SELECT gate, verdict, count(*) AS items
FROM read_parquet('{0}/gates/part-*.parquet') GROUP BY ALL ORDER BY ALL
"""
DEAREST = """
SELECT r.segment_id, round(t.cpu_s, 2) AS seconds, t.peak_bytes // 1000000 AS megabytes
FROM read_parquet('{0}/reports/part-*.parquet') r
JOIN read_parquet('{0}/timings/part-*.parquet') t USING (key)
ORDER BY t.cpu_s DESC LIMIT 1
"""


def ask(title: str, sql: str, folder: Path) -> list[tuple[object, ...]]:
    """Print the rows of a question."""
    print(title)
    with duckdb.connect() as base:
        rows: list[tuple[object, ...]] = base.execute(sql.format(folder)).fetchall()
    for row in rows:
        print("  ", *row)
    return rows


def main() -> None:
    """Eight short segments, one strategy, three questions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("planted", "edgeless"):
            whole = ql.open_segment(DATA / kind)
            split_segment(whole, folder / kind, rows=-(-whole.n_rows // 4))
        where = folder / "catalog"
        ql.sweep(
            [folder / "planted" / "*", folder / "edgeless" / "*"],
            ["basis_capture"],
            catalog=where,
            policy=FEW,
        )
        compact(Catalog.open(where))  # with the tables of gates and settings
        ask("Items by verdict:", BY_VERDICT, where)
        ask("What every gate said:", STOPPED_BY, where)
        ask("The dearest item, its seconds and megabytes:", DEAREST, where)


if __name__ == "__main__":
    main()
