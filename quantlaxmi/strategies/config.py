"""Typed, frozen strategy settings, with exact decimals, named errors and a hash of every value."""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
import shlex
import struct
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from quantlaxmi.errors import ConfigError, FixedPointError, shown
from quantlaxmi.files import read_toml
from quantlaxmi.fixed import FixedPoint

#: A settings file is a page of text; anything longer is not one.
MAX_CONFIG_BYTES: Final = 1 << 20
_HASH_TAG: Final = b"quantlaxmi.config.v1\0"
_KINDS: Final[dict[type, tuple[str, bytes]]] = {
    bool: ("true or false", b"b"),
    int: ("a whole number", b"i"),
    FixedPoint: ("a decimal number", b"d"),
    str: ("a text", b"s"),
}


def fixed_value(value: FixedPoint | int) -> Fraction:
    """Return the exact value of a fixed-point number or integer."""
    if isinstance(value, int):
        return Fraction(value)
    return Fraction(value.mantissa) * Fraction(10) ** value.exponent


@dataclass(frozen=True, slots=True)
class Bounds:
    """Inclusive limits of a numeric field, or the texts a text field may take.

    Parameters
    ----------
    ge, le : int, str or None
        Smallest and largest value; a str is an exact decimal.
    choices : tuple of str
        Allowed texts; empty for any.
    """

    ge: int | str | None = None
    le: int | str | None = None
    choices: tuple[str, ...] = ()

    def problem(self, value: Any) -> str | None:
        """Say what bound ``value`` breaks, or None."""
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        if self.ge is not None and fixed_value(value) < Fraction(self.ge):
            return f"must be at least {self.ge}"
        if self.le is not None and fixed_value(value) > Fraction(self.le):
            return f"must be at most {self.le}"
        return None


@dataclass(frozen=True, slots=True)
class Filter:
    """Marks a field that can only keep the strategy from trading, and says how it is switched off.

    Parameters
    ----------
    off : bool, int, str or None
        The value at which it does nothing; a str is an exact decimal where the field is one.
    limits : str
        ``"market"`` for a filter on what the market shows (spread, age, displayed size),
        ``"rate"`` for a limiter on the strategy's own activity (cooldown, trades an hour).
    """

    off: bool | int | str | None = 0
    limits: Literal["market", "rate"] = "market"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: type
    optional: bool
    bounds: Bounds
    required: bool
    filter: Filter | None


@functools.cache
def _fields(cls: type[StrategyConfig]) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    made = []
    for info in msgspec.structs.fields(cls):
        if hasattr(StrategyConfig, info.name):
            raise ConfigError(
                cls.__name__, "is a name that settings use themselves, choose another", info.name
            )
        hint, bounds, switch = hints[info.name], Bounds(), None
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            bounds = next((e for e in extras if isinstance(e, Bounds)), bounds)
            switch = next((e for e in extras if isinstance(e, Filter)), None)
        optional = False
        if get_origin(hint) in (Union, types.UnionType):
            options = [a for a in get_args(hint) if a is not type(None)]
            optional = len(options) < len(get_args(hint))
            hint = options[0] if len(options) == 1 else None
        if hint not in _KINDS:
            raise ConfigError(
                cls.__name__,
                "must be bool, int, str or FixedPoint, or one of them | None",
                f"type of field {info.name}",
            )
        field = _Field(info.name, hint, optional, bounds, info.required, switch)
        if switch is not None:
            try:
                _convert(field, switch.off)
            except ValueError as error:
                raise ConfigError(
                    cls.__name__, f"was {_shown(switch.off)}, {error}", f"off of field {info.name}"
                ) from None
        made.append(field)
    return tuple(made)


class _Number(str):
    """The text of a TOML number with a fraction: a decimal, but no text."""


def field_bounds(cls: type[StrategyConfig], name: str) -> tuple[Fraction | None, Fraction | None]:
    """Return the smallest and largest value of a field, None where there is no limit."""
    bounds = next(f.bounds for f in _fields(cls) if f.name == name)
    low, high = (None if b is None else Fraction(b) for b in (bounds.ge, bounds.le))
    return low, high


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:60]) if type(value) is str else value[:60]
    return value.to_text() if isinstance(value, FixedPoint) else shown(value, 60)


