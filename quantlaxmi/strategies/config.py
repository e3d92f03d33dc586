"""A strategy's settings: a flat table of `Settings` with filters, ``--set`` and a hash."""

from __future__ import annotations

import functools
import hashlib
import re
import shlex
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import Bounds, Field, Place, Settings, fields_of, kinds, read_settings

__all__ = ["Bounds", "Filter", "StrategyConfig", "field_bounds", "split_sets"]

_HASH_TAG: Final = b"quantlaxmi.config.v1\0"
_FLAT: Final = (kinds.Flag, kinds.Whole, kinds.Fixed, kinds.Text, kinds.Choice)


@dataclass(frozen=True, slots=True)
class Filter:
    """Marks a setting that can only keep the strategy from trading, with the value that is off.

    Parameters
    ----------
    off : bool, int, str or None
        The value at which it does nothing; a str is an exact decimal where the field is one.
    limits : str
        ``"market"`` for a filter on what the market shows (spread, age, displayed size),
        ``"rate"`` for a limiter on the strategy's own activity (cooldown, trades an hour).

    Examples
    --------
    >>> Filter(off="0", limits="rate").limits
    'rate'
    """

    off: bool | int | str | None = 0
    limits: Literal["market", "rate"] = "market"


class StrategyConfig(Settings, frozen=True, kw_only=True):
    """Base of strategy settings: subclass it with ``frozen=True, kw_only=True`` and typed fields.

    Field types are ``bool``, ``int``, ``str``, ``Literal`` texts, ``FixedPoint`` and those
    ``| None``; limits are given by ``Annotated[type, Bounds(...)]``. Values are checked whenever an
    object is made; decimals may be given as FixedPoint, int or text. A subclass adds rules over
    several fields in ``check``.

    Examples
    --------
    >>> from typing import Annotated
    >>> from quantlaxmi.fixed import FixedPoint
    >>> class Config(StrategyConfig, frozen=True, kw_only=True):
    ...     threshold_bps: Annotated[FixedPoint, Bounds(ge=0)] = FixedPoint(5, 0)
    >>> Config.from_mapping({"threshold_bps": "4.5"}).as_texts()
    {'threshold_bps': '4.5'}
    """

    file_kind: ClassVar[str] = "a strategy's settings"
    #: Domain name within the hash, so that two config classes of equal fields may share a hash.
    encoding: ClassVar[str] = "strategy"

    def __post_init__(self) -> None:
        _check_declared(type(self))
        super().__post_init__()

    @classmethod
    def load(
        cls, path: str | Path | None = None, sets: Mapping[str, Any] | Iterable[str] = ()
    ) -> Self:
        """Make settings from a TOML file, then from ``key=value`` texts that go over it.

        Parameters
        ----------
        path : path or None
            TOML with one key a field; numbers are read as exact decimals.
        sets : mapping of str to object, or iterable of str
            Values by name, texts or of the field's type; or texts, each one ``key=value`` or
            several in one quoted text, of which the last one of a key holds.

        Raises
        ------
        ConfigError
        """
        values: dict[str, Any] = {}
        fields = {f.name: f for f in fields_of(cls)}
        if path is not None:
            values = read_settings(path, cls.file_kind)
            cls.from_mapping(values, path)  # a fault of the file is told as the file's
        given = {}
        for key, value in sets.items() if isinstance(sets, Mapping) else split_sets(sets):
            if key not in fields:
                raise Place("--set").unknown(key, fields)
            is_text = isinstance(value, str)
            given[key] = _from_text(fields[key], value) if is_text else value
        return cls.from_mapping({**values, **given}, "--set" if given else path)

    def filters(self) -> dict[str, Filter]:
        """Fields marked as filters that are on now, in order of declaration."""
        return {
            field.name: mark
            for field in fields_of(type(self))
            if (mark := _filter(field)) is not None
            and _canonical(_off(type(self), field, mark)) != _canonical(getattr(self, field.name))
        }

    def without(self, name: str) -> Self:
        """Return a copy with one filter switched off.

        Raises
        ------
        ConfigError
            If the field is no filter, or the other settings do not allow it to be off.
        """
        field = next((f for f in fields_of(type(self)) if f.name == name), None)
        mark = None if field is None else _filter(field)
        if mark is None:
            raise ConfigError(type(self).__name__, "is not a setting marked as a filter", name)
        return self.replace(**{name: mark.off})

    def as_texts(self) -> dict[str, str]:
        """Every field's effective value as text, in order of declaration, as ``--set`` reads it."""
        texts = {}
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, FixedPoint):
                texts[field.name] = value.to_text()
            else:
                texts[field.name] = str(value).lower() if isinstance(value, bool) else str(value)
        return texts

    def canonical_bytes(self) -> bytes:
        """Every field's name and effective value, sorted by name, length-prefixed.

        Decimals are encoded by value (5 and 5.0 agree); fields left at their default are encoded
        like any other, so a changed default changes the hash.
        """
        parts = [_HASH_TAG, _canonical(self.encoding)]
        for name, encoded in _encoded_names(type(self)):
            parts += [encoded, _canonical(getattr(self, name))]
        return b"".join(parts)

    @property
    def config_hash(self) -> bytes:
        """SHA-256 of `canonical_bytes`, 32 bytes."""
        return hashlib.sha256(self.canonical_bytes()).digest()


