"""Which suites of gates a caller asks for: in either case, each once, none that is not there."""

from __future__ import annotations

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.report.run_gates import check_suites


@pytest.mark.parametrize("asked", ["g2,g3", "G2,G3", " g2 , G3", ("G2", "g3"), ["g2", "g3"]])
def test_suites_are_named_in_either_case(asked: str | list[str]) -> None:
    assert check_suites(asked) == ("g2", "g3")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("g9", "was 'g9', expected of g2, g3"),
        ("G9", "was 'g9', expected of g2"),
        ("g2,G2", "was 'g2,g2', expected suites named once"),
        ("", "was '', expected of g2"),
        ((), "expected suites named once"),
        ([7], "was 7, expected of g2"),
    ],
)
def test_other_suites_are_one_sentence(asked: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_suites(asked)
