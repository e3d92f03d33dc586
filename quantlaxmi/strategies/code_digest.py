"""A hash of the code that a strategy is, as far as it can be seen."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from quantlaxmi.strategies.user_files import folder_package

__all__ = ["code_digest"]

_DOMAIN = b"quantlaxmi.strategy-code.v1\0"
_PLAIN = (bool, int, float, str, bytes, tuple, type(None))


def code_digest(*parts: object) -> bytes:
    """SHA-256 of the code behind some objects.

    Of a module its file, Python or compiled; of a function and of every class that an object
    descends from the file of its module or, where there is none (a notebook, a console), its
    compiled functions and plain constants. A strategy file is taken with the files of its folder
    that are loaded.

    Not seen: what these files import from elsewhere, what an object was made of besides its
    settings, and changes of a file between its import and this call.

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
        yield "", _file(part) or b""
    elif isinstance(part, FunctionType):
        yield part.__qualname__, _file(sys.modules.get(part.__module__)) or _compiled(part)
    elif part is not None:
        for kind in type(part).__mro__[:-1]:
            content = _file(sys.modules.get(kind.__module__))
            if content is None:
                members = sorted(vars(kind).items())
                content = b"".join(f"{k}=".encode() + _compiled(v) for k, v in members)
            yield kind.__qualname__, content
            yield from _neighbours(kind.__module__)


def _neighbours(name: str) -> Iterator[tuple[str, bytes]]:
    """Files of a strategy file's folder that are loaded, it among them."""
    package = folder_package(name)
    if package is not None:
        for other in sorted(n for n in sys.modules if n.startswith(f"{package}.")):
            yield other.removeprefix(f"{package}."), _file(sys.modules[other]) or b""


def _file(module: ModuleType | None) -> bytes | None:
    """Content of a module's file, or None where it has none."""
    name = getattr(module, "__file__", None)
    try:
        return Path(name).read_bytes() if name else None
    except OSError:
        return None


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
