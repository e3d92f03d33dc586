"""The fuzz targets run, and what fuzzing found stays found."""

from __future__ import annotations

import contextlib
import random
import re
import signal
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

import quantlaxmi
from fuzz import run
from fuzz.draw import Draw, edit_bytes, edit_json

DOCS = Path(__file__).parents[1] / "docs" / "FUZZING.md"


@pytest.mark.parametrize("name", run.TARGETS)
def test_every_target_stands_a_few_random_cases(name: str) -> None:
    target, rng = run.load(name), random.Random(5)
    outcomes = {run.check(target, rng.randbytes(rng.choice((8, 40, 200)))) for _ in range(25)}
    assert outcomes <= {"", *(error.__name__ for error in _tree(target.ALLOWED))}
    run.check(target, b"")


def _tree(classes: tuple[type, ...]) -> set[type]:
    return set(classes).union(*(_tree(tuple(c.__subclasses__())) for c in classes))


def test_every_target_has_a_file_and_the_other_way_round() -> None:
    files = {path.stem for path in Path(run.__file__).parent.glob("targets/*.py")}
    assert files - {"__init__"} == set(run.TARGETS)


def test_the_docs_name_every_target_and_every_reader_of_foreign_bytes() -> None:
    text = DOCS.read_text()
    assert [name for name in run.TARGETS if f"`{name}`" not in text] == []
    named = re.findall(r"[\w/*]+\.pyx?", text)
    reads = re.compile(
        r"tomllib|read_toml\(|read_settings\(|file_kind|json\.loads\(|json\.decode\(|ParquetFile|TextSource\(|tarfile"
    )
    # Their own text, or another module reads it for them.
    spared = {
        "files/__init__.py",
        "files/named.py",
        "settings/__init__.py",
        "settings/base.py",
        "segment/__init__.py",
        "importers/delimited/file_head.py",
        "importers/delimited/line_feed.py",
        "importers/delimited/streams.py",
    }
    spared.add("report/run_gates.py")
    package = Path(quantlaxmi.__file__).parent
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if reads.search(path.read_text()) and name not in spared:
            listed = any(fnmatch(name, p) or fnmatch(path.name, p) for p in named)
            assert listed or name.startswith("segment/"), f"{name} is not in {DOCS.name}"


def test_a_case_is_a_function_of_its_bytes() -> None:
    data = random.Random(1).randbytes(200)
    for make in (
        lambda draw: edit_bytes(draw, b"abc 123 def" * 9),
        lambda draw: edit_json(draw, {"a": [1, {"b": "c"}]}),
    ):
        assert repr(make(Draw(data))) == repr(make(Draw(data)))


@pytest.mark.parametrize("fails", [False, True])
def test_no_alarm_is_left_behind_a_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It ended the process while the engine, and no case, was slow: a find that was none."""
    monkeypatch.setattr(run, "faulthandler", Mock())
    monkeypatch.setattr(run.resource, "setrlimit", Mock())
    left: list[int] = []

    def one(draw: Draw) -> None:
        left.append(signal.alarm(run.CASE_SECONDS))
        assert not fails

    cases = run.Guarded(SimpleNamespace(one=one, ALLOWED=()), tmp_path, Mock())
    with pytest.raises(AssertionError) if fails else contextlib.nullcontext():
        cases.run(b"x")
    assert signal.alarm(0) == 0
    assert left == [run.CASE_SECONDS]
    cases.file.close()


def test_a_table_that_is_named_in_a_comment_is_not_read() -> None:
    assert run.check(run.load("latency_toml"), bytes.fromhex("01000000aa0a1123aa")) == ""
