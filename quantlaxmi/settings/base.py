"""The base of every settings class: typed fields, read from TOML or a mapping, checked, written."""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from quantlaxmi.errors import ConfigError
from quantlaxmi.files import read_toml
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import kinds
from quantlaxmi.settings.kinds import Bounds, Chars, Items, Kind
from quantlaxmi.settings.place import Place, TomlNumber, told

#: A settings file is a page of text; anything longer is not one.
MAX_SETTINGS_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Others:
    """Marks the dict that takes every table whose name is none of the other fields."""


@dataclass(frozen=True, slots=True)
class Reads:
    """Marks a field that a function reads.

    Parameters
    ----------
    function : callable
        ``(value, place) -> value of the field``; raises what ``place.was`` or ``place.fail`` give.
    expected : str
        What it expects, for errors.
    writes : callable
        Makes the value that JSON holds.
    """

    function: Callable[[Any, Place], Any]
    expected: str
    writes: Callable[[Any], Any] = str


@dataclass(frozen=True, slots=True)
class Key:
    """Names the key of a file where it is another than the field's: one without a unit."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field.

    Attributes
    ----------
    name, key : str
        In Python and in files.
    kind : Kind
    optional, required : bool
        It may be None; it has no default.
    markers : tuple
        The metadata of its ``Annotated``.
    """

    name: str
    key: str
    kind: Kind
    optional: bool
    required: bool
    markers: tuple[Any, ...]

    def read(self, value: Any, at: Place) -> Any:
        """Make the value, given in Python or read before."""
        if value is None and self.optional:
            return None
        return self.kind.read(value, at)

    def read_foreign(self, value: Any, at: Place) -> Any:
        """Make the value from what a file gave."""
        if isinstance(self.kind, kinds.Made) and value is not None:
            return self.kind.function(value, at)
        return self.read(value, at)

    def plain(self, value: Any) -> Any:
        """Value as JSON holds it."""
        return None if value is None else self.kind.plain(value)


@dataclass(frozen=True, slots=True)
class Table:
    """Kind of a field that is settings itself."""

    cls: type[Settings]
    expected: str = "a table"

    def read(self, value: Any, at: Place) -> Settings:
        return value if isinstance(value, self.cls) else self.cls._read(value, at)

    def plain(self, value: Settings) -> dict[str, Any]:
        return value.to_json()


class SettingsMeta(msgspec.StructMeta):
    """Class of settings classes: a call with a name that is no field is told in one sentence."""

    def __call__(cls, *values: Any, **fields: Any) -> Any:
        names = cls.__struct_fields__
        if values:
            raise ConfigError(
                cls.__name__, f"was given {told(values[0])} without a name, expected name=value"
            )
        for name in fields:
            if name not in names:
                raise Place(cls.__name__).unknown(name, names)
        missing = next((f for f in fields_of(cls) if f.required and f.name not in fields), None)
        if missing is not None:
            at = Place(cls.__name__) / missing.name
            raise at.fail(f"is missing, expected {missing.kind.expected}")
        return super().__call__(**fields)