@functools.lru_cache(maxsize=64)
def _encoded_names(cls: type[StrategyConfig]) -> tuple[tuple[str, bytes], ...]:
    """Names of the fields, sorted, each with its canonical bytes."""
    return tuple((name, _canonical(name)) for name in sorted(f.name for f in fields_of(cls)))


def field_bounds(cls: type[StrategyConfig], name: str) -> tuple[Fraction | None, Fraction | None]:
    """Return the smallest and largest value of a field, None where there is no limit."""
    kind = next(f.kind for f in fields_of(cls) if f.name == name)
    bounds = kind.bounds if isinstance(kind, kinds.Whole | kinds.Fixed) else Bounds()
    low, high = (None if b is None else Fraction(b) for b in (bounds.ge, bounds.le))
    return low, high


def split_sets(sets: Iterable[str]) -> list[tuple[str, str]]:
    """Split ``key=value`` texts, repeated or several in one text, into pairs.

    Raises
    ------
    ConfigError
        If a text has no key or no ``=``.
    """
    pairs = []
    for text in [sets] if isinstance(sets, str) else sets:
        if not isinstance(text, str):
            raise Place("--set").was(text, "key=value")
        try:
            words: Sequence[str] = shlex.split(text)
        except ValueError as error:
            raise ConfigError("--set", f"was {text[:60]!r}, {error}") from None
        for word in words or [text]:
            key, equals, value = word.partition("=")
            if not equals or not key.strip():
                raise Place("--set").was(word, "key=value")
            pairs.append((key.strip(), value))
    return pairs


def _check_declared(cls: type[StrategyConfig]) -> None:
    """Refuse fields of kinds that ``--set`` and the hash do not know, and filters never off."""
    for field in fields_of(cls):
        if not isinstance(field.kind, _FLAT):
            raise ConfigError(
                cls.__name__,
                "must be bool, int, str or FixedPoint, or one of them | None",
                f"type of field {field.name}",
            )
        if (mark := _filter(field)) is not None:
            _off(cls, field, mark)


def _filter(field: Field) -> Filter | None:
    return next((m for m in field.markers if isinstance(m, Filter)), None)


def _off(cls: type[StrategyConfig], field: Field, mark: Filter) -> Any:
    """The value at which a filter does nothing."""
    return field.read(mark.off, Place(cls.__name__, f"off of field {field.name}"))


def _from_text(field: Field, text: str) -> Any:
    """Read the text of ``--set key=value`` by the field's type."""
    text = text.strip()
    if field.optional and text.lower() == "none":
        return None
    if isinstance(field.kind, kinds.Flag):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(field.kind, kinds.Whole) and re.fullmatch(r"[+-]?[0-9]{1,19}", text):
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
