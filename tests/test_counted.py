"""Counts in sentences agree with their words, in every text that people read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.counted import agreed, counted, literal

ROOT = Path(quantlaxmi.__file__).parent
#: Packages whose texts a user meets in a summary, a note, a reason, a report or on the terminal.
TOLD = ("batch", "cli", "data_quality", "gates", "importers", "options", "report", "run", "segment")
_NOUNS = (
    "bars books bundles buckets bytes cells checks columns contracts days decisions "
    "differences draws expiries files fills folds gaps hours instruments items lines "
    "members messages minutes orders positions prices quotes rows settings settlements "
    "snapshots states steps streams trades trials trips units values weekdays"
)
_COUNTED = re.compile(rf"^ (?:[a-z-]+ ){{0,1}}?(?:{_NOUNS.replace(' ', '|')})\b")
#: Classes of errors that no input causes.
_FAULTS_OF_THE_CODE = ("BoundError", "EngineError", "ValueError")
#: What is no count, or is told only where it is not 1; a limit in capitals is never 1 either.
NOT_COUNTED = {
    "batch/store.py": {"words"},  # "over N" too
    "gates/path/funding.py": {"len(index)", "count"},  # their product is above a limit
    "gates/path/increments.py": {"found[-1]"},  # money
    "gates/path/placement.py": {"len(sided)"},  # above a limit
    "gates/random_entry.py": {"len(rows)"},  # above a limit
    "gates/walk_forward.py": {"settings"},  # 1 has words of its own
    "importers/bars/json_archive.py": {"member.size"},  # above a limit
    "importers/binance_stream.py": {"found", "given"},  # kinds
    "importers/bars/recognised.py": {"problem"},
    "importers/ohlcv.py": {"kind[1:]"},
    "importers/traded_pair.py": {"venue"},
    "report/verdict_words.py": {"count"},  # 1 has words of its own
    "run/bucket_sums.py": {"net[-1]"},  # money
    "run/drawing.py": {"ys.shape"},
    "run/run_statistics.py": {"stats.step"},  # a length
    "segment/books.py": {"n"},  # 1 has words of its own
    "segment/manifest.py": {"entry.rows", "entry.messages"},  # of a damaged manifest
    "segment/rows.py": {"what"},
}


@pytest.mark.parametrize(
    ("n", "of", "words", "text"),
    [
        (0, None, "bar[s] [is|are] missing", "0 bars are missing"),
        (1, None, "bar[s] [is|are] missing", "1 bar is missing"),
        (2, None, "bar[s] [is|are] missing", "2 bars are missing"),
        (1234, None, "expir[y|ies]", "1,234 expiries"),
        (1, None, "expir[y|ies]", "1 expiry"),
        (1, 734, "order[s] [was|were] refused", "1 of 734 orders was refused"),
        (734, 734, "order[s] [was|were] refused", "734 of 734 orders were refused"),
        (0, 734, "order[s] [was|were] refused", "0 of 734 orders were refused"),
        (1, 1, "order[s] [was|were] refused", "1 of 1 order was refused"),
        (0, 1, "order[s] [was|were] refused", "0 of 1 order was refused"),
        (1, 2345, "buy[s] of [[s] [is|are]", "1 of 2,345 buys of [s] is"),
    ],
)
def test_words_agree_with_their_count(n: int, of: int | None, words: str, text: str) -> None:
    assert counted(n, words, of) == text
    assert text.endswith(agreed(n, words, of))


@pytest.mark.parametrize("name", ["A[s]", "[is|are]", "[[s]", "a|b]", "[", "]", "{s}"])
def test_a_name_from_a_file_chooses_nothing(name: str) -> None:
    assert agreed(1, f"buy[s] of {literal(name)} [is|are] kept") == f"buy of {name} is kept"


def _counts(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, value and text of each count in an f-string whose words do not depend on it."""
    tree = ast.parse(source)
    faults = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _FAULTS_OF_THE_CODE
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr) or id(node) in faults:
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant)):
                continue
            shown = ast.unparse(value.value)
            is_limit = re.fullmatch(r"[-\w.]*\b_?[A-Z][A-Z_0-9]+(\[.*\])?", shown)
            is_counted = shown.startswith("counted(")
            if _COUNTED.match(text.value) and not is_limit and not is_counted:
                yield node.lineno, shown, text.value[:40]


def test_the_scan_sees_a_count_that_ignores_its_words() -> None:
    assert list(_counts('f"{len(x)} bars are missing"')) == [(1, "len(x)", " bars are missing")]
    assert list(_counts('f"{n:,} faulty lines"')) == [(1, "n", " faulty lines")]
    assert not list(_counts('raise EngineError(f"{n} rows were lost")'))
    assert not list(_counts('''f"{counted(n, 'bar[s]')} missing, {MAX_BARS} bars at most"'''))


@pytest.mark.parametrize("package", TOLD)
def test_counts_that_people_read_agree_with_their_words(package: str) -> None:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        known = NOT_COUNTED.get(place, set())
        for line, value, text in _counts(path.read_text("utf-8")):
            if value in known:
                continue
            found.append(f"{place}:{line}: {{{value}}}{text}")
    assert found == []
