"""docs/gate_report.schema.json: reports of every kind hold to it, and no field is on one side only.

For every field of the schema a report that has it is edited, its hashes are made anew, and
`verify_report` names the field.
"""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import quantlaxmi
from quantlaxmi import verify_report
from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.gates.suites import ALL_GATES, gates_of, suite_names
from quantlaxmi.report import GateReport, gate_report, verify
from tests.report.sample_reports import DATA, KINDS, Sample
from tests.report.test_every_field import FREE, edited, names, text_of, write

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is in the extra dev")
from tests.report.schema_fields import Located, declared, objects  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(quantlaxmi.__file__).parent  # as it is installed
SCHEMA = json.loads((ROOT / "docs" / "gate_report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> dict[str, Sample]:
    """A report of each kind."""
    return {kind: make(tmp_path_factory.mktemp("kind")) for kind, make in KINDS.items()}


@pytest.fixture(scope="module")
def documents(samples) -> dict[str, Any]:
    return {kind: json.loads(one.report.to_bytes()) for kind, one in samples.items()}


def problems(document: Any) -> list[str]:
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in VALIDATOR.iter_errors(document)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_of_each_kind_holds_to_it(documents, kind) -> None:
    assert problems(documents[kind]) == []


def test_the_kinds_are_what_they_are_called(samples) -> None:
    reports = {kind: one.report for kind, one in samples.items()}
    assert (reports["planted"].verdict, reports["planted"].edge) == ("PASS", "timing")
    assert reports["edgeless"].verdict == "FAIL" and reports["edgeless"].g3_passed is not None
    assert reports["diagnosis"].is_diagnosis
    assert reports["premium"].edge == "premium"
    assert reports["premium not accepted"].verdict == "FAIL"
    whole = reports["everything"]
    assert whole.window and whole.trials and whole.grid and whole.latency and whole.g3_passed
    assert reports["holdout"].holdout and reports["converted"].conversion


def test_the_format_is_closed() -> None:
    """Every object names its fields and no others, or has values of one kind by name."""
    loose = [
        pointer
        for pointer, node in objects(SCHEMA)
        if node.get("additionalProperties", True) is True
        # Of each gate's figures a rule says more.
        and pointer != "/$defs/result/properties/details"
    ]
    assert loose == []


def test_top_level_fields_are_those_of_a_report() -> None:
    own = {one.name for one in fields(GateReport)} - {"results"}
    own |= {"format", "version", "file_hash", *gate_report._DERIVED}
    assert set(SCHEMA["properties"]) == own
    assert set(SCHEMA["required"]) == own - set(gate_report._OPTIONAL)


def test_suites_gates_and_settings_are_those_of_the_library() -> None:
    defs = SCHEMA["$defs"]
    for suite in suite_names():
        listed = [gate.name for gate in gates_of(suite)]
        assert defs[suite]["properties"]["gates"]["items"]["enum"] == listed
        assert (
            defs["policy"]["properties"]["suites"]["properties"][suite]["items"]["enum"] == listed
        )
    for gate in ALL_GATES:
        own = set(gate.Settings().to_json())
        assert set(defs["policy"]["properties"][gate.name]["properties"]) == own
    assert set(SCHEMA["properties"]["suites"]["properties"]) == set(suite_names())


def test_a_field_more_or_a_value_of_another_type_is_refused(documents) -> None:
    """At every object of a report: one key more, and a value of no type in place of each."""
    whole = documents["bars"]
    located = {place: pointer for pointer, place, _ in Located(SCHEMA).fields(whole)}
    assert len(located) > 150
    seen = set()
    for place, pointer in located.items():
        if pointer in seen:
            continue
        seen.add(pointer)
        changed = copy.deepcopy(whole)
        inner = _at(changed, place[:-1])
        inner[place[-1]] = {"no_such_field": [[]]}
        assert not VALIDATOR.is_valid(changed), pointer
        inner[place[-1]] = _at(whole, place)
        inner["no_such_field"] = 1
        assert not VALIDATOR.is_valid(changed), pointer


def _at(value: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def test_every_field_of_the_schema_is_in_some_report_and_the_reverse(documents) -> None:
    located = Located(SCHEMA)
    found = {pointer for one in documents.values() for pointer, _, _ in located.fields(one)}
    assert found == set(declared(SCHEMA))


def test_every_field_of_the_schema_is_named_where_it_was_edited(
    samples, documents, tmp_path, monkeypatch
) -> None:
    """Of each field the first value in a report of any kind, with hashes made anew."""
    places: dict[str, dict[str, tuple[str | int, ...]]] = {}
    done: set[str] = set()
    small_first = sorted(documents.items(), key=lambda one: len(str(one[1])))
    for kind, document in small_first:
        for pointer, place, value in Located(SCHEMA).fields(document):
            if pointer not in done and not (isinstance(value, dict | list) and value):
                done.add(pointer)
                places.setdefault(kind, {})[pointer] = place
    unnamed, path = [], tmp_path / "report.json"
    for kind, own in places.items():
        sample, document = samples[kind], documents[kind]
        monkeypatch.undo()
        write(path, document)
        check = verify_report(path, sample.segment, **sample.options)
        assert check.matches, kind
        # The recomputed report is the same whatever was edited; it is made once.
        monkeypatch.setattr(verify, "run_once", lambda *args: None)
        monkeypatch.setattr(verify, "report_of", lambda *args, r=check.recomputed, **more: r)
        for place in own.values():
            if place[0] not in FREE:
                unnamed += _unnamed(document, place, sample, path)
    assert unnamed == []
    assert len(done) > 300


#: Field -> what is refused because of it: the rows that a report judges follow from the field.
FOLLOWS = {"holdout.judged": "(header.segment_digest)"}


def _unnamed(
    document: Any, place: tuple[str | int, ...], sample: Sample, path: Path
) -> list[tuple[str, Any]]:
    """The place, and what was said of it, where that does not name it."""
    changed = copy.deepcopy(document)
    _at(changed, place[:-1])[place[-1]] = edited(_at(document, place))
    write(path, changed)
    try:
        check = verify_report(path, sample.segment, **sample.options)
    except QuantlaxmiError as error:
        # Refused before anything is computed: by the field, or by what follows from it.
        named = names(str(error), place) or FOLLOWS.get(text_of(place), "\0") in str(error)
        return [] if named else [(text_of(place), str(error))]
    found = [one.field for one in check.differences]
    named = found and all(one.startswith(text_of(place)) for one in found)
    return [] if named and not check.matches else [(text_of(place), found)]


@pytest.mark.parametrize("name", sorted(FREE))
def test_what_hashes_cover_is_named_where_it_alone_was_edited(documents, tmp_path, name) -> None:
    """The time and the hashes themselves; no hash is made anew."""
    plain = {**documents["settings"], name: edited(documents["settings"][name])}
    (tmp_path / "report.json").write_bytes(gate_report._text(plain))
    with pytest.raises(QuantlaxmiError, match="file_hash"):
        verify_report(tmp_path / "report.json", DATA / "planted")
    if name == "report_hash":
        del plain["file_hash"]
        plain["file_hash"] = gate_report._file_hash(plain)
        (tmp_path / "report.json").write_bytes(gate_report._text(plain))
        with pytest.raises(QuantlaxmiError, match=r"\(report_hash\)"):
            verify_report(tmp_path / "report.json", DATA / "planted")
