"""A process that runs command lines for tests, ended where one takes too long."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from pathlib import Path

import pytest

WAIT_S = 90
_WORKER = """
import contextlib, io, json, os, sys
from quantlaxmi.cli import main_crypto
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = main_crypto(json.loads(line))
    print(json.dumps([code, said.getvalue()]), file=answers, flush=True)
"""


class Worker:
    """A process that runs command lines, ended and begun again when one takes too long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def run(self, words: list[str]) -> tuple[int, str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=self._folder,
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        print(json.dumps(words), file=process.stdin, flush=True)
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            ready = waiting.select(WAIT_S)
        answer = process.stdout.readline() if ready else ""
        if not answer:
            self.close()
            pytest.fail(f"{' '.join(words)} {'ended the process' if ready else 'did not end'}")
        code, said = json.loads(answer)
        return code, said

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
