"""The log after crashes: cut at the last whole batch, continued, sealed."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.parallel.threads import Threads
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter, open_segment, recover
from quantlaxmi.segment.rows import RowRules
from quantlaxmi.segment.wal import END_MARK, LogFileReader
from tests.depth import DEEP
from tests.segments import INSTRUMENTS, make_tables, rows_of

QUOTES = {name: column[:40] for name, column in make_tables(200)["quotes"].items()}


class Died(Exception):
    pass


def crashed(path, *, flushes=5, rows=8, roll_bytes=1 << 20):
    """A recording whose writer died after some flushed batches of quotes."""
    with (
        pytest.raises(Died),
        SegmentWriter(path, venue="v", instruments=INSTRUMENTS, roll_bytes=roll_bytes) as writer,
    ):
        for k in range(flushes):
            part = slice(k * rows, (k + 1) * rows)
            writer.append("quotes", {name: column[part] for name, column in QUOTES.items()})
            writer.flush()
        raise Died
    return path


def test_a_clean_end_has_nothing_to_cut(tmp_path):
    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS) as writer:
        writer.append("quotes", QUOTES)
    report = recover(tmp_path / "s")
    assert report.cuts == ()
    assert report.rows == dict.fromkeys(TABLES, 0) | {"quotes": 40}
    assert (tmp_path / "s/wal/quotes-000.arrows").read_bytes().endswith(END_MARK)


def test_a_log_cut_at_any_byte_keeps_every_whole_batch(tmp_path):
    path = crashed(tmp_path / "s") / "wal" / "quotes-000.arrows"
    data = path.read_bytes()
    kept_at = {}
    for size in [*range(0, 1000, 61), *range(1000, len(data), 173), len(data)]:
        path.write_bytes(data[:size])
        report = recover(tmp_path / "s")
        rows = report.rows["quotes"]
        kept_at[size] = rows
        assert rows % 8 == 0
        if rows:
            whole = path.read_bytes()
            assert whole.endswith(END_MARK)
            assert data.startswith(whole[: -len(END_MARK)])
        else:
            assert not path.exists()
        again = recover(tmp_path / "s")
        assert (again.cuts, again.rows) == ((), report.rows)
        assert sum(cut.cut_bytes for cut in report.cuts) == size - (
            len(whole) - len(END_MARK) if rows else 0
        )
    assert list(kept_at.values()) == sorted(kept_at.values())
    assert set(kept_at.values()) == {0, 8, 16, 24, 32, 40}


@pytest.mark.parametrize("tail", [1, 3, 4, 7, 8, 9, 4096])
@pytest.mark.parametrize("byte", [0, 255, 7])
def test_a_filled_tail_is_cut_and_reported(tmp_path, tail, byte):
    path = crashed(tmp_path / "s") / "wal" / "quotes-000.arrows"
    with path.open("ab") as file:
        file.write(bytes([byte]) * tail)
    [cut] = recover(tmp_path / "s").cuts
    assert (cut.file, cut.table) == ("wal/quotes-000.arrows", "quotes")
    assert (cut.kept_batches, cut.kept_rows, cut.cut_bytes) == (5, 40, tail)
    assert cut.reason
    with SegmentWriter.resume(tmp_path / "s") as writer:
        segment = writer.seal()
    assert segment.manifest.cuts == (cut,)
    np.testing.assert_array_equal(segment.columns("quotes")["bid"], QUOTES["bid"])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_log_hashed_beside_its_reading_has_the_hash_of_its_bytes(tmp_path, threads):
    """Batches of many sizes, below and above what is handed to a thread."""
    quotes = make_tables(9000)["quotes"]
    rows, at = len(quotes["seq"]), 0
    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS) as writer:
        for n in (1, 700, 3, 2000, 1500, rows):
            part = slice(at, at + n)
            writer.append("quotes", {name: column[part] for name, column in quotes.items()})
            writer.flush()
            at += n
    name = "wal/quotes-000.arrows"
    data = (tmp_path / "s" / name).read_bytes()
    with Threads(threads) as pool:
        rules = RowRules("quotes", len(INSTRUMENTS))
        with LogFileReader(tmp_path / "s", name, rules, 0, pool=pool) as reader:
            assert sum(len(batch["seq"]) for batch in reader) == rows
            assert reader.ended
            assert reader.sha256 == hashlib.sha256(data).hexdigest()


def test_a_batch_with_a_wrong_checksum_or_number_is_not_kept(tmp_path):
    path = crashed(tmp_path / "s") / "wal" / "quotes-000.arrows"
    data = path.read_bytes()
    at = data.rfind(QUOTES["bid"][32:40].tobytes())
    assert at > 0
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    [cut] = recover(tmp_path / "s").cuts
    assert (cut.kept_rows, cut.reason) == (32, "batch 4 does not have its checksum")


def test_writing_goes_on_in_a_new_file_and_can_be_sealed(tmp_path):
    crashed(tmp_path / "s", flushes=3)
    with (tmp_path / "s/wal/quotes-000.arrows").open("ab") as file:
        file.write(b"torn")
    with SegmentWriter.resume(tmp_path / "s") as writer:
        assert writer.recovery.rows["quotes"] == 24
        with pytest.raises(SegmentError, match="expected above"):
            writer.append("quotes", QUOTES)
        writer.append("quotes", {name: column[24:] for name, column in QUOTES.items()})
        segment = writer.seal()
    assert [log.file for log in segment.manifest.tables[0].log] == [
        "wal/quotes-000.arrows",
        "wal/quotes-001.arrows",
    ]
    for name, column in open_segment(tmp_path / "s", verify="all").columns("quotes").items():
        np.testing.assert_array_equal(column, QUOTES[name])


def test_damage_that_no_crash_makes_is_refused(tmp_path):
    crashed(tmp_path / "s", roll_bytes=1)  # every batch in a file of its own
    first = tmp_path / "s/wal/quotes-001.arrows"
    data = first.read_bytes()
    first.write_bytes(data[:-9])
    with pytest.raises(SegmentCorrupt, match=r"quotes-001\.arrows"):
        recover(tmp_path / "s")
    first.unlink()
    with pytest.raises(SegmentCorrupt, match=r"quotes-001\.arrows: is missing"):
        recover(tmp_path / "s")
    first.symlink_to("quotes-000.arrows")
    with pytest.raises(SegmentCorrupt, match="symbolic link"):
        recover(tmp_path / "s")
    first.unlink()
    first.write_bytes(data)
    (tmp_path / "s/wal/notes.txt").touch()
    with pytest.raises(SegmentCorrupt, match=r"notes\.txt: is not a log file"):
        recover(tmp_path / "s")


def test_a_sealing_that_died_is_begun_again(tmp_path):
    crashed(tmp_path / "s")
    (tmp_path / "s/columns").mkdir()
    (tmp_path / "s/columns/quotes.arrow").write_bytes(b"half")
    with SegmentWriter.resume(tmp_path / "s") as writer:
        assert writer.seal().counts["quotes"].rows == 40
    with pytest.raises(SegmentError, match="is sealed"):
        recover(tmp_path / "s")
    with pytest.raises(SegmentError, match="is sealed"):
        SegmentWriter.resume(tmp_path / "s")


def test_two_writers_cannot_share_a_recording(tmp_path):
    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS):
        with pytest.raises(SegmentError, match="another process"):
            recover(tmp_path / "s")
        with pytest.raises(SegmentError, match="another process"):
            SegmentWriter.resume(tmp_path / "s")
    recover(tmp_path / "s")


def test_a_writer_that_cannot_write_lets_go_and_leaves_whole_batches(tmp_path, monkeypatch):
    from quantlaxmi.segment import wal

    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS) as writer:
        writer.append("quotes", {name: column[:8] for name, column in QUOTES.items()})
        writer.flush()

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(wal, "make_batch", full)
        writer.append("quotes", {name: column[8:] for name, column in QUOTES.items()})
        with pytest.raises(SegmentError, match=r"quotes-000\.arrows: cannot be written: No space"):
            writer.flush()
        with pytest.raises(SegmentError, match="no longer open"):
            writer.append("quotes", QUOTES)
    assert recover(tmp_path / "s").rows["quotes"] == 8


RECORDER = """
import os, sys
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter
from tests.segments import rows_of

