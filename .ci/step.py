"""Runs one step of the build, and says what it is and for how long it has been at it.

    python .ci/step.py LOG WHAT COMMAND [ARGUMENT ...]

The step's output goes to the file LOG and is shown only where the step fails. On a terminal the
seconds count; elsewhere a line stands at the start, every half a minute, and at the end.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def main(log: str, what: str, *command: str) -> int:
    begun, terminal = time.monotonic(), sys.stderr.isatty()

    def say(text: str, end: str) -> None:
        start = "\r" if terminal else ""
        seconds = f"[{time.monotonic() - begun:4.0f} s]"
        sys.stderr.write(f"{start}make: {seconds} {text}{end}")
        sys.stderr.flush()

    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with (
        Path(log).open("wb") as out,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        ) as step,
    ):
        while True:
            say(what, "" if terminal else "\n")
            try:
                code = step.wait(1 if terminal else 30)
                break
            except subprocess.TimeoutExpired:
                continue
            except KeyboardInterrupt:  # the step hears of it too
                step.wait()
                return 130
    say(f"{what}: {'done' if code == 0 else f'failed with exit code {code}'}", "\n")
    if code != 0:
        sys.stderr.write(Path(log).read_text(encoding="utf-8", errors="replace"))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
