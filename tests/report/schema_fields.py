"""Fields of a JSON Schema by their pointers, and which of them each value of a document is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

#: The way to a value in a document.
Place = tuple[str | int, ...]
#: Keywords whose parts describe the same value.
_SAME = ("anyOf", "oneOf", "allOf")


def declared(node: Any, pointer: str = "") -> Iterator[str]:
    """Pointers of every property that a schema declares, conditions left out."""
    if isinstance(node, list):
        for k, part in enumerate(node):
            yield from declared(part, f"{pointer}/{k}")
    elif isinstance(node, dict):
        for key, part in node.items():
            if key == "properties":
                for name, inner in part.items():
                    # What a rule says again of a field is no field of its own.
                    if "/then" not in pointer:
                        yield f"{pointer}/properties/{name}"
                    yield from declared(inner, f"{pointer}/properties/{name}")
            elif key not in ("if", "enum", "const", "required"):
                yield from declared(part, f"{pointer}/{key}")


def objects(node: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema that describes an object, with its pointer; conditions left out."""
    if isinstance(node, list):
        for k, part in enumerate(node):
            yield from objects(part, f"{pointer}/{k}")
    elif isinstance(node, dict):
        if node.get("type") == "object":
            yield pointer, node
        for key, part in node.items():
            if key not in ("if", "enum", "const", "required"):
                yield from objects(part, f"{pointer}/{key}")


class Located:
    """Finds the field of a schema that each value of a document is."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self._validators: dict[int, Draft202012Validator] = {}

    def fields(self, document: Any) -> Iterator[tuple[str, Place, Any]]:
        """Pointer, place and value of every property of a document."""
        yield from self._walk(self.schema, "", document, ())

    def _holds(self, node: dict[str, Any], value: Any) -> bool:
        found = self._validators.get(id(node))
        if found is None:
            whole = {**node, "$defs": self.schema["$defs"]}
            found = self._validators[id(node)] = Draft202012Validator(whole)
        return bool(found.is_valid(value))

    def _walk(
        self, node: dict[str, Any], pointer: str, value: Any, place: Place
    ) -> Iterator[tuple[str, Place, Any]]:
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            yield from self._walk(self.schema["$defs"][name], f"/$defs/{name}", value, place)
        for keyword in _SAME:
            for k, part in enumerate(node.get(keyword, ())):
                inner = f"{pointer}/{keyword}/{k}"
                if "if" in part:
                    if self._holds(part["if"], value):
                        yield from self._walk(part["then"], f"{inner}/then", value, place)
                elif keyword == "allOf" or self._holds(part, value):
                    yield from self._walk(part, inner, value, place)
        if isinstance(value, dict):
            for name, inner_value in value.items():
                if name in node.get("properties", {}):
                    inner, there = f"{pointer}/properties/{name}", (*place, name)
                    if "/then" not in pointer:
                        yield inner, there, inner_value
                    yield from self._walk(node["properties"][name], inner, inner_value, there)
                elif isinstance(node.get("additionalProperties"), dict):
                    rest = node["additionalProperties"]
                    inner = f"{pointer}/additionalProperties"
                    yield from self._walk(rest, inner, inner_value, (*place, name))
        elif isinstance(value, list) and isinstance(node.get("items"), dict):
            for k, inner_value in enumerate(value):
                yield from self._walk(node["items"], f"{pointer}/items", inner_value, (*place, k))
