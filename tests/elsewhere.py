"""The road in files, from a frame to a report and a sweep; run by `test_without_posix`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else "")
import tests.other_system  # noqa: F401, I001  (before anything else)

import json
import math
import os


def command(*words: object) -> int:
    """Run a command line in this process."""
    from quantlaxmi.cli import main_crypto

    return main_crypto([str(word) for word in words])


def shares(folder: Path) -> list[bool]:
    """Whether a lock is had: shared, beside others, alone, and after its owner shares it."""
    from quantlaxmi.system.flags import CREATE, UPDATE
    from quantlaxmi.system.locks import lock

    def has(fd: int, shared: bool) -> bool:
        try:
            lock(fd, shared=shared, wait=False)
        except BlockingIOError:
            return False
        return True

    one, two, three = (os.open(folder / "locked", UPDATE | CREATE) for _ in range(3))
    found = [has(one, True), has(two, True), has(three, False)]
    os.close(two)
    os.close(one)
    found += [has(three, False)]
    four = os.open(folder / "locked", UPDATE)
    found += [has(four, True), has(three, True), has(four, True)]
    os.close(three)
    os.close(four)
    return found


def refusals(folder: Path) -> tuple[str, str]:
    """What is said of a second writer, and of a link where a segment has a file."""
    import quantlaxmi as ql
    from quantlaxmi.errors import InputError
    from quantlaxmi.files import locked_folder

    said = []
    with locked_folder(folder / "frame"):
        try:
            with locked_folder(folder / "frame"):
                pass
        except InputError as error:
            said.append(error.problem)
    columns = folder / "frame" / "columns"
    columns.rename(folder / "elsewhere")
    columns.symlink_to(folder / "elsewhere")
    try:
        ql.open_segment(folder / "frame")
    except InputError as error:
        said.append(error.problem)
    return said[0], said[1]


def main(data: Path, folder: Path) -> dict[str, object]:
    """What became of each step."""
    import numpy as np

    import quantlaxmi as ql
    from quantlaxmi.parallel.processes import run_in_processes
    from tests.golden.regenerate import hashes, run

    found: dict[str, object] = {}
    time_ns = np.arange(300) * 60_000_000_000 + 1_700_000_000_000_000_000
    price = np.round(100 + np.sin(np.arange(300) / 9), 2)
    frame = {
        "time": time_ns, "open": price, "high": price + 1, "low": price - 1, "close": price,
        "volume": np.full(300, 5.0),
    }  # fmt: skip
    segment = ql.from_frame(frame, symbol="ABC", currency="USD")
    segment.save(folder / "frame")
    found["frame"] = ql.open_segment(folder / "frame").digest == segment.digest
    found["verify"] = command("segment", "verify", "--segment-dir", folder / "frame")
    found["golden"] = hashes(run("basis_capture", "default", "planted"))
    planted = data / "planted"
    for name in ("backtest", "replay"):
        code = command(
            name, "--segment-dir", planted, "--strategy", "basis_capture",
            "--run-dir", folder / name,
        )  # fmt: skip
        found[name] = code
    gates = (
        "run-gates", "--segment-dir", planted, "--strategy", "basis_capture", "--gates", "g2",
        "--trials", folder / "ledger", "--policy", folder / "policy.toml",
    )  # fmt: skip
    (folder / "policy.toml").write_text(
        '[market_null]\nn_draws = 19\nn_draws_extended = 19\ngrid_search = "off"\n'
        "[random_entry]\nn_sims = 199\n"
        '[suites]\ng2 = ["net_positive", "look_ahead", "equity", "random_entry", "market_null"]\n'
    )
    (folder / "ledger").mkdir()
    made = (*gates, "--output-report", folder / "a.json")
    found["gates"] = command(*made, "--html", folder / "a.html", "--bind", folder)
    found["again"] = command(*made)  # over the one that is there
    found["report"] = json.loads((folder / "a.json").read_text())["report_hash"]
    found["bindings"] = command("bindings", "verify", "--bind", folder)
    found["sweep"] = command(
        "sweep-gates", "--segments", data / "planted", data / "edgeless", "--strategies",
        "basis_capture", "--gates", "g2",
        "--policy", folder / "policy.toml", "--catalog", folder / "catalog", "--workers", 2,
    )  # fmt: skip
    found["compact"] = command("catalog", "compact", "--catalog", folder / "catalog")
    found["trials"] = command("trials", "verify", "--trials", folder / "ledger")
    found["processes"] = run_in_processes(math.factorial, range(5), processes=2)
    found["second"], found["link"] = refusals(folder)
    found["shares"] = shares(folder)
    found["left"] = sorted(str(one.name) for one in folder.iterdir() if one.name[0] == ".")
    found["hidden"] = [hasattr(os, "pread"), sys.modules["fcntl"] is None]
    return found


if __name__ == "__main__":
    answer = main(Path(sys.argv[2]), Path(sys.argv[3]))
    Path(sys.argv[3], "found.json").write_text(json.dumps(answer))