class Settings(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    metaclass=SettingsMeta,
):
    """Base of settings: subclass it with ``frozen=True, kw_only=True`` and one line a field.

    A field is ``bool``, ``int``, ``str``, ``Literal`` texts, a ``StrEnum``, ``FixedPoint``,
    ``Decimal``, another settings class, ``tuple[kind, ...]``, ``dict[str, kind]``, or one of
    them ``| None``. Limits follow the type: ``Annotated[type, Bounds(...)]``, `Chars` for
    texts, `Items` for tuples. Values are checked whenever an object is made; decimals may be
    given as text, int or the class, never as float. A subclass adds rules over several fields in
    ``check``.

    Examples
    --------
    >>> class Sizes(Settings, frozen=True, kw_only=True):
    ...     most: Annotated[FixedPoint, Bounds(ge=0)] = FixedPoint(5, 0)
    >>> Sizes.from_mapping({"most": "4.50"}, "limits.toml").to_json()
    {'most': '4.5'}
    """

    #: What a file of them is, for errors, and the longest that is read.
    file_kind: ClassVar[str] = "settings"
    max_file_bytes: ClassVar[int] = MAX_SETTINGS_BYTES

    def __post_init__(self) -> None:
        at = Place(type(self).__name__)
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            found = field.read(value, at / field.name)
            if found is not value:
                msgspec.structs.force_setattr(self, field.name, found)
        self.check()

    def check(self) -> None:
        """Check rules over several fields; raise by ``self.refuse(field, reason)``."""

    def refuse(self, name: str, reason: str) -> ConfigError:
        """Return the error to raise for field ``name``: its value is added to the reason."""
        return (Place(type(self).__name__) / name).fail(
            f"was {told(getattr(self, name))}, {reason}"
        )

    def lacks(self, name: str, because: str) -> ConfigError:
        """Return the error to raise where another setting asks for field ``name``, and which."""
        kind = next(f.kind for f in fields_of(type(self)) if f.name == name)
        at = Place(type(self).__name__) / name
        return at.fail(f"is missing, expected {kind.expected}: {because}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: object = None, key: str = "") -> Self:
        """Make settings from values by name, as TOML or JSON hold them.

        Parameters
        ----------
        values : mapping of str to object
        source : object
            What errors name as the place the values came from; the class by default.
        key : str
            Path of the table within the source, where it is not the whole.

        Raises
        ------
        ConfigError
            For an unknown or missing field, a wrong type or a value out of bounds; one line with
            source and full path of the key.
        """
        return cls._read(values, Place(cls.__name__ if source is None else source, key))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a TOML file; a key that it does not name keeps its default.

        Raises
        ------
        ConfigError
            The file cannot be read, is longer than one MiB or no TOML; or as `from_mapping`.
        """
        values = read_settings(path, cls.file_kind, cls.max_file_bytes)
        return cls._read(values, Place(path))

    def to_json(self) -> dict[str, Any]:
        """Every field's effective value; decimals as text, equal for equal values."""
        return {f.key: f.plain(getattr(self, f.name)) for f in fields_of(type(self))}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        at = Place(type(self).__name__)
        names = self.__struct_fields__
        for name in changes:
            if name not in names:
                raise at.unknown(name, names)
        return type(self)(**{**{name: getattr(self, name) for name in names}, **changes})

    @classmethod
    def _read(cls, values: object, at: Place) -> Self:
        if not isinstance(values, Mapping):
            raise at.was(values, "a table")
        others = next((f for f in fields_of(cls) if Others() in f.markers), None)
        fields = {f.key: f for f in fields_of(cls) if f is not others}
        rest: dict[str, Any] = {}
        for key, value in values.items():
            if key not in fields:
                if others is None or not isinstance(value, Mapping):
                    raise at.unknown(key, fields)
                rest[key] = value
        found: dict[str, Any] = {}
        for key, field in fields.items():
            if key in values:
                found[field.name] = field.read_foreign(values[key], at / key)
        for key, field in fields.items():
            if field.required and key not in values:
                raise (at / key).fail(f"is missing, expected {field.kind.expected}")
        if others is not None:
            found[others.name] = others.read_foreign(rest, at)
        try:
            return cls(**found)
        except ConfigError as error:  # rules over several fields, which do not know the file
            place = f"{at.key}.{error.place}" if at.key and error.place else error.place or at.key
            raise ConfigError(at.source, error.problem, place) from None


def read_settings(
    path: str | Path, file_kind: str, limit: int = MAX_SETTINGS_BYTES
) -> dict[str, Any]:
    """Content of a TOML file of settings, numbers with a fraction as their text.

    Raises
    ------
    ConfigError
        It cannot be read, is longer than ``limit`` bytes, or is no TOML.
    """
    return read_toml(
        path,
        limit,
        expected=file_kind,
        parse_float=lambda text: TomlNumber(text.replace("_", "")),
    )


@functools.cache
def fields_of(cls: type[Settings]) -> tuple[Field, ...]:
    """Return the declared fields of a settings class, in order.

    Raises
    ------
    ConfigError
        A field has a type that no setting can have, or a name that settings use themselves.
    """
    hints = get_type_hints(cls, include_extras=True)
    bases = [b for b in cls.__mro__ if issubclass(b, Settings) and not b.__struct_fields__]
    made = []
    for info in msgspec.structs.fields(cls):
        if any(hasattr(base, info.name) for base in bases):
            raise ConfigError(
                cls.__name__, "is a name that settings use themselves, choose another", info.name
            )
        hint, markers = _split(hints[info.name])
        optional = False
        if get_origin(hint) in (Union, types.UnionType):
            options = [a for a in get_args(hint) if a is not type(None)]
            optional = len(options) < len(get_args(hint))
            if len(options) == 1:
                hint, more = _split(options[0])
                markers += more
        kind = _kind(hint, markers)
        key = next((m for m in markers if isinstance(m, Key)), Key(info.name))
        if kind is None:
            raise ConfigError(
                cls.__name__,
                "must be bool, int, str, FixedPoint, Decimal, settings, or tuples or dicts of them",
                f"type of field {info.name}",
            )
        made.append(Field(info.name, key.name, kind, optional, info.required, markers))
    return tuple(made)


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        hint, *markers = get_args(hint)
        return hint, tuple(markers)
    return hint, ()


def _kind(hint: Any, markers: tuple[Any, ...]) -> Kind | None:
    """Kind of a type, with the limits that follow it; None for a type it cannot be."""

    def marker(cls: type, default: Any) -> Any:
        return next((m for m in markers if isinstance(m, cls)), default)

    bounds = marker(Bounds, Bounds())
    reads = marker(Reads, None)
    if reads is not None and isinstance(hint, type):
        return kinds.Made(hint, reads.function, reads.expected, reads.writes)
    if hint is bool:
        return kinds.Flag()
    if hint is int:
        return kinds.Whole(bounds)
    if hint is FixedPoint:
        return kinds.Fixed(bounds)
    if hint is Decimal:
        return kinds.Exact(bounds)
    if hint is str:
        return (
            kinds.Choice(bounds.choices) if bounds.choices else kinds.Text(marker(Chars, Chars()))
        )
    return _compound(hint, markers, marker(Items, Items()))


def _compound(hint: Any, markers: tuple[Any, ...], items: Items) -> Kind | None:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal and all(isinstance(a, str) for a in arguments):
        return kinds.Choice(arguments)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return kinds.Choice(tuple(hint), hint)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return Table(hint)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        inner, own = _split(arguments[0])
        item = _kind(inner, (*own, *markers))
        return kinds.Several(item, items) if _is_item(item) else None
    if origin is dict and arguments[0] is str:
        inner, own = _split(arguments[1])
        item = _kind(inner, (*own, *markers))
        return kinds.ByName(item) if _is_item(item) else None
    return None


def _is_item(kind: Kind | None) -> TypeGuard[Kind]:
    """Whether lists and tables can hold it; functions read whole fields only."""
    return kind is not None and not isinstance(kind, kinds.Made)
