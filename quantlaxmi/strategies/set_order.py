"""Where a source depends on the order of a set."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from quantlaxmi.strategies.source_tree import Known, SourceTree

__all__ = ["set_order"]

_ANNOTATIONS: Final = frozenset({"set", "frozenset", "Set", "FrozenSet", "AbstractSet"})
_OPERATIONS: Final = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
#: Methods of a set that return one.
_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
#: What takes things in order. Those of the second have one result for any order, without a key.
_ORDERED: Final = frozenset(
    {"list", "tuple", "enumerate", "iter", "map", "filter", "zip", "dict.fromkeys"}
    | {"collections.deque", "numpy.array", "numpy.asarray", "numpy.fromiter"}
)
_UNORDERED: Final = frozenset({"sorted", "min", "max", "any", "all", "len", "set", "frozenset"})
_WITH_KEY: Final = frozenset({"sorted", "min", "max"})


def set_order(source: SourceTree) -> Iterator[tuple[ast.AST, str]]:
    """Places that take the members of a set in its order, each with what it is in words.

    Parameters
    ----------
    source : SourceTree
    """
    known = Known(source, _is_set, _ANNOTATIONS)
    for node in source.nodes:
        if isinstance(node, ast.For | ast.AsyncFor) and known(node.iter):
            yield node.iter, "a loop over a set"
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            if _is_ordered(node, source):
                for part in node.generators:
                    if known(part.iter):
                        yield part.iter, "a loop over a set"
        elif isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load):
            if known(node.value) and not isinstance(source.parents[node], ast.Set):
                yield node, "a set's members in order"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple | ast.List):
            if known(node.value):
                yield node.value, "a set's members in order"
        elif isinstance(node, ast.Call):
            yield from _in_call(node, source, known)


def _in_call(call: ast.Call, source: SourceTree, known: Known) -> Iterator[tuple[ast.AST, str]]:
    """A call that is given a set and takes it in order, or takes one member out."""
    name = source.dotted(call.func)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in _WITH_KEY and any(word.arg == "key" for word in call.keywords):
        if call.args and known(call.args[0]):
            yield call, f"{name} of a set with a key, where members can be equal"
    elif name in _ORDERED or method == "join":
        # In `set(map(f, members))` the order is lost again.
        if any(known(one) for one in call.args) and _is_ordered(call, source):
            yield call, f"{name or method} of a set"
    elif isinstance(call.func, ast.Attribute) and method == "pop" and known(call.func.value):
        yield call, "pop of a set"


def _is_ordered(node: ast.AST, source: SourceTree) -> bool:
    """Whether what is made of a set is used where order counts."""
    around = source.parents.get(node)
    if isinstance(around, ast.Starred):
        return not isinstance(source.parents.get(around), ast.Set)
    if isinstance(around, ast.Compare):
        return not all(isinstance(op, ast.In | ast.NotIn) for op in around.ops)
    if not isinstance(around, ast.Call) or node not in around.args:
        return True
    keyed = any(word.arg == "key" for word in around.keywords)
    return keyed or source.dotted(around.func) not in _UNORDERED


def _is_set(node: ast.expr, known: Known) -> bool | None:
    """Whether an expression is a set whose order can differ; None for ``None``."""
    if isinstance(node, ast.Constant):
        return None if node.value is None else False
    if isinstance(node, ast.Set):  # numbers hash to themselves
        return not all(
            isinstance(one, ast.Constant) and isinstance(one.value, int | float)
            for one in node.elts
        )
    if isinstance(node, ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATIONS):
        return any(_is_set(one, known) or _is_keys(one) for one in (node.left, node.right))
    if isinstance(node, ast.IfExp):
        return True in (_is_set(node.body, known), _is_set(node.orelse, known))
    if isinstance(node, ast.Call):
        if known.source.dotted(node.func) in {"set", "frozenset"}:
            return not (node.args and _is_range(node.args[0], known.source))
        func = node.func
        return isinstance(func, ast.Attribute) and func.attr in _METHODS and known(func.value)
    return known.holds(node)


def _is_range(node: ast.expr, source: SourceTree) -> bool:
    return isinstance(node, ast.Call) and source.dotted(node.func) == "range"


def _is_keys(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "keys"
        and not node.args
    )
