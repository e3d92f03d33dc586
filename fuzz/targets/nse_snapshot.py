"""Snapshots of NSE's option chain: cells that are edited, and edited bytes of the file."""

from __future__ import annotations

import io
import math
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes
from fuzz.targets.trace_arrow import PIECES
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers.nse import Snapshot, read_snapshot
from quantlaxmi.importers.nse.chain import chain_rows
from quantlaxmi.segment.manifest import check_instruments
from quantlaxmi.segment.rows import RowRules

ALLOWED = (InputError, ConfigError)
NAME = "NIFTY_20250829_092416"
NUMBERS = (
    0, 0.0, -1, 0.05, 75, 150, 75.0, 80, 120.35, 94.02, 24550, 1e9, 1e18, 1e300, 2**53 + 1.0,
    math.nan, math.inf, None, 4.333333333333333, 0.004999,
)  # fmt: skip
TEXTS = (
    "", None, "NIFTY", "02-Sep-2025", "09-Sep-2025", "31-Feb-2025", "29-Aug-2025 09:22:45",
    "26-Aug-2025 15:30:00", "30-Dec-2099", "é", "20250829_092416", "1",
)  # fmt: skip


def clean(draw: Draw) -> dict[str, list[Any]]:
    """A sound snapshot of two expiries."""
    n = draw.pick((1, 2, 5))
    made: dict[str, list[Any]] = {
        "Fetch_Time": ["29-Aug-2025 09:22:45"] * n,
        "Symbol": ["NIFTY"] * n,
        "Expiry_Date": [("02-Sep-2025", "09-Sep-2025")[k % 2] for k in range(n)],
        "Strike_Price": [24550 + 50 * (k // 2) for k in range(n)],
        "collection_timestamp": ["20250829_092416"] * n,
    }
    for side in ("CALLS", "PUTS"):
        bids = [5 * draw.number(40_000) for _ in range(n)]
        asks = [bid + 5 * draw.number(9) for bid in bids]
        made |= {
            f"{side}_Bid_Price": [bid / 100 for bid in bids],
            f"{side}_Bid_Qty": [75 * (1 + draw.number(9)) if bid else 0 for bid in bids],
            f"{side}_Ask_Price": [ask / 100 for ask in asks],
            f"{side}_Ask_Qty": [75 * (1 + draw.number(9)) if ask else 0 for ask in asks],
            f"{side}_LTP": [5 * draw.number(40_000) / 100 for _ in range(n)],
            f"{side}_Volume": [draw.number(9_000) for _ in range(n)],
            f"{side}_OI": [75 * draw.number(99) / 75 for _ in range(n)],
            f"{side}_IV": [draw.number(9_000) / 100 for _ in range(n)],
        }
    return made


def read(data: bytes) -> Snapshot:
    """The snapshot that the bytes are."""
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        path = folder / f"{NAME}.parquet"
        path.write_bytes(data)
        return read_snapshot(path, "NIFTY")
    finally:
        shutil.rmtree(folder)


def check(one: Snapshot) -> None:
    """What holds of every snapshot that is taken."""
    c = {name: column.tolist() for name, column in one.columns.items()}
    contracts = list(zip(c["expiry"], c["strike"], c["call"], strict=True))
    assert len(set(contracts)) == len(contracts)
    for bid, ask, bid_qty, ask_qty, lot in zip(
        c["bid"], c["ask"], c["bid_qty"], c["ask_qty"], c["lot"], strict=True
    ):
        assert bid >= 0 and ask >= 0 and not bid % 5 and not ask % 5
        assert not (bid and ask) or bid <= ask
        assert (bid_qty > 0) == (bid > 0) and (ask_qty > 0) == (ask > 0)
        assert lot > 0 and not bid_qty % lot and not ask_qty % lot
    assert min(c["strike"]) > 0
    assert min(*c["last"], *c["volume"], *c["oi"], *c["iv"]) >= 0
    instruments, rows = chain_rows([one], frozenset())
    assert len(instruments) == len(contracts)
    assert RowRules("chain", len(instruments)).add(rows) == ""
    assert check_instruments(tuple(instruments)) == ""


def one(draw: Draw) -> None:
    cells = clean(draw)
    for _ in range(draw.number(4)):
        column = cells[draw.pick(tuple(cells))]
        column[draw.number(len(column))] = draw.pick(
            TEXTS if isinstance(column[0], str | None) else NUMBERS
        )
    if draw.number(8) == 0:
        del cells[draw.pick(tuple(cells))]
    try:
        table = pa.table(cells)
    except (pa.ArrowException, TypeError, OverflowError):
        return  # not one type: no such column can be written
    made = io.BytesIO()
    pq.write_table(table, made, row_group_size=draw.pick((1, 1000)))
    if draw.number(3) == 0:
        check(read(edit_bytes(draw, made.getvalue(), PIECES, 3)))
        return
    found = read(made.getvalue())
    check(found)
    n = table.num_rows
    for at, side in ((0, "CALLS"), (n, "PUTS")):
        for k in range(n):
            bid, size = cells[f"{side}_Bid_Price"][k], cells[f"{side}_Bid_Qty"][k]
            quoted = bid > 0 and size > 0
            assert found.columns["bid"][at + k] == (round(Fraction(bid) * 100) if quoted else 0)
            assert found.columns["bid_qty"][at + k] == (size if quoted else 0)
            assert found.columns["strike"][at + k] == round(cells["Strike_Price"][k] * 100)
            last = round(Fraction(cells[f"{side}_LTP"][k]) * 100)
            assert found.columns["last"][at + k] == last
