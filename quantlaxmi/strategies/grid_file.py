"""Grids of settings that a user names: a TOML file, or settings made in Python.

A file gives values by setting, of which every combination is a setting of the strategy, and single
settings besides::

    strategy = "basis_capture"

    [values]
    threshold_bps = [3, 4, 5]
    exit_threshold_bps = [1, 2, 2.5]

    [[config]]
    threshold_bps = 8
    hedged = false

What is not named has the strategy's default.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError
from quantlaxmi.settings import Field, Place, fields_of, kinds, read_settings
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["MAX_SETTINGS", "Grid", "RefusedSetting"]

#: Most settings that are searched.
MAX_SETTINGS: Final = 10_000
_HASH_TAG: Final = b"quantlaxmi.grid.v1\0"
_KEYS: Final = ("strategy", "values", "config")
_EXPECTED: Final = "a grid of settings"


@dataclass(frozen=True, slots=True)
class RefusedSetting:
    """A setting of a grid that fails the strategy's own check.

    Attributes
    ----------
    values : str
        What the grid names of it, ``"threshold_bps=1 exit_threshold_bps=2"``.
    reason : str
        What the check says.
    """

    values: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Settings of one strategy, of which one is chosen.

    Attributes
    ----------
    strategy_id : str
    configs : tuple of StrategyConfig
        Each once, in the grid's order: the last value of a file varies fastest, single settings
        follow.
    refused : tuple of RefusedSetting
        Those that fail their own check; they are not searched.

    Examples
    --------
    >>> from quantlaxmi.strategies.basis_capture import BasisCapture
    >>> text = 'strategy = "basis_capture"\\n[values]\\nthreshold_bps = [3, 4]\\nhedged = [true]\\n'
    >>> _ = open("grid.toml", "w").write(text)
    >>> grid = Grid.load("grid.toml", BasisCapture)
    >>> [config.as_texts()["threshold_bps"] for config in grid.configs]
    ['3', '4']
    """

    strategy_id: str
    configs: tuple[StrategyConfig, ...]
    refused: tuple[RefusedSetting, ...] = ()

    @classmethod
    def load(cls, path: str | Path, strategy: type[Strategy]) -> Self:
        """Read a grid of a strategy from a TOML file.

        Parameters
        ----------
        path : str or Path
            At most one MiB.
        strategy : type of Strategy
            The class whose settings they are.

        Raises
        ------
        ConfigError
            The file cannot be read, is of another strategy, names a setting that the strategy does
            not have or a value that it cannot have, has no setting, or over 10,000; one line with
            file and key.
        """
        return cls.from_mapping(read_settings(path, _EXPECTED), strategy, path)

    @classmethod
    def from_mapping(
        cls, values: Mapping[str, Any], strategy: type[Strategy], source: object = "grid"
    ) -> Self:
        """Make a grid from what a TOML file holds.

        Parameters
        ----------
        values : mapping of str to object
        strategy : type of Strategy
        source : object
            What errors name as the place the values came from.

        Raises
        ------
        ConfigError
            As `load`.
        """
        at = Place(source)
        for key in values:
            if key not in _KEYS:
                raise at.unknown(key, _KEYS)
        named = values.get("strategy")
        if named != strategy.strategy_id:
            if named is None:
                raise (at / "strategy").fail(f"is missing, expected {strategy.strategy_id!r}")
            raise (at / "strategy").was(named, f"{strategy.strategy_id!r}, the strategy that runs")
        fields = {field.name: field for field in fields_of(strategy.Config)}
        lists = _lists(values.get("values", {}), fields, at / "values")
        singles = _singles(values.get("config", []), fields, at / "config")
        n = (math.prod(map(len, lists.values())) if lists else 0) + len(singles)
        if not n:
            raise at.fail("has no setting, expected values of settings in [values] or [[config]]")
        if n > MAX_SETTINGS:
            raise at.fail(f"has {counted(n, 'setting[s]')}, expected at most {MAX_SETTINGS:,}")
        products = (
            dict(zip(lists, chosen, strict=True)) for chosen in itertools.product(*lists.values())
        )
        every = itertools.chain(products if lists else (), singles)
        return cls._checked(strategy, every, at)

    @classmethod
    def _checked(cls, strategy: type[Strategy], every: Iterable[dict[str, Any]], at: Place) -> Self:
        found: dict[bytes, StrategyConfig] = {}
        refused: list[RefusedSetting] = []
        for values in every:
            try:
                config = strategy.Config(**values)
            except ConfigError as error:
                reason = f"{error.place}: {error.problem}" if error.place else error.problem
                refused.append(RefusedSetting(_text(values), reason))
                continue
            found.setdefault(config.config_hash, config)
        if not found:
            raise at.fail(
                f"has {counted(len(refused), 'setting[s]')}, none of which the strategy takes: "
                f"{refused[0].values}: {refused[0].reason}"
            )
        return cls(strategy.strategy_id, tuple(found.values()), tuple(refused))

    @classmethod
    def of(cls, strategy_id: str, configs: Iterable[StrategyConfig]) -> Self:
        """A grid of settings that were made in Python.

        Parameters
        ----------
        strategy_id : str
        configs : iterable of StrategyConfig

        Raises
        ------
        ConfigError
            There is none, one is no settings, they are of two classes, or there are over 10,000.
        """
        at = Place("grid")
        found: dict[bytes, StrategyConfig] = {}
        kind: type[StrategyConfig] | None = None
        for k, config in enumerate(configs):
            kind = kind or type(config)
            if not isinstance(config, StrategyConfig) or type(config) is not kind:
                expected = "settings of the strategy" if kind is None else kind.__name__
                raise at.row(k).was(config, expected)
            found.setdefault(config.config_hash, config)
            if len(found) > MAX_SETTINGS:
                raise at.fail(f"has over {MAX_SETTINGS:,} settings")
        if not found:
            raise at.fail("has no setting")
        return cls(strategy_id, tuple(found.values()))

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Hashes of the settings, sorted."""
        return tuple(sorted(config.config_hash for config in self.configs))

    @property
    def grid_hash(self) -> str:
        """SHA-256 of the sorted hashes of the settings, hexadecimal: order does not matter."""
        return hashlib.sha256(_HASH_TAG + b"".join(self.hashes)).hexdigest()

    def including(self, config: StrategyConfig) -> Grid:
        """The grid with a setting added, where it does not have it."""
        if config.config_hash in self.hashes:
            return self
        return replace(self, configs=(*self.configs, config))

    def describe(self) -> dict[str, Any]:
        """What a report holds of it: `from_description` makes the same grid of it."""
        return {
            "strategy": self.strategy_id,
            "settings": [config.as_texts() for config in self.configs],
            "refused": [{"values": one.values, "reason": one.reason} for one in self.refused],
        }

    @classmethod
    def from_description(cls, described: Mapping[str, Any], strategy: type[Strategy]) -> Self:
        """The grid that a report describes.

        Parameters
        ----------
        described : mapping
            As `describe` gives it.
        strategy : type of Strategy

        Raises
        ------
        ConfigError
            It describes no grid of this strategy.
        """
        at = Place("grid")
        if not isinstance(described, Mapping) or set(described) != {
            "strategy",
            "settings",
            "refused",
        }:
            raise at.was(described, "strategy, settings and refused")
        if described["strategy"] != strategy.strategy_id:
            raise (at / "strategy").was(described["strategy"], repr(strategy.strategy_id))
        listed, names = described["settings"], {"values", "reason"}
        if not isinstance(listed, list) or not 0 < len(listed) <= MAX_SETTINGS + 1:
            raise (at / "settings").was(listed, f"a list of 1 to {MAX_SETTINGS:,} settings")
        fields = {field.name: field for field in fields_of(strategy.Config)}
        configs = []
        for k, texts in enumerate(listed):
            place = (at / "settings").row(k)
            if not isinstance(texts, Mapping) or not all(
                isinstance(text, str) for text in texts.values()
            ):
                raise place.was(texts, "texts by setting")
            values = {name: _from_recorded(fields.get(name), text) for name, text in texts.items()}
            configs.append(strategy.Config.from_mapping(values, "grid", place.key))
        said = described["refused"]
        if not isinstance(said, list) or len(said) > MAX_SETTINGS:
            raise (at / "refused").was(said, "a list")
        for k, one in enumerate(said):
            if (
                not isinstance(one, Mapping)
                or set(one) != names
                or not all(isinstance(text, str) for text in one.values())
            ):
                raise (at / "refused").row(k).was(one, "values and reason")
        refused = tuple(RefusedSetting(one["values"], one["reason"]) for one in said)
        return cls(strategy.strategy_id, tuple(configs), refused)


def _value(field: Field, value: Any, at: Place) -> Any:
    """A value of a setting, as a file gave it; TOML has no null, so ``"none"`` says it."""
    if field.optional and type(value) is str and value.strip().lower() == "none":
        return None
    return field.read_foreign(value, at)


def _from_recorded(field: Field | None, text: str) -> Any:
    """A value from the text that `StrategyConfig.as_texts` gives of it."""
    if field is None:
        return text  # an unknown name, which is told as one
    if field.optional and text == "None":
        return None
    if isinstance(field.kind, kinds.Flag):
        return {"true": True, "false": False}.get(text, text)
    if isinstance(field.kind, kinds.Whole) and re.fullmatch(r"-?[0-9]{1,19}", text):
        return int(text)
    return text


def _lists(given: Any, fields: Mapping[str, Field], at: Place) -> dict[str, list[Any]]:
    """Values by setting."""
    if not isinstance(given, Mapping):
        raise at.was(given, "a table")
    found: dict[str, list[Any]] = {}
    for name, values in given.items():
        if name not in fields:
            raise at.unknown(name, fields)
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_SETTINGS:
            raise (at / name).was(values, f"a list of 1 to {MAX_SETTINGS:,} values")
        place = at / name
        found[name] = [_value(fields[name], v, place.row(k)) for k, v in enumerate(values)]
    return found


def _singles(given: Any, fields: Mapping[str, Field], at: Place) -> list[dict[str, Any]]:
    """Settings that are named one by one."""
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise at.was(given, "tables, [[config]]")
    if len(given) > MAX_SETTINGS:
        raise at.fail(f"has {counted(len(given), 'setting[s]')}, expected at most {MAX_SETTINGS:,}")
    return [dict(_single(one, fields, at.row(k))) for k, one in enumerate(given)]


def _single(
    given: Mapping[str, Any], fields: Mapping[str, Field], at: Place
) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if name not in fields:
            raise at.unknown(name, fields)
        yield name, _value(fields[name], value, at / name)


def _text(values: Mapping[str, Any]) -> str:
    """Settings as ``--set`` reads them."""
    shown = {
        name: value.to_text() if hasattr(value, "to_text") else str(value)
        for name, value in values.items()
    }
    words = (f"{k}={v.lower() if v in ('True', 'False') else v}" for k, v in shown.items())
    return " ".join(words)[:400]
