"""Files a run leaves behind: checked before the run, written whole after it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run


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
    with _option_errors(option, path):
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
    with _option_errors(option, path):
        if target.exists():
            raise InputError(option, f"was {path}, which exists; expected a folder to create")
        if not target.parent.is_dir():
            raise InputError(option, f"was {path}, but there is no folder {target.parent}")


@contextlib.contextmanager
def _option_errors(option: str, path: str) -> Iterator[None]:
    """Name the option where its path cannot even be looked at, such as one that is too long."""
    try:
        yield
    except OSError as error:
        raise InputError(option, f"was {path}: {error.strerror}") from None


def write_run(run: Run, facts: dict[str, Any], out: str) -> None:
    """Create a folder with ``summary.json``, ``trace.arrow`` and one Arrow file for each table.

    ``attributions.arrow`` has one row a fill; prices, quantities and money are exact decimals.
    """
    import pyarrow as pa

    from quantlaxmi.files import staged_directory
    from quantlaxmi.run.tables import RUN_TABLES

    with staged_directory(out) as folder:
        (folder / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        run.trace.save(folder / "trace.arrow")
        for name in RUN_TABLES:
            table = run.table(name)
            # By an open file, because Arrow takes no name that is not UTF-8.
            with (
                (folder / f"{name}.arrow").open("wb") as sink,
                pa.ipc.new_file(sink, table.schema) as writer,
            ):
                writer.write_table(table)
