"""A command in one file, as CONTRIBUTING tells it: usage text and main."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quantlaxmi.cli.output import print_facts, print_json
from quantlaxmi.cli.values import whole_number
from quantlaxmi.errors import InputError
from quantlaxmi.files import read_regular

USAGE = """
Count the lines of a file.

Usage:
  {program} count --file FILE [--most N] [--json]

Options:
  --file FILE  The file.
  --most N     Exit with 1 where there are more lines [default: 3].
  --json       One JSON document instead of text.
"""


def main(args: dict[str, Any]) -> int:
    most = whole_number("--most", args["--most"], 0, 100)
    lines = len(read_regular(Path(args["--file"]), 1 << 20, InputError, "a text").splitlines())
    facts = {"lines": lines}
    print_json(facts) if args["--json"] else print_facts(facts)
    return int(lines > most)
