"""Docstrings of public names: every example runs, and each has the sections that a reader needs."""

from __future__ import annotations

import doctest
import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[1] / "data"
#: Packages whose ``__all__`` is public, besides the flat names.
_PACKAGES = """
    quantlaxmi segment strategies run gates report fixed events trace importers calibrate features
    data_quality trials batch options
"""
PACKAGES = _PACKAGES.split()
#: Public names of packages that have no ``__all__``.
OTHERS = {
    "bindings": "Binding append_binding check_chain read_bindings",
    "execution.conversion": "Conversion",
    "execution.costs": "CostModel FeeRate",
    "execution.fee_components": "FeeComponent exercise_fees fill_fees note_rounding",
    "execution.impact": "Impact",
    "execution.latency": "Latency LatencyModel",
    "execution.ledger": "PnLAccumulator",
    "execution.risk": "RiskLimits SizeLimits",
    "importers.nse": "ChainDay Snapshot StaleSnapshot read_day read_snapshot",
    "venues.nse": "FeeRow LotRow NseTable SessionRow TickRow fee_components lot session_hours tick",
}
#: Their functions have all sections; their classes are checked for a docstring alone.
ELSEWHERE = ("quantlaxmi.gates", "quantlaxmi.report", "quantlaxmi.calibrate")
#: Function -> why it has no example of its own.
NO_EXAMPLE: dict[str, str] = {
    "load_report": "the example of verify_report writes a report and reads it",
    "write_decision": "the engine calls it; its arguments are the engine's own records",
}
#: Classes that users make or start from; the others are records that calls return.
_MAIN = """
    Bounds BoundStrategy Conversion CostModel CryptoStrategy DecisionTrace DecisionTraceBuilder
    FeatureSpec Filter FixedArray FixedPoint Impact IndiaOptionsStrategy Instrument LatencyModel
    LegIntent MemorySegment MultiLegOrderIntent OptionChain PnLAccumulator QuoteEvent
    RiskLimits Run RunConfig RunRecords Segment SegmentParts SegmentWriter Strategy StrategyConfig
    StrategyRegistry TraceHeader Window
"""
MAIN = _MAIN.split()
#: Name -> why its docstring does not list its fields.
NO_FIELDS: dict[str, str] = {
    "OptionsStrategyType": "an enumeration: each member's value is its meaning",
    "Rounding": "an enumeration: each member has a comment",
    "StrategyConfig": "a base without fields of its own",
    "Manifest": "docs/SEGMENT_FORMAT.md lists every field with its form on disk",
}


def _qualified(name: str) -> str:
    return name if name == "quantlaxmi" else f"quantlaxmi.{name}"


def _public() -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for package in PACKAGES:
        module = importlib.import_module(_qualified(package))
        for name in module.__all__:
            yield from _once(name, getattr(module, name), seen)
    for path, names in OTHERS.items():
        module = importlib.import_module(_qualified(path))
        for name in names.split():
            yield from _once(name, getattr(module, name), seen)


