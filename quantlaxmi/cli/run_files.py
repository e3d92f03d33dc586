"""Files a run leaves behind: checked before the run, written whole after it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.files import FileKind
    from quantlaxmi.run.result import Run


def check_output(option: str, path: str, suffixes: tuple[str, ...], kind: FileKind) -> None:
    """Refuse, before any work, a file that must not or could not be written after it.

    Raises
    ------
    InputError
        If `files.check_file` refuses it, nothing can be written there, or its name ends otherwise
        than in ``suffixes``.
    """
    from quantlaxmi.files import check_file, check_writable

    if Path(path).suffix not in suffixes:
        raise InputError(option, f"was {path}, expected a name ending in {' or '.join(suffixes)}")
    with _option_errors(option, path):
        check_file(Path(path), kind)
        check_writable(Path(path))


def check_new_folder(option: str, path: str, inputs: Iterable[str | None] = ()) -> None:
    """Refuse a folder that exists, cannot be made, or is inside a segment or an input.

    Parameters
    ----------
    option, path : str
    inputs : iterable of str or None
        Files and folders that the command reads.

    Raises
    ------
    InputError
    """
    from quantlaxmi.files import check_folder, check_outside, check_writable

    target = Path(path)
    with _option_errors(option, path):
        check_folder(target)
        check_writable(target)
        check_outside(target, inputs)


@contextlib.contextmanager
def _option_errors(option: str, path: str) -> Iterator[None]:
    """Name the option whose path is refused."""
    try:
        yield
    except InputError as error:
        if error.source == option:
            raise
        raise InputError(option, f"was {path}: {error.problem}") from None
    except OSError as error:  # such as a name that is too long
        raise InputError(option, f"was {path}: {error.strerror}") from None


def write_run(run: Run, facts: dict[str, Any], out: str) -> None:
    """Create a folder with ``summary.json``, ``trace.arrow`` and one Arrow file for each table.

    ``attributions.arrow`` has one row a fill; prices, quantities and money are exact decimals.
    """
    import pyarrow as pa

    from quantlaxmi.files import staged_directory
    from quantlaxmi.run.tables import RARE_RUN_TABLES, RUN_TABLES

    with staged_directory(out) as folder:
        (folder / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        run.trace.save(folder / "trace.arrow")
        for name in (*RUN_TABLES, *run.strategy.strategy.own_tables):
            table = run.table(name)
            if name in RARE_RUN_TABLES and not table.num_rows:
                continue
            # By an open file, because Arrow takes no name that is not UTF-8.
            with (
                (folder / f"{name}.arrow").open("wb") as sink,
                pa.ipc.new_file(sink, table.schema) as writer,
            ):
                writer.write_table(table)
