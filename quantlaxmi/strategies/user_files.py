"""Modules of strategy files and of the files next to them, each folder by itself.

A strategy file may import its neighbours: files and packages of its own folder. They are modules of
a package for the folder, whose name has the folder's path. So two folders with a
``helper.py`` each do not mix, ``sys.path`` stays as it is, and another process that is handed a
pickled strategy, setting or decision finds the file by the module's name.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["folder_package", "is_beside", "load_module", "module_name", "plain_names"]

#: Makes this module a package: of folders, which the finder below knows.
__path__: list[str] = []
#: First letters of the name of a folder, and of one for a file that is no identifier.
_FOLDER, _FILE = "d_", "f_"


def module_name(path: Path) -> str:
    """Return the name of a Python file's module.

    Parameters
    ----------
    path : Path
        Absolute, without links.
    """
    stem = path.stem
    if not stem.isidentifier() or stem.startswith(_FILE) or (path.parent / stem).is_dir():
        stem = _FILE + os.fsencode(path.name).hex()
    return f"{_package(path.parent)}.{stem}"


def load_module(path: Path) -> ModuleType:
    """Import a Python file, once; whatever its code raises is raised.

    Parameters
    ----------
    path : Path
        Absolute, without links.
    """
    return importlib.import_module(module_name(path))


def folder_package(name: str) -> str | None:
    """Return the package of the folder that a module belongs to; None for other modules."""
    if not name.startswith(f"{__name__}."):
        return None
    return ".".join(name.split(".")[: __name__.count(".") + 2])


def plain_names(text: str) -> str:
    """Return a text of Python's with modules under the names that their files know them by."""
    words = [
        word if f"{__name__}." not in word else word.replace(_lead(word), "")
        for word in text.split(" ")
    ]
    return " ".join(words)


def _lead(word: str) -> str:
    """Return the part of a word before a module's own name, from this module's name on."""
    start = word.index(f"{__name__}.")
    folder = word[start + len(__name__) + 1 :].partition(".")[0]
    return f"{__name__}.{folder}."


def _package(folder: Path) -> str:
    return f"{__name__}.{_FOLDER}{os.fsencode(folder).hex()}"


class _Loader(SourceFileLoader):
    """Runs a file with an ``import`` that looks among its neighbours first."""

    def exec_module(self, module: ModuleType) -> None:
        package = folder_package(module.__name__) or ""
        folder = _folder(package)
        vars(module)["__builtins__"] = {
            **vars(builtins),
            "__import__": _Import(package, folder),
        }
        super().exec_module(module)


class _Import:
    """``__import__`` of the files of a folder."""

    def __init__(self, package: str, folder: Path) -> None:
        self._package, self._folder = package, folder
        self._known: dict[str, bool] = {}

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level or not self._is_neighbour(top):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        full = f"{self._package}.{name}"
        if fromlist:
            return builtins.__import__(full, globals, locals, fromlist, 0)
        importlib.import_module(full)
        return sys.modules[f"{self._package}.{top}"]

    def _is_neighbour(self, top: str) -> bool:
        if top not in self._known:
            self._known[top] = top != "quantlaxmi" and is_beside(self._folder, top)
        return self._known[top]


def is_beside(folder: Path, top: str) -> bool:
    """Whether a folder has a module that is not the one everybody gets under the name.

    Parameters
    ----------
    folder : Path
    top : str
        Name without dots.
    """
    found = [p for p in (folder / top / "__init__.py", folder / f"{top}.py") if p.is_file()]
    if not found:
        return False
    try:
        usual = find_spec(top)
    except (ImportError, ValueError):
        usual = None
    origin = None if usual is None else usual.origin
    return origin is None or os.path.realpath(origin) != os.path.realpath(found[0])


def _folder(package: str) -> Path:
    """The folder of a package.

    Raises
    ------
    ValueError
        No folder has the name.
    """
    name = package.rpartition(".")[2]
    if not name.startswith(_FOLDER):
        raise ValueError(name)
    return Path(os.fsdecode(bytes.fromhex(name.removeprefix(_FOLDER))))


class _Finder(MetaPathFinder):
    """Finds the packages of folders, and the modules in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}."):
            return None
        folder_name, _, rest = fullname.removeprefix(f"{__name__}.").partition(".")
        try:
            folder = _folder(folder_name)
            if rest.startswith(_FILE):
                file = folder / os.fsdecode(bytes.fromhex(rest.removeprefix(_FILE)))
                return spec_from_file_location(
                    fullname, file, loader=_Loader(fullname, os.fspath(file))
                )
        except ValueError:
            return None
        if not rest:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [os.fspath(folder)]
            return spec
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None and type(found.loader) is SourceFileLoader:
            found.loader = _Loader(fullname, found.loader.path)
        return found


# Before the one of files, which would load them without their neighbours.
sys.meta_path.insert(0, _Finder())
