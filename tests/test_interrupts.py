"""SIGINT at many stages of real commands on large generated input: each ends within a second.

The second is one of processor time after the signal, so that a busy machine fails no test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.schema import TABLES, DepthFlag
from tests.depth import DEEP, some
from tests.segments import START_NS, write_segment

CRYPTO = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
ROWS = 3_000_000 if DEEP else 600_000
POLICY = """extend_factor = 1
[random_sides]
n_draws = 2000000
[suites]
g2 = ["random_entry", "label_permutation", "market_null"]
[random_entry]
n_sims = 2000000
n_neutral_pairs = 200000
[label_permutation]
n_perms = 2000000
"""


def _market(n: int) -> dict[str, dict[str, np.ndarray]]:
    """Quotes of both instruments, with a tenth as many depth messages of five rows and trades."""
    rng = np.random.default_rng(11)
    kind = rng.choice(3, n, p=(0.8, 0.1, 0.1))
    seq = np.arange(n)
    stamps = START_NS + seq * 1_000_000
    unit = 10**8
    mid = 60_000 * unit + np.cumsum(rng.integers(-3, 4, n)) * unit
    which = rng.integers(0, 2, n)
    # The perpetual's basis swings, so that the bundled strategy trades.
    mid = mid + which * (np.sin(seq / 4_000) * 60 * unit).astype(np.int64)
    size = rng.integers(1, 9, n) * unit
    tables = {}
    for table, code, each in (
        ("quotes", 0, 1),
        ("depth", 1, 5),
        ("trades", 2, 1),
        ("funding", 3, 1),
    ):
        at = np.repeat(np.flatnonzero(kind == code), each)
        columns = {name: np.zeros(len(at), np.int64) for name in TABLES[table]}
        columns |= {"seq": seq[at], "ts_ns": stamps[at], "exch_ts_ns": stamps[at] - 1_000}
        columns["instrument"] = which[at]
        if table == "quotes":
            columns |= {"bid": mid[at] - unit, "ask": mid[at] + unit}
            columns |= {"bid_qty": size[at], "ask_qty": size[at]}
        elif table == "depth":
            place = np.tile(np.arange(each), len(at) // each)
            columns["side"] = np.where(place % 2, 1, -1)
            columns["price"] = mid[at] + columns["side"] * -(1 + place) * unit
            columns["qty"] = size[at]
            columns["flags"] = DepthFlag.SNAPSHOT + (place == each - 1) * DepthFlag.LAST
            columns["first_id"] = columns["last_id"] = columns["prev_id"] = seq[at] + 1
        elif table == "trades":
            columns |= {"price": mid[at], "qty": size[at], "side": np.where(at % 2, 1, -1)}
            columns["trade_id"] = seq[at]
        tables[table] = {name: columns[name].astype(dtype) for name, dtype in TABLES[table].items()}
    return tables


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed segment, a file of bars and a policy of many draws."""
    folder = tmp_path_factory.mktemp("large")
    write_segment(folder / "segment", _market(ROWS), pieces=40)
    with (folder / "bars.csv").open("w", encoding="ascii") as file:
        file.write("ts,open,high,low,close,volume\n")
        for start in range(0, ROWS, 10_000):
            file.writelines(
                f"{1_600_000_000_000 + 60_000 * k},100.5,109,99.75,{100 + k % 7}.5,{k % 90}.125\n"
                for k in range(start, min(ROWS, start + 10_000))
            )
    (folder / "bars.toml").write_text(BARS, encoding="ascii")
    (folder / "policy.toml").write_text(POLICY, encoding="ascii")
    return folder


BARS = """interval = "1m"
venue = "binance"
half_spread_bps = "0.5"
[time]
column = "ts"
unit = "ms"
[spot]
symbol = "BTCUSDT"
open = "open"
high = "high"
low = "low"
close = "close"
volume = "volume"
"""

#: Words of each command, with names in the folder of large input and one that does not exist.
COMMANDS = {
    "verify": "segment verify --segment-dir {large}/segment",
    "quality": "segment quality --segment-dir {large}/segment",
    "split": "segment split --segment-dir {large}/segment --rows 50000 --out {out}",
    "export": "segment export --segment-dir {large}/segment --out {out}",
    "backtest": "backtest --segment-dir {large}/segment --strategy basis_capture --run-dir {out}",
    "replay": "replay --segment-dir {large}/segment --strategy basis_capture --run-dir {out}",
    "gates": "run-gates --segment-dir {large}/segment --strategy basis_capture --gates g2"
    " --policy {large}/policy.toml",
    "import": "import --format bars --input {large}/bars.csv --mapping {large}/bars.toml"
    " --out {out}",
}


def _cpu(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ended(process: subprocess.Popen[bytes]) -> tuple[float, bytes]:
    """Processor seconds of a process that ends by itself, and what stderr said."""
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, said


def _interrupted(command: list[str], after: float) -> tuple[int, float, bytes]:
    """Exit code, processor seconds from the signal to the end, and what stderr said."""
    with _started(command) as process:
        begun = 0.0
        # By its own processor time, so that a stage is met on a busy machine too.
        while begun < after and _state(process.pid) != "Z":
            time.sleep(0.005)
            begun = _cpu(process.pid)
        # Not `send_signal`, which polls first and so reaps a process that has just ended.
        os.kill(process.pid, signal.SIGINT)
        spent, said = _ended(process)
        return process.returncode, spent - begun, said


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of every file of a folder, by its name there; empty where there is no folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processor time is read in /proc")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_stage_hears_an_interrupt(large: Path, tmp_path: Path, name: str) -> None:
    def command(k: int) -> list[str]:
        words = COMMANDS[name].format(large=large, out=tmp_path / f"out{k}").split()
        return [sys.executable, "-c", CRYPTO, *words]

    if name == "gates":
        shares = some([(4.0, 1), (9.0, 2)], 1)  # all of it takes minutes
    else:
        with _started(command(0)) as process:
            whole, said = _ended(process)
        assert process.returncode == 0, said.decode()
        shares = [(whole * k / 8, k) for k in (range(3, 8) if DEEP else (4, 6))]
    heard = 0
    for after, k in shares:
        code, seconds, said = _interrupted(command(k), after)
        if code in (0, -signal.SIGINT):  # it was done before, or just ending
            continue
        assert code == 130, said.decode()
        assert seconds < 1.0, f"{name}, interrupted after {after:.1f} s of work"
        assert said.count(b"\n") == 1 and b"interrupted" in said
        # Nothing half-made: no output, or all of it where the signal came behind the last rename.
        assert _sizes(tmp_path / f"out{k}") in ({}, _sizes(tmp_path / "out0"))
        assert {one.name for one in tmp_path.iterdir()} <= {"out0", *(f"out{k}" for _, k in shares)}
        heard += 1
    assert heard > 0, "it ended before every signal"
