"""Two ledgers made one: the union of their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from quantlaxmi.errors import TrialError
from quantlaxmi.files import read_regular, write_pieces
from quantlaxmi.trials.chain import MAX_FILE_BYTES
from quantlaxmi.trials.ledger import TrialLedger

__all__ = ["merge_ledgers"]


def merge_ledgers(into: Path | str, sources: Iterable[Path | str]) -> tuple[int, int]:
    """Copy the files of other ledgers into one; the order does not matter.

    A file that both have is kept in its longer form: one that a writer went on with. All ledgers
    are checked before anything is written.

    Parameters
    ----------
    into : Path or str
        Folder of the ledger that grows.
    sources : iterable of Path or str
        Folders of ledgers; they stay as they are.

    Returns
    -------
    files, lines : int
        New or longer files, and the lines that came with them.

    Raises
    ------
    TrialError
        A chain is broken, or two files of one name are not the same chain: with file and line.

    Examples
    --------
    >>> import os
    >>> os.mkdir("mine"); os.mkdir("theirs")
    >>> merge_ledgers("mine", ["theirs"])
    (0, 0)
    """
    target = TrialLedger(into).refresh()
    hashes = {file.path.name: tuple(file.hashes) for file in target.files}
    copied: dict[str, tuple[Path, int]] = {}
    for source in sources:
        for file in TrialLedger(source).refresh().files:
            name, found = file.path.name, tuple(file.hashes)
            known = hashes.get(name, ())
            shared = min(len(known), len(found))
            for k in range(shared):
                if known[k] != found[k]:
                    raise TrialError(
                        file.path,
                        f"is another chain than the file of this name in {target.folder}: two "
                        "writers had it",
                        f"line {k + 1}",
                    )
            if len(found) > len(known):
                hashes[name], copied[name] = found, (file.path, file.size)
    before = {file.path.name: len(file.hashes) for file in target.files}
    for name, (path, size) in copied.items():
        data = read_regular(path, MAX_FILE_BYTES, TrialError, "a file of a trial ledger")
        write_pieces(target.folder / name, (data[:size],), TrialError)
    target.refresh()
    lines = sum(len(hashes[name]) - before.get(name, 0) for name in copied)
    return len(copied), lines