def _once(name: str, value: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(value) not in seen and (inspect.isclass(value) or inspect.isfunction(value)):
        seen.add(id(value))
        yield name, value


PUBLIC = dict(_public())
HERE = {name: value for name, value in PUBLIC.items() if not value.__module__.startswith(ELSEWHERE)}
#: Takes hours and a capture: its page says how it is called.
UNTRIED = "quantlaxmi.calibrate"
FUNCTIONS = sorted(
    name
    for name, value in PUBLIC.items()
    if inspect.isfunction(value) and not value.__module__.startswith(UNTRIED)
)
CLASSES = sorted(
    name
    for name, value in HERE.items()
    if inspect.isclass(value) and not issubclass(value, Exception)
)


def _examples() -> Iterator[doctest.DocTest]:
    modules = {value.__module__ for value in HERE.values()}
    for name in sorted(modules | {PUBLIC[name].__module__ for name in FUNCTIONS}):
        found = doctest.DocTestFinder().find(sys.modules[name])
        yield from (test for test in found if test.examples)


def _has(value: Any, section: str) -> bool:
    """Whether a docstring has a numpydoc section."""
    return f"\n{section}\n{'-' * len(section)}\n" in f"\n{inspect.getdoc(value)}\n"


@pytest.mark.parametrize("example", list(_examples()), ids=lambda test: test.name)
def test_example_runs(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example runs in a folder of its own, which has the bundled data."""
    (tmp_path / "data").symlink_to(DATA)
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    # As in a new session: without the module's "from __future__ import annotations".
    assert runner.run(example, compileflags=0).failed == 0


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_first_sentence_stands_alone(name: str) -> None:
    text = PUBLIC[name].__doc__
    assert text, "no docstring"
    first, *rest = inspect.cleandoc(text).split("\n")
    assert first[0].isupper() or first[0] in "`'*", first
    assert first.endswith("."), first
    assert not rest or not rest[0], "the first sentence fits one line; a blank line follows it"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_its_sections(name: str) -> None:
    value = PUBLIC[name]
    signature = inspect.signature(value)
    missing = [] if not signature.parameters or _has(value, "Parameters") else ["Parameters"]
    returned = str(signature.return_annotation)
    if returned != "None" and not (_has(value, "Returns") or _has(value, "Yields")):
        missing.append("Returns")
    if not _has(value, "Examples") and name not in NO_EXAMPLE:
        missing.append("Examples")
    assert missing == []


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_its_sections(name: str) -> None:
    value = PUBLIC[name]
    missing = []
    inherits = any(base.__name__ in CLASSES for base in value.__mro__[1:])
    if (
        name not in NO_FIELDS
        and not inherits
        and not (_has(value, "Attributes") or _has(value, "Parameters"))
    ):
        missing.append("Attributes")
    if name in MAIN and not _has(value, "Examples"):
        missing.append("Examples")
    assert missing == []


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in NO_FIELDS])
def test_records_document_every_field(name: str) -> None:
    value = HERE[name]
    fields = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", ())
    if any(base.__name__ in HERE for base in value.__mro__[1:]):
        return  # its base documents them
    text = inspect.getdoc(value) or ""
    heads = [line.split(" : ")[0] for line in text.split("\n") if not line.startswith(" ")]
    named = {name.strip() for head in heads for name in head.split(",")}
    assert sorted(set(fields) - named) == []


def test_main_classes_are_public() -> None:
    assert sorted(set(MAIN) - set(CLASSES)) == []


def test_functions_document_every_parameter() -> None:
    missing = []
    for name in FUNCTIONS:
        text = inspect.getdoc(PUBLIC[name]) or ""
        missing += [
            f"{name}({parameter})"
            for parameter in inspect.signature(PUBLIC[name]).parameters
            if not any(
                parameter in line.split(" : ")[0].replace("*", "").replace(" ", "").split(",")
                for line in text.split("\n")
            )
        ]
    assert missing == []


def test_exceptions_are_still_exceptions() -> None:
    stale = [n for n in NO_EXAMPLE if n not in PUBLIC or _has(PUBLIC[n], "Examples")]
    stale += [n for n in NO_FIELDS if n not in HERE or _has(HERE[n], "Attributes")]
    assert stale == []


@pytest.mark.parametrize("name", CLASSES)
def test_methods_have_a_docstring(name: str) -> None:
    """A method has its own or its base's; members of a protocol are attributes of the class."""
    value = HERE[name]
    members = {
        member
        for member, defined in vars(value).items()
        if not member.startswith("_") and (inspect.isroutine(defined) or _is_property(defined))
    }
    if getattr(value, "_is_protocol", False):
        members = {member for member in members if not _is_property(vars(value)[member])}
    assert sorted(m for m in members if not inspect.getdoc(getattr(value, m))) == []


def _is_property(value: object) -> bool:
    return isinstance(value, (property, functools.cached_property))
