"""The build says what it is at, and shows a step's output where the step fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

STEP = Path(__file__).parents[1] / ".ci/step.py"


@pytest.mark.parametrize(("code", "shown"), [(0, ""), (3, "words\n")])
def test_a_step_is_named_and_its_output_shown_where_it_fails(
    tmp_path: Path, code: int, shown: str
) -> None:
    log = tmp_path / "new" / "log"
    command = [sys.executable, "-c", f"print('words'); raise SystemExit({code})"]
    done = subprocess.run(
        [sys.executable, str(STEP), str(log), "the wheel", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"\[ +\d+ s\]", "[s]", done.stderr)
    ended = "done" if code == 0 else "failed with exit code 3"
    assert said == f"make: [s] the wheel\nmake: [s] the wheel: {ended}\n{shown}"
    assert (done.returncode, done.stdout, log.read_text()) == (code, "", "words\n")
