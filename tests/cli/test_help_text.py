"""Help on a narrow terminal: the same words, no line too wide, none broken inside a word."""

from __future__ import annotations

import importlib

import pytest

from quantlaxmi.cli.help_text import fitted
from quantlaxmi.cli.main import commands_of
from quantlaxmi.cli.usage import written_for

TEXTS = [
    (program, command)
    for program in ("quantlaxmi-crypto", "quantlaxmi-india")
    for command in commands_of(program)
]


@pytest.mark.parametrize(("program", "command"), TEXTS)
@pytest.mark.parametrize("columns", [70, 80, 90])
def test_every_help_fits(program: str, command: str, columns: int) -> None:
    """Lines of up to 100 columns were broken by the edge of a terminal of 80."""
    module = importlib.import_module(f"quantlaxmi.cli.{commands_of(program)[command][0]}")
    text = written_for(program, module.USAGE)
    shown = fitted(text, columns)
    assert shown.split() == text.split()
    assert max(map(len, shown.splitlines())) <= columns
    options = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    # Options stand in their column still.
    assert [one.split()[0] for one in shown.splitlines() if one.startswith("  --")] == options
    assert fitted(text, 100) == text


def test_what_flows_is_filled_and_what_ends_is_left() -> None:
    text = "\n".join(
        [
            "Usage:",
            "  quantlaxmi-crypto go --first FILE [--second FILE]... [--third | --fourth]",
            "                 [--fifth N]",
            "",
            "  --first FILE   Words that go on in the line below, because no word more has any "
            "room in there",
            "                 as it stands, and end there.",
            "  --second FILE  one: an item;",
            "                 two: another",
            "                   (with brackets).",
        ]
    )
    assert fitted(text, 95) == text
    assert fitted(text, 60).splitlines() == [
        "Usage:",
        "  quantlaxmi-crypto go --first FILE [--second FILE]...",
        "                 [--third | --fourth]",
        "                 [--fifth N]",
        "",
        "  --first FILE   Words that go on in the line below, because",
        "                 no word more has any room in there as it",
        "                 stands, and end there.",
        "  --second FILE  one: an item;",
        "                 two: another",
        "                   (with brackets).",
    ]
