"""Typed, bounded settings from TOML files: the base of every file that users write.

A settings class declares one line a field. What a file gets wrong is one line: the file, the full
path of the key, what it was and what was expected; an unknown key names the nearest known one.
"""

from quantlaxmi.settings.base import (
    MAX_SETTINGS_BYTES,
    Field,
    Key,
    Others,
    Reads,
    Settings,
    fields_of,
    read_settings,
)
from quantlaxmi.settings.kinds import Bounds, Chars, Items
from quantlaxmi.settings.place import Place, TomlNumber

__all__ = [
    "MAX_SETTINGS_BYTES",
    "Bounds",
    "Chars",
    "Field",
    "Items",
    "Key",
    "Others",
    "Place",
    "Reads",
    "Settings",
    "TomlNumber",
    "fields_of",
    "read_settings",
]
