"""Imports of India's sessions that are killed, and bhavcopies of days that end after an expiry."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from quantlaxmi.importers import import_capture
from quantlaxmi.importers.nse.contracts import IST, ns_of
from quantlaxmi.schema import ChainFlag
from quantlaxmi.segment import open_segment, verify_segment
from tests.importers.test_nse_chain import make_day
from tests.importers.test_udiff import write

MAIN = "import sys; from quantlaxmi.cli import main_india; sys.exit(main_india())"
#: Stops at a stage until it is killed; the stages of an import that have begun something.
STALLED = """
import sys, time
from quantlaxmi.cli import main_india
from quantlaxmi.segment import SegmentWriter
stage = sys.argv.pop()
kept = getattr(SegmentWriter, stage)
def stalled(self, *words, **more):
    if stage == "seal":
        print("here", flush=True); time.sleep(60)
    kept(self, *words, **more)
    print("here", flush=True); time.sleep(60)
setattr(SegmentWriter, stage, stalled)
sys.exit(main_india())
"""


@pytest.mark.parametrize("stage", ["append", "seal"])
def test_a_killed_import_leaves_no_segment_and_the_same_command_works(
    tmp_path: Path, stage: str
) -> None:
    times = [(f"09{minute:02d}16", f"09:{minute - 1:02d}:45", 203.05) for minute in range(20, 26)]
    day = make_day(tmp_path / "day", *times)
    words = ["import", "--format", "nse-chain", "--input", str(day), "--underlying", "NIFTY"]
    words += ["--out", str(tmp_path / "s")]
    killed = subprocess.Popen(
        [sys.executable, "-c", STALLED, *words, stage], stdout=subprocess.PIPE
    )
    assert killed.stdout is not None
    with killed.stdout as out:
        assert out.readline() == b"here\n"
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "s").exists()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert all(name == "day" or name.startswith(".") for name in left), left
    done = subprocess.run([sys.executable, "-c", MAIN, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    verify_segment(tmp_path / "s")
    never = import_capture("nse-chain", inputs=[day], underlying="NIFTY", out=tmp_path / "never")
    assert never.segment.digest == open_segment(tmp_path / "s").digest
    assert never.messages_by_kind["chain"] == 6


def test_contracts_settle_before_the_snapshot_where_a_session_ends_after_the_expiry(
    tmp_path: Path,
) -> None:
    """From 2026-08-03 the session ends at 15:40; what expires ends at 15:30."""
    rows = (
        ("IDO", 11, "2026-08-04", "24500.00", "CE", "12.05", 650, 12, 65),
        ("IDO", 12, "2026-08-04", "24600.00", "PE", "95.30", 65, 1, 65),
        ("IDF", 13, "2026-08-25", "", "", "24600.10", 325, 4, 65),
    )
    for k, day in enumerate(("2026-07-31", "2026-08-03", "2026-08-04")):
        write(tmp_path / "in", day, rows, underlying=f"{24_500 + 10 * k}.65")
    result = import_capture(
        "udiff", inputs=[tmp_path / "in"], underlying="NIFTY", out=tmp_path / "s"
    )
    verify_segment(tmp_path / "s")

    def at(text: str) -> int:
        return ns_of(datetime.fromisoformat(text).replace(tzinfo=IST))

    chain, settled = (result.segment.columns(name) for name in ("chain", "settlement"))
    last = chain["flags"] & ChainFlag.LAST > 0
    ends = ["2026-07-31T15:30", "2026-08-03T15:40", "2026-08-04T15:40"]
    assert chain["ts_ns"][last].tolist() == [at(text) for text in ends]
    assert settled["ts_ns"].tolist() == [at("2026-08-04T15:30")] * 2
    assert settled["price"].tolist() == [2_452_065] * 2
    assert chain["seq"][last].tolist() == [0, 1, 4] and settled["seq"].tolist() == [2, 3]
    assert settled["instrument"].tolist() == [0, 1]
    expiries = [one.expiry_ns for one in result.segment.instruments]
    assert expiries == [at("2026-08-04T15:30")] * 2 + [at("2026-08-25T15:30")]
    assert chain["instrument"][chain["seq"] == 4].tolist() == [0, 1, 2]
