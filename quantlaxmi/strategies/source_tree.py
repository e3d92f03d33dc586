"""The syntax tree of a strategy's file, and what its names stand for."""

from __future__ import annotations

import ast
import builtins
import math
import random
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Final

import numpy as np

__all__ = ["Known", "SourceTree"]

#: Modules whose names ``from module import *`` brings in.
_STARS: Final[dict[str, ModuleType]] = {
    "math": math,
    "numpy": np,
    "random": random,
    "time": time,
}
#: Says whether an expression is of a kind; None where it tells nothing (``None``, a first 0).
OfKind = Callable[[ast.expr, "Known"], bool | None]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class SourceTree:
    """A parsed file.

    Parameters
    ----------
    text : str or bytes

    Raises
    ------
    SyntaxError, ValueError
        As `ast.parse`.
    """

    def __init__(self, text: str | bytes) -> None:
        self.tree = ast.parse(text)
        self.parents: dict[ast.AST, ast.AST] = {}
        #: Every node that the engine may run, in order of the file, roughly.
        self.nodes: list[ast.AST] = []
        #: The innermost function or class around each node, or the module; and the function.
        self._blocks: dict[ast.AST, ast.AST] = {self.tree: self.tree}
        self._scopes: dict[ast.AST, ast.AST] = {self.tree: self.tree}
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            self.nodes.append(node)
            for child in _children(node):
                self.parents[child] = node
                is_function = isinstance(node, _Function)
                is_block = is_function or isinstance(node, ast.ClassDef)
                self._scopes[child] = node if is_function else self._scopes[node]
                self._blocks[child] = node if is_block else self._blocks[node]
                waiting.append(child)

    def scope(self, node: ast.AST) -> ast.AST:
        """The function around a node, or the module."""
        return self._scopes[node]

    def scopes(self, node: ast.AST) -> Iterator[ast.AST]:
        """The functions around a node, from the innermost, and the module."""
        while node is not self.tree:
            node = self.scope(node)
            yield node

    def dotted(self, node: ast.AST) -> str:
        """Full name of what an expression names, such as ``numpy.random.default_rng``.

        Empty where it is not imported and no builtin.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        if any(node.id in self._bound.get(scope, ()) for scope in self.scopes(node)):
            return ""
        base = self.imported.get(node.id, node.id if hasattr(builtins, node.id) else "")
        return ".".join([base, *reversed(parts)]) if base else ""

    def named(self) -> Iterator[tuple[ast.expr, str]]:
        """Every longest dotted expression that is read, with its full name."""
        for node in self.nodes:
            if not isinstance(node, ast.Name | ast.Attribute):
                continue
            if isinstance(self.parents.get(node), ast.Attribute):
                continue
            if isinstance(node.ctx, ast.Load) and (name := self.dotted(node)):
                yield node, name

    def calls(self) -> Iterator[ast.Call]:
        """Every call."""
        yield from (node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Full names of what is imported, by the name that the file knows it by."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    if alias.name != "*":
                        found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    elif node.module in _STARS:
                        names = dir(_STARS[node.module])
                        found.update({one: f"{node.module}.{one}" for one in names})
        return found

    @cached_property
    def _bound(self) -> dict[ast.AST, set[str]]:
        """Names that each scope gives to something of its own."""
        found: dict[ast.AST, set[str]] = {}
        for node in self.nodes:
            name = ""
            if isinstance(node, ast.arg):
                name = node.arg
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                name = node.id
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = node.name
            place = self.scope(node)
            # A module may give an import another meaning, such as None where it is missing. What a
            # class holds is found through its object alone.
            told = place is self.tree and name in self.imported
            if name and not told and not self.in_class(node):
                found.setdefault(place, set()).add(name)
        return found

    def in_class(self, node: ast.AST) -> bool:
        """Whether a node stands in the body of a class, in none of its methods."""
        return isinstance(self._blocks[node], ast.ClassDef)


class Known:
    """Which names and attributes of a file hold values of a kind, as far as assignments say.

    Parameters
    ----------
    source : SourceTree
    of_kind : callable
    annotations : set of str
        Names of types that say so for a parameter or field.
    """

    def __init__(self, source: SourceTree, of_kind: OfKind, annotations: frozenset[str]) -> None:
        self.source, self._of_kind, self._annotations = source, of_kind, annotations
        self._holds: dict[tuple[ast.AST, str], bool] = {}
        for _ in range(2):  # the second time names that were given other names are known
            self._holds = self._read()

    def __call__(self, node: ast.expr) -> bool:
        """Whether an expression is of the kind."""
        return self._of_kind(node, self) is True

    def holds(self, node: ast.expr) -> bool:
        """Whether a name, or an attribute of ``self``, holds values of the kind."""
        key = _key(node)
        places = [self.source.tree] if "." in key else self.source.scopes(node)
        for place in places if key else ():
            if (place, key) in self._holds:
                return self._holds[place, key]
        return False

    def _read(self) -> dict[tuple[ast.AST, str], bool]:
        found: dict[tuple[ast.AST, str], bool] = {}
        for node in self.source.nodes:
            for target, says in self._assigned(node):
                key = _key(target)
                if key and self.source.in_class(target):
                    key = f"self.{key}"
                place = self.source.tree if "." in key else self.source.scope(target)
                if key and says is not None:
                    found[place, key] = says and found.get((place, key), True)
        return found

    def _assigned(self, node: ast.AST) -> Iterator[tuple[ast.expr | ast.arg, bool | None]]:
        """Targets of a statement, and whether what they are given is of the kind."""
        if isinstance(node, ast.Assign):
            says = self._of_kind(node.value, self)
            yield from ((target, says) for target in node.targets)
        elif isinstance(node, ast.NamedExpr):
            yield node.target, self._of_kind(node.value, self)
        elif isinstance(node, ast.AnnAssign):
            given = node.value is not None and self._of_kind(node.value, self)
            yield node.target, self._annotated(node.annotation) or given
        elif isinstance(node, ast.arg):
            yield node, self._annotated(node.annotation)
        elif isinstance(node, ast.For | ast.comprehension):
            yield node.target, False
        elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Store):
            yield from ((one, False) for one in node.elts)

    def _annotated(self, annotation: ast.expr | None) -> bool:
        if isinstance(annotation, ast.Subscript):
            annotation = annotation.value
        return isinstance(annotation, ast.Name) and annotation.id in self._annotations


def _key(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id == "self" else ""
    return ""


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Children of a node that the engine may run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_elsewhere(child.test):
            yield from child.orelse
        else:
            yield child


def _is_elsewhere(test: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING`` or ``__name__ == "__main__"``."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and test.left.id == "__name__"
    return getattr(test, "attr", getattr(test, "id", "")) == "TYPE_CHECKING"