path, rows = sys.argv[1], int(sys.argv[2])
with SegmentWriter.resume(path, batch_rows=200, roll_bytes=200_000) as writer:
    first = max(writer.recovery.last_seq.values()) + 1
    os.write(1, b"R\\n")
    while True:
        for k, table in enumerate(TABLES):
            start = first + k * rows
            writer.append(table, rows_of(table, range(start, start + rows)))
        writer.flush()
        os.write(1, b"%d\\n" % first)
        first += rows * len(TABLES)
"""
SEALER = """
import os, sys
from quantlaxmi.segment import SegmentWriter
with SegmentWriter.resume(sys.argv[1]) as writer:
    os.write(1, b"R\\n")
    writer.seal()
"""


def run_and_kill(code, *arguments, after, lines=0):
    """Start a child, let it say that it is ready and some lines, SIGKILL it; give its lines."""
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, cwd=root
    ) as child:
        assert child.stdout.readline() == b"R\n"
        first = b"".join(child.stdout.readline() for _ in range(lines))
        time.sleep(after)
        child.kill()
        said = (first + child.stdout.read()).split(b"\n")[:-1]  # a torn line was not said
    return said, child.returncode


def test_sigkill_at_random_moments_loses_no_flushed_batch(tmp_path):
    path, rows, kills = tmp_path / "s", 600, 25 if DEEP else 12
    with SegmentWriter(path, venue="v", instruments=INSTRUMENTS):
        pass
    pause, promised, cuts, last_seq = random.Random(11), set(), 0, -1
    for _ in range(kills):
        after, lines = pause.uniform(0, 0.04), pause.randrange(3)
        said, code = run_and_kill(RECORDER, path, rows, after=after, lines=lines)
        assert code == -signal.SIGKILL
        promised.update(int(line) for line in said)
        report = recover(path)
        cuts += len(report.cuts)
        for k, table in enumerate(TABLES):
            ended = max((first + (k + 1) * rows - 1 for first in promised), default=-1)
            assert report.last_seq[table] >= ended
        assert max(report.last_seq.values()) >= last_seq
        last_seq = max(report.last_seq.values())
    with SegmentWriter.resume(path) as writer:
        first = last_seq + 1
        writer.append("trades", rows_of("trades", range(first, first + rows)))
        segment = writer.seal()
    assert len(promised) > 5
    for k, table in enumerate(TABLES):
        columns = segment.columns(table)
        kept = set(columns["seq"].tolist())
        for first in promised:
            assert kept.issuperset(range(first + k * rows, first + (k + 1) * rows))
        for name, expected in rows_of(table, columns["seq"]).items():
            np.testing.assert_array_equal(columns[name], expected)
    open_segment(path, verify="all")
    print(f"{kills} kills, {cuts} torn files cut, {len(promised)} flushes kept")


@pytest.mark.filterwarnings("ignore::quantlaxmi.errors.LeftoverRemoved")
def test_sigkill_while_sealing_leaves_a_recording_or_a_segment(tmp_path):
    with SegmentWriter(tmp_path / "base", venue="v", instruments=INSTRUMENTS) as writer:
        for table, columns in make_tables(2000).items():
            writer.append(table, columns)
    shutil.copytree(tmp_path / "base", tmp_path / "whole")
    with SegmentWriter.resume(tmp_path / "whole") as writer:
        digest = writer.seal().digest
    pause = random.Random(5)
    for k in range(6):
        path = shutil.copytree(tmp_path / "base", tmp_path / f"{k}")
        run_and_kill(SEALER, path, after=pause.uniform(0, 0.03))
        try:
            segment = open_segment(path, verify="all")
        except SegmentError as error:
            assert not isinstance(error, SegmentCorrupt)
            with SegmentWriter.resume(path) as writer:
                segment = writer.seal()
        assert segment.digest == digest