def _convert(field: _Field, value: Any) -> Any:
    """Make a value of the field's type, exactly, or raise ValueError with the reason."""
    if value is None and field.optional:
        return None
    kind, result = field.kind, value
    if kind is FixedPoint and not isinstance(value, bool | float):
        if isinstance(value, int | Decimal):
            value = str(value)  # of Decimal: never written out to its exponent's many zeros
        if isinstance(value, str):
            try:
                result = FixedPoint.from_text(value.strip())
            except FixedPointError as error:
                raise ValueError(f"must be a decimal number ({error})") from None
    if kind is FixedPoint and isinstance(value, float):
        raise ValueError(f"must be an exact decimal: write '{value!r}' as text, not as a float")
    if type(result) is not kind:
        raise ValueError(f"must be {_KINDS[kind][0]}")
    if problem := field.bounds.problem(result):
        raise ValueError(problem)
    return result


def _from_text(field: _Field, text: str) -> Any:
    """Read the text of ``--set key=value`` by the field's type."""
    text = text.strip()
    if field.optional and text.lower() == "none":
        return None
    if field.kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if field.kind is int and re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return int(text)
    return text


def _canonical(value: object) -> bytes:
    """Self-delimiting bytes of one value; decimals equal in value give equal bytes."""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b\1" if value else b"b\0"
    if isinstance(value, FixedPoint):
        mantissa, exponent = value.mantissa, value.exponent
        while mantissa and mantissa % 10 == 0:
            mantissa, exponent = mantissa // 10, exponent + 1
        return b"d" + struct.pack("<qq", mantissa, exponent if mantissa else 0)
    tag, raw = (b"i", str(value)) if isinstance(value, int) else (b"s", str(value))
    encoded = raw.encode()
    return tag + struct.pack("<I", len(encoded)) + encoded


class StrategyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of strategy settings: subclass it with ``frozen=True, kw_only=True`` and typed fields.

    Field types are ``bool``, ``int``, ``str``, ``FixedPoint`` and those ``| None``; limits are
    given by ``Annotated[type, Bounds(...)]``. Values are checked whenever an object is made;
    decimals may be given as FixedPoint, int or text. A subclass adds rules over several fields in
    ``check``.

    Examples
    --------
    >>> class Config(StrategyConfig, frozen=True, kw_only=True):
    ...     threshold_bps: Annotated[FixedPoint, Bounds(ge=0)] = FixedPoint(5, 0)
    >>> Config.from_values({"threshold_bps": "4.5"}).as_texts()
    {'threshold_bps': '4.5'}
    """

    #: Domain name within the hash, so that two config classes of equal fields may share a hash.
    encoding: ClassVar[str] = "strategy"

    def __post_init__(self) -> None:
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            try:
                converted = _convert(field, value)
            except ValueError as error:
                raise ConfigError(
                    type(self).__name__, f"was {_shown(value)}, {error}", field.name
                ) from None
            if converted is not value:
                msgspec.structs.force_setattr(self, field.name, converted)
        self.check()

    def check(self) -> None:
        """Hold rules over several fields; raise by ``self.refuse(field, reason)``."""

    def refuse(self, name: str, reason: str) -> ConfigError:
        """Return the error to raise for field ``name``: its value is added to the reason."""
        return ConfigError(
            type(self).__name__, f"was {_shown(getattr(self, name))}, {reason}", name
        )

    @classmethod
    def from_values(cls, values: Mapping[str, Any], source: object = None) -> Self:
        """Make settings from values by name.

        Parameters
        ----------
        values : mapping of str to bool, int, str, Decimal or FixedPoint
        source : object
            What errors name as the place the values came from; the class by default.

        Raises
        ------
        ConfigError
            For an unknown or missing field, a wrong type or a value out of bounds.
        """
        where = cls.__name__ if source is None else source
        known = {f.name for f in _fields(cls)}
        for key in values:
            if key not in known:
                raise _unknown(where, key, known)
        for field in _fields(cls):
            if field.required and field.name not in values:
                raise ConfigError(where, f"is missing, must be {_KINDS[field.kind][0]}", field.name)
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(where, error.problem, error.place) from None

    @classmethod
    def load(cls, path: str | Path | None = None, sets: Iterable[str] = ()) -> Self:
        """Make settings from a TOML file, then from ``key=value`` texts that go over it.

        Parameters
        ----------
        path : path or None
            TOML with one key a field; numbers are read as exact decimals.
        sets : iterable of str
            Each one ``key=value`` or several in one quoted text; the last one of a key holds.

        Raises
        ------
        ConfigError
        """
        values: dict[str, Any] = {}
        fields = {f.name: f for f in _fields(cls)}
        if path is not None:
            values = read_toml(
                path,
                MAX_CONFIG_BYTES,
                expected="a strategy's settings",
                parse_float=lambda text: _Number(text.replace("_", "")),
            )
            cls.from_values(values, path)  # a fault of the file is told as the file's
        given = {}
        for key, text in split_sets(sets):
            if key not in fields:
                raise _unknown("--set", key, set(fields))
            given[key] = _from_text(fields[key], text)
        return cls.from_values({**values, **given}, "--set" if given else path)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        values = {f.name: getattr(self, f.name) for f in _fields(type(self))}
        return self.from_values({**values, **changes})

    def filters(self) -> dict[str, Filter]:
        """Fields marked as filters that are on now, in order of declaration."""
        return {
            field.name: field.filter
            for field in _fields(type(self))
            if field.filter is not None
            and _canonical(_convert(field, field.filter.off))
            != _canonical(getattr(self, field.name))
        }

    def without(self, name: str) -> Self:
        """Return a copy with one filter switched off.

        Raises
        ------
        ConfigError
            If the field is no filter, or the other settings do not allow it to be off.
        """
        field = next((f for f in _fields(type(self)) if f.name == name), None)
        if field is None or field.filter is None:
            raise ConfigError(type(self).__name__, "is not a setting marked as a filter", name)
        return self.replace(**{name: field.filter.off})

    def as_texts(self) -> dict[str, str]:
        """Every field's effective value as text, in order of declaration, as ``--set`` reads it."""
        texts = {}
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, FixedPoint):
                texts[field.name] = value.to_text()
            else:
                texts[field.name] = str(value).lower() if field.kind is bool else str(value)
        return texts

    def canonical_bytes(self) -> bytes:
        """Every field's name and effective value, sorted by name, length-prefixed.

        Decimals are encoded by value (5 and 5.0 agree); fields left at their default are encoded
        like any other, so a changed default changes the hash.
        """
        parts = [_HASH_TAG, _canonical(self.encoding)]
        for name in sorted(f.name for f in _fields(type(self))):
            parts += [_canonical(name), _canonical(getattr(self, name))]
        return b"".join(parts)

    @property
    def config_hash(self) -> bytes:
        """SHA-256 of `canonical_bytes`, 32 bytes."""
        return hashlib.sha256(self.canonical_bytes()).digest()


def split_sets(sets: Iterable[str]) -> list[tuple[str, str]]:
    """Split ``key=value`` texts, repeated or several in one text, into pairs.

    Raises
    ------
    ConfigError
        If a text has no key or no ``=``.
    """
    pairs = []
    for text in sets:
        try:
            words: Sequence[str] = shlex.split(text)
        except ValueError as error:
            raise ConfigError("--set", f"was {text[:60]!r}, {error}") from None
        for word in words or [text]:
            key, equals, value = word.partition("=")
            if not equals or not key.strip():
                raise ConfigError("--set", f"was {word[:60]!r}, must be key=value")
            pairs.append((key.strip(), value))
    return pairs


def _unknown(source: object, key: str, known: Iterable[str]) -> ConfigError:
    names = sorted(known)
    near = difflib.get_close_matches(str(key), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(names)}"
    return ConfigError(source, f"unknown setting; {hint}", str(key)[:60])
