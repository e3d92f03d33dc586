"""A hash of the code that a strategy is, as far as it can be seen."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from quantlaxmi.strategies.neighbours import with_neighbours
from quantlaxmi.strategies.user_files import folder_package

__all__ = ["code_digest"]

#: Version 2 hashes source; version 1 hashed a compiled module's binary, of which each build has its
#: own.
_DOMAIN = b"quantlaxmi.strategy-code.v2\0"
#: What a compiled module may be shipped as, in the order in which it is looked for.
_SOURCES = (".pyx", ".py")
_PACKAGE = __name__.partition(".")[0]
_PLAIN = (bool, int, float, str, bytes, tuple, type(None))


def code_digest(*parts: object) -> bytes:
    """SHA-256 of the source behind some objects: version 2.

    Of a module its source; of a function and of every class that an object descends from the source
    of its module or, where there is none (a notebook, a console), its compiled functions and plain
    constants. Of a compiled module the source is the ``.pyx`` or ``.py`` next to it and its
    ``.pxd``, never the binary: two builds of one source have one digest. Lines may end either way.
    A strategy file is taken with the files of its folder that it imports, directly or by way of
    others.

    Left out: the standard library, and this package's own base classes, which are no strategies;
    the version and the trace header stand for them.

    Not seen: what these files import from elsewhere, what an object was made of besides its
    settings, changes of a file between its import and this call, and the code of a compiled module
    that was shipped without its source.

    Parameters
    ----------
    *parts : object
        None is passed over.
    """
    digest = hashlib.sha256(_DOMAIN)
    for part in parts:
        for name, content in _contents(part):
            for piece in (name.encode(), content):
                digest.update(len(piece).to_bytes(8, "little") + piece)
    return digest.digest()


def _contents(part: object) -> Iterator[tuple[str, bytes]]:
    if isinstance(part, ModuleType):
        yield "", _source(part) or b""
    elif isinstance(part, FunctionType):
        yield part.__qualname__, _source(sys.modules.get(part.__module__)) or _compiled(part)
    elif part is not None:
        for kind in type(part).__mro__[:-1]:
            if _is_elsewhere(kind):
                continue
            content = _source(sys.modules.get(kind.__module__))
            if content is None:
                members = sorted(vars(kind).items())
                content = b"".join(f"{k}=".encode() + _compiled(v) for k, v in members)
            yield kind.__qualname__, content
            yield from _neighbours(kind.__module__)


def _is_elsewhere(kind: type) -> bool:
    """Whether a class is Python's, or one of this package that is no strategy."""
    top = kind.__module__.partition(".")[0]
    return top in sys.stdlib_module_names or (
        top == _PACKAGE
        and folder_package(kind.__module__) is None
        and getattr(kind, "strategy_id", None) is None
    )


def _neighbours(name: str) -> Iterator[tuple[str, bytes]]:
    """A strategy file and those of its folder that it imports, by their modules' names."""
    place, package = getattr(sys.modules.get(name), "__file__", None), folder_package(name)
    if place is None or package is None:
        return
    file = Path(place)
    found = with_neighbours(file)
    names = {one: _dotted(one.relative_to(file.parent)) for one in found if one != file}
    names[file] = name.removeprefix(f"{package}.")
    for one in sorted(found, key=lambda one: names[one]):
        yield names[one], found[one].replace(b"\r\n", b"\n")


def _dotted(file: Path) -> str:
    """The module of a file of a folder."""
    parts = file.parts[:-1] if file.name == "__init__.py" else (*file.parts[:-1], file.stem)
    return ".".join(parts)


def _source(module: ModuleType | None) -> bytes | None:
    """Source of a module, or None where none was shipped."""
    name = getattr(module, "__file__", None)
    if not name:
        return None
    path = Path(name)
    found = [path]
    suffix = next((end for end in EXTENSION_SUFFIXES if path.name.endswith(end)), None)
    if suffix is not None:
        stem = path.name.removesuffix(suffix)
        beside = [path.with_name(stem + end) for end in _SOURCES]
        found = [one for one in beside if one.is_file()][:1]
    elif path.suffix in BYTECODE_SUFFIXES:
        return None
    declared = [one.with_suffix(".pxd") for one in found]
    found += [one for one in declared if one.is_file()]
    try:
        pieces = [one.read_bytes().replace(b"\r\n", b"\n") for one in found]
    except OSError:
        return None
    return b"\0".join(pieces) if pieces else None


def _compiled(value: object) -> bytes:
    """Code of a function or method and what it holds; of other values plain ones only."""
    value = getattr(value, "fget", getattr(value, "__func__", value))
    code = getattr(value, "__code__", value)
    if isinstance(code, CodeType):
        constants = b"".join(_compiled(constant) for constant in code.co_consts)
        return code.co_code + repr((code.co_names, code.co_varnames)).encode() + constants
    if isinstance(code, frozenset):  # without an order of its own
        return b"".join(sorted(map(_compiled, code)))
    return repr(code).encode() if isinstance(code, _PLAIN) else b""
