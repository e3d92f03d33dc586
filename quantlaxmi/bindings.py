"""``bindings.jsonl``: an append-only file whose every line is chained to the one before.

A line is canonical JSON: ``{"index": n, "previous": hex, "record": {...}, "hash": hex}``, where
``hash`` is SHA-256 over a tag and the line with its hash left empty, and ``previous`` the hash of
the line before (64 zeros at the start). A changed, removed or inserted line breaks the chain; lines
removed from the end do not, so whoever relies on the length keeps the last hash.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.errors import InputError
from quantlaxmi.files import (
    check_writable,
    one_line_errors,
    opened_chain,
    read_exactly,
    sync_folder,
)
from quantlaxmi.system.flags import APPEND, CREATE, READ, UPDATE
from quantlaxmi.system.locks import lock

MAX_LINE_BYTES: Final = 1 << 20
MAX_FILE_BYTES: Final = 1 << 28
#: Lists and objects in one another, the record itself included: what can be written can be read.
MAX_DEPTH: Final = 64
START: Final = "0" * 64
_TAG: Final = b"quantlaxmi.bindings/1\n"


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the chain, which holds the hash of the line before it.

    Attributes
    ----------
    index : int
        Number of the line, from 0.
    previous : str
        Hash of the line before, in hex.
    record : dict
        JSON values; for a gate report its hash and where it came from.
    hash : str
        SHA-256 in hex over the line without this field.
    """

    index: int
    previous: str
    record: dict[str, Any]
    hash: str


def _encode(binding: Binding) -> bytes:
    return msgspec.json.encode(binding, order="deterministic") + b"\n"


def _nested_too_deeply(record: dict[str, Any]) -> bool:
    layer: list[Any] = [record]
    for _ in range(MAX_DEPTH):
        layer = [
            value
            for one in layer
            for value in (one.values() if isinstance(one, dict) else one)
            if isinstance(value, (dict, list))
        ]
        if not layer:
            return False
    return True


def _hash(binding: Binding) -> str:
    bare = msgspec.structs.replace(binding, hash="")
    return hashlib.sha256(_TAG + _encode(bare)).hexdigest()


def append_binding(path: Path | str, record: dict[str, Any]) -> Binding:
    """Append one record to a chain, making the file where there is none.

    The whole chain is checked first, under a lock that other writers wait for; the line is durable
    when this returns.

    Parameters
    ----------
    path : Path or str
        The chain's file; one JSON object a line.
    record : dict
        JSON values with text keys.

    Returns
    -------
    Binding
        The line written.

    Raises
    ------
    InputError
        The chain is broken, the record is no JSON object or too long, or the file is a link, not
        regular, or cannot be written.

    Examples
    --------
    >>> append_binding("chain.jsonl", {"report": "abc"}).index
    0
    >>> append_binding("chain.jsonl", {"report": "def"}).index
    1
    """
    path = Path(path)
    try:
        record = msgspec.json.decode(msgspec.json.encode(record), type=dict[str, Any])
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise InputError(path, f"a record must be a JSON object: {error}") from error
    if _nested_too_deeply(record):
        raise InputError(path, f"a record must be nested in at most {MAX_DEPTH} levels")
    new = not path.exists()
    with opened_chain(path, UPDATE | CREATE | APPEND) as fd:
        lock(fd)
        chain = _read(path, fd)
        binding = Binding(
            index=len(chain),
            previous=chain[-1].hash if chain else START,
            record=record,
            hash="",
        )
        binding = msgspec.structs.replace(binding, hash=_hash(binding))
        line = _encode(binding)
        if len(line) > MAX_LINE_BYTES:
            raise InputError(path, f"a record must be shorter than {MAX_LINE_BYTES} bytes")
        size = os.fstat(fd).st_size
        if size + len(line) > MAX_FILE_BYTES:
            raise InputError(path, f"would be longer than {MAX_FILE_BYTES} bytes")
        with one_line_errors(path, "cannot be written"):
            try:
                if os.write(fd, line) != len(line):
                    raise OSError("the line was written in part")
                os.fsync(fd)
            except OSError:
                os.ftruncate(fd, size)  # a torn line would break the chain for everybody after
                raise
            if new:
                sync_folder(path.parent)
    return binding


def check_chain(path: Path | str) -> None:
    """Check that a record could be appended to a chain.

    Nothing is written.

    Parameters
    ----------
    path : Path or str
        The chain's file; it need not exist.

    Raises
    ------
    InputError
        The chain is broken, or its file is a link, not regular, or cannot be written.

    Examples
    --------
    >>> check_chain("chain.jsonl")
    """
    path = Path(path)
    if not os.path.lexists(path):
        check_writable(path)
        return
    with opened_chain(path, UPDATE | APPEND) as fd:
        lock(fd, shared=True)
        _read(path, fd)


def read_bindings(path: Path | str) -> tuple[Binding, ...]:
    """Read a chain and check every line of it.

    Parameters
    ----------
    path : Path or str
        The chain's file.

    Returns
    -------
    tuple of Binding
        Empty where there is no file.

    Raises
    ------
    InputError
        The chain is broken, naming the line; or the file is a link, not regular or too long.

    Examples
    --------
    >>> read_bindings("chain.jsonl")
    ()
    >>> line = append_binding("chain.jsonl", {"report": "abc"})
    >>> read_bindings("chain.jsonl") == (line,)
    True
    """
    path = Path(path)
    if not os.path.lexists(path):
        return ()
    with opened_chain(path, READ) as fd:
        lock(fd, shared=True)
        return tuple(_read(path, fd))


def _read(path: Path, fd: int) -> list[Binding]:
    with one_line_errors(path, "cannot be read"):
        data = read_exactly(fd, MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise InputError(path, f"is longer than {MAX_FILE_BYTES} bytes")
    chain: list[Binding] = []
    previous = START
    for index, line in enumerate(data.splitlines(keepends=True)):
        place = f"line {index + 1}"
        try:
            binding = msgspec.json.decode(line, type=Binding)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InputError(path, f"the chain is broken: {error}", place) from error
        if _nested_too_deeply(binding.record):
            raise InputError(path, f"is nested deeper than {MAX_DEPTH} levels", place)
        if _encode(binding) != line:
            raise InputError(path, "the chain is broken: not in canonical form", place)
        if (binding.index, binding.previous) != (index, previous):
            raise InputError(path, "the chain is broken: a line was removed or moved", place)
        if binding.hash != _hash(binding):
            raise InputError(path, "the chain is broken: the line was changed", place)
        previous = binding.hash
        chain.append(binding)
    return chain
