"""Finds strategies by name: the package's own, installed entry points, and ``path.py:Class``."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, TypeVar

from quantlaxmi.errors import InputError, StrategyError
from quantlaxmi.files import open_regular
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.strategies.user_files import load_module, plain_names

#: Entry-point group other packages name their strategies in.
GROUP: Final = "quantlaxmi.strategies"
#: The package's own strategies and where they are; loaded when first asked for.
BUNDLED: Final[dict[str, str]] = {
    "basis_capture": "quantlaxmi.strategies.basis_capture:BasisCapture",
    "calendar_carry": "quantlaxmi.strategies.calendar_carry:CalendarCarry",
}
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
StrategyClass = TypeVar("StrategyClass", bound=type[Strategy])


class StrategyRegistry:
    """Strategies by ``strategy_id``.

    Parameters
    ----------
    installed : bool
        Include what other installed packages offer under the entry-point group
        ``quantlaxmi.strategies``; nothing of theirs is imported before it is asked for.

    Examples
    --------
    >>> StrategyRegistry(installed=False).list()
    ['basis_capture', 'calendar_carry']
    """

    def __init__(self, *, installed: bool = True) -> None:
        self._classes: dict[str, type[Strategy]] = {}
        self._points: dict[str, EntryPoint] = {
            name: EntryPoint(name, value, GROUP) for name, value in BUNDLED.items()
        }
        for point in entry_points(group=GROUP) if installed else ():
            if point.name in self._points and self._points[point.name].value != point.value:
                raise StrategyError(
                    f"strategy {point.name!r} is offered twice: by "
                    f"{self._points[point.name].value} and {point.value}"
                )
            self._points[point.name] = point

    def register(self, strategy: StrategyClass) -> StrategyClass:
        """Add a strategy class under its ``strategy_id``; usable as a decorator.

        Parameters
        ----------
        strategy : type of Strategy
            A class that can be made from its settings.

        Returns
        -------
        type of Strategy
            The class that was given.

        Raises
        ------
        StrategyError
            If it is no strategy class, its id is not a name, or another class has that id.
        """
        check_class(strategy)
        name = strategy.strategy_id
        if name in self._points or self._classes.get(name, strategy) is not strategy:
            raise StrategyError(f"strategy {name!r} is registered already")
        self._classes[name] = strategy
        return strategy

    def get(self, name: str) -> type[Strategy]:
        """Return a strategy class by its name, or from a file.

        Parameters
        ----------
        name : str
            A ``strategy_id``, or ``path.py:Class``.

        Returns
        -------
        type of Strategy

        Raises
        ------
        StrategyError
            If there is none, or loading it fails.
        """
        if name in self._classes:
            return self._classes[name]
        if name in self._points:
            self._classes[name] = _load_point(self._points[name])
            return self._classes[name]
        path, colon, member = name.rpartition(":")
        if (colon and path.endswith(".py")) or name.endswith(".py"):
            return load_file(Path(path if colon else name), member if colon else "")
        near = difflib.get_close_matches(name, self.list(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(self.list())}"
        raise StrategyError(f"unknown strategy {name[:80]!r}; {hint}, or path.py:Class")

    def list(self) -> list[str]:
        """Names of all strategies, sorted; none is loaded for it."""
        return sorted({*self._points, *self._classes})

    def create(
        self,
        name: str,
        config: str | Path | None = None,
        sets: Mapping[str, Any] | Iterable[str] = (),
    ) -> Strategy:
        """Make a strategy with settings from a TOML file and ``key=value`` texts or values.

        Parameters
        ----------
        name : str
            As for `get`.
        config : path, optional
        sets : mapping of str to object, or iterable of str
            As for `StrategyConfig.load`.

        Raises
        ------
        StrategyError, ConfigError
        """
        found = self.get(name)
        return found.made_with(found.Config.load(config, sets))


def check_class(strategy: object) -> None:
    """Check that something is a concrete strategy class with a usable id.

    Raises
    ------
    StrategyError
    """
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise StrategyError(f"{strategy!r} is not a subclass of quantlaxmi's Strategy")
    if inspect.isabstract(strategy):
        missing = ", ".join(sorted(strategy.__abstractmethods__))
        raise StrategyError(f"strategy {strategy.__name__} does not define {missing}")
    name = getattr(strategy, "strategy_id", None)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise StrategyError(
            f"strategy {strategy.__name__}: strategy_id was {name!r}, must be a name of letters, "
            "digits and _ . - (at most 64)"
        )


def load_file(path: Path, member: str) -> type[Strategy]:
    """Load a strategy class from a Python file; the file's code is run.

    The file may import others of its folder (`quantlaxmi.strategies.user_files`).

    Parameters
    ----------
    path : Path
    member : str
        Name of the class; may be empty if the file defines one strategy only.

    Raises
    ------
    StrategyError
        If there is no such file or class, or the file's code fails.
    """
    try:
        open_regular(path, InputError, "a strategy's Python file").close()
    except InputError as error:
        raise StrategyError(str(error)) from None
    full = path.resolve()
    if full.suffix != ".py":  # what a link points to
        raise StrategyError(f"{path}: is not a Python file")
    try:
        module = load_module(full)
    except Exception as error:
        raise StrategyError(f"{path}: {type(error).__name__}: {_line(error)}") from error
    offered = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    }
    if not member and len(offered) == 1:
        member = next(iter(offered))
    if not member or not hasattr(module, member):
        raise StrategyError(
            f"{path}: has no class {member!r}; it has {', '.join(offered) or 'no strategy'}"
            if member
            else f"{path}: name the strategy as {path}:Class; it has {', '.join(offered) or 'none'}"
        )
    found = getattr(module, member)
    try:
        check_class(found)
    except StrategyError as error:
        raise StrategyError(f"{path}: {error}") from None
    return found  # type: ignore[no-any-return]


def _load_point(point: EntryPoint) -> type[Strategy]:
    try:
        found = point.load()
    except Exception as error:
        raise StrategyError(
            f"strategy {point.name!r} at {point.value}: {type(error).__name__}: {_line(error)}"
        ) from error
    check_class(found)
    if found.strategy_id != point.name:
        raise StrategyError(
            f"strategy {point.name!r} at {point.value} calls itself {found.strategy_id!r}"
        )
    return found  # type: ignore[no-any-return]


def _line(error: Exception) -> str:
    return " ".join(plain_names(str(error)).split())[:300]
