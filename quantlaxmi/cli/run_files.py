"""Files a run leaves behind: checked before the run, written whole after it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.replay import Run

_TABLES = ("decisions", "legs", "orders", "fills", "funding")


def check_output(option: str, path: str, suffixes: tuple[str, ...] = ()) -> None:
    """Refuse, before any work, a file that could not be written after it.

    Raises
    ------
    InputError
        If its folder does not exist, it is a folder, or its name ends otherwise than in
        ``suffixes``.
    """
    target = Path(path)
    if suffixes and target.suffix not in suffixes:
        raise InputError(option, f"was {path}, expected a name ending in {' or '.join(suffixes)}")
    if target.is_dir():
        raise InputError(option, f"was {path}, which is a folder; expected a file")
    if not target.parent.is_dir():
        raise InputError(option, f"was {path}, but there is no folder {target.parent}")


def check_new_folder(option: str, path: str) -> None:
    """Refuse a folder that exists, or whose parent does not.

    Raises
    ------
    InputError
    """
    target = Path(path)
    if target.exists():
        raise InputError(option, f"was {path}, which exists; expected a folder to create")
    if not target.parent.is_dir():
        raise InputError(option, f"was {path}, but there is no folder {target.parent}")


def write_run(run: Run, facts: dict[str, Any], out: str) -> None:
    """Create a folder with ``summary.json``, ``trace.arrow`` and one Arrow file for each table.

    ``attributions.arrow`` has one row a fill; its money is decimal128, exact.
    """
    import pyarrow as pa

    from quantlaxmi.files import staged_directory

    with staged_directory(out) as folder:
        (folder / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        run.trace.save(folder / "trace.arrow")
        for name in _TABLES:
            rows = getattr(run, name)
            _write(folder / f"{name}.arrow", pa.table({c: rows[c] for c in rows.dtype.names}))
        _write(folder / "attributions.arrow", _attribution_table(run))


def _attribution_table(run: Run) -> Any:
    import pyarrow as pa

    found = run.attributions
    money = pa.decimal128(38, -found.exponent)
    columns: dict[str, Any] = {
        name: run.fills[name]
        for name in ("order", "decision", "instrument", "side", "price", "qty")
    }
    columns["ts_ns"], columns["seq"] = run.fills["ts_ns"], run.fills["seq"]
    columns["reference_price"] = found.reference_price
    for name in ("gross", "slippage", "fee", "funding", "cash_effect", "edge", "realized_edge"):
        values = [Decimal(f"{v}E{found.exponent}") for v in getattr(found, name).tolist()]
        columns[name] = pa.array(values, money)
    return pa.table(columns)


def _write(path: Path, table: Any) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
