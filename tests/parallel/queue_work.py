"""What the processes of a test's work queue do."""

from __future__ import annotations

import os
import time
from pathlib import Path

KEPT: list[bytes] = []


def noted(packed: bytes) -> int:
    """Write down what was sent, and by whom it was read; of b"slow ..." after a while.

    Of b"grow N" so many MiB stay.
    """
    if packed.startswith(b"die"):
        os._exit(3)
    if packed.startswith(b"slow"):
        time.sleep(0.3)
    if packed.startswith(b"grow"):
        KEPT.append(b"x" * (int(packed.split()[1]) << 20))
    place = Path(os.environ["QUANTLAXMI_TEST_NOTES"])
    with place.open("a") as out:
        out.write(f"{os.getpid()} {packed.decode()}\n")
    return os.getpid()
