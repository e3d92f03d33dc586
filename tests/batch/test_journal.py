"""The journal: chained lines, whole or not at all, of one writer a file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tracemalloc
import warnings

import pytest

from quantlaxmi.batch import journal
from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.journal import JournalFile, JournalWriter
from quantlaxmi.batch.records import Finished, Timings, Writer
from quantlaxmi.errors import CatalogError, LeftoverRemoved

ID = "0" * 8 + "-0000-4000-8000-" + "0" * 12


def finished(n, **more):
    return Finished(key=f"{n:064x}", status="failed", error=f"item {n}", **more)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "journal").mkdir()
    return tmp_path


@pytest.fixture
def written(folder):
    writer = JournalWriter(folder, Writer(catalog=ID, schema=1))
    writer.add([finished(n, timings=Timings(wall_s=0.1 * n)) for n in range(3)])
    writer.flush()
    writer.close()
    return writer.path


def test_what_is_written_is_read_back_in_order(written):
    file = JournalFile(written, ID)
    assert [one.error for one in file.refresh()] == ["item 0", "item 1", "item 2"]
    assert (file.lines, file.torn, file.size) == (4, 0, written.stat().st_size)
    assert file.refresh() == []


def test_lines_are_chained_as_the_format_says(written):
    before = "0" * 64
    for index, text in enumerate(written.read_bytes().splitlines(keepends=True)):
        plain = json.loads(text)
        assert (plain["index"], plain["previous"]) == (index, before)
        assert text.startswith(b'{"hash":"' + plain["hash"].encode())
        bare = text.replace(plain["hash"].encode(), b"", 1)
        assert hashlib.sha256(b"quantlaxmi.journal/1\n" + bare).hexdigest() == plain["hash"]
        before = plain["hash"]


def test_nothing_is_made_before_there_is_a_line(folder):
    writer = JournalWriter(folder, Writer(catalog=ID, schema=1))
    writer.flush()
    writer.close()
    assert list((folder / "journal").iterdir()) == []


def test_lines_are_durable_at_sixty_four_or_after_a_second(folder, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(journal.time, "monotonic", lambda: clock[0])
    writer = JournalWriter(folder, Writer(catalog=ID, schema=1))
    writer.add(finished(n) for n in range(63))
    writer.tick()
    assert writer.lines == 0
    writer.add([finished(63)])
    assert writer.lines == 65
    writer.add([finished(64)])
    clock[0] = 0.9
    writer.tick()
    assert writer.lines == 65
    clock[0] = 1.0
    writer.tick()
    assert writer.lines == 66
    writer.close()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda lines: [lines[0], *lines[2:]], "line 2.*removed or moved"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 2.*removed or moved"),
        (lambda lines: [*lines[:2], lines[2].replace(b"item 1", b"item 7"), lines[3]], "changed"),
        (lambda lines: lines[1:], "line 1.*removed or moved"),
        (lambda lines: [lines[0].replace(b":1", b": 1", 1), *lines[1:]], "canonical"),
        (lambda lines: [b"{}\n"], "line 1.*missing"),
        (lambda lines: [b"\xff\n"], "the chain is broken"),
        (lambda lines: [b"[" * 100_000 + b"\n"], "longer than"),
        (lambda lines: [b"[" * 60_000 + b"\n"], "the chain is broken"),
    ],
)
def test_a_changed_journal_is_refused_by_file_and_line(written, edit, said):
    written.write_bytes(b"".join(edit(written.read_bytes().splitlines(keepends=True))))
    with pytest.raises(CatalogError, match=said) as refused:
        JournalFile(written, ID).refresh()
    assert str(written) in str(refused.value) and "\n" not in str(refused.value)


def test_a_journal_of_another_catalog_is_refused(written):
    with pytest.raises(CatalogError, match="is of catalog"):
        JournalFile(written, ID.replace("8", "9")).refresh()


def test_lines_removed_while_it_is_read_are_seen(written):
    file = JournalFile(written, ID)
    file.refresh()
    os.truncate(written, 100)
    with pytest.raises(CatalogError, match="became shorter"):
        file.refresh()


def test_a_file_without_lines_takes_no_memory(written):
    """A file of nothing, as long as a journal may be: it was read whole before it was looked at."""
    os.truncate(written, 1 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(CatalogError, match=r"line 5.*is longer than 65536 bytes"):
            JournalFile(written, ID).refresh()
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_lines_of_a_long_file_are_read_over_pieces(written, monkeypatch):
    whole = JournalFile(written, ID)
    expected = whole.refresh()
    for piece in (1, 7, 300):
        monkeypatch.setattr(journal, "_PIECE_BYTES", piece)
        file = JournalFile(written, ID)
        assert file.refresh() == expected
        assert (file.lines, file.last, file.size, file.torn) == (4, whole.last, whole.size, 0)


@pytest.mark.parametrize("kept", [1, 40, 200])
def test_a_torn_last_line_counts_for_nothing_and_is_cut_and_told(tmp_path, kept):
    catalog = Catalog.create(tmp_path / "c")
    writer = catalog.writer()
    writer.add([finished(n) for n in range(3)])
    writer.flush()
    writer.close()
    whole = writer.path.read_bytes()
    writer.path.write_bytes(whole + whole.splitlines(keepends=True)[1][:kept])
    catalog.refresh()
    assert catalog.describe()["torn_bytes"] == kept
    with pytest.warns(LeftoverRemoved, match=rf"after line 4.*removed {kept} bytes?\b"):
        catalog.cut_torn()
    assert writer.path.read_bytes() == whole


def test_a_line_under_way_of_a_sweep_that_runs_is_not_cut(tmp_path):
    catalog = Catalog.create(tmp_path / "c")
    writer = catalog.writer()
    writer.add([finished(0)])
    writer.flush()
    with writer.path.open("ab") as file:
        file.write(b'{"hash"')
    catalog.refresh()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalog.cut_torn()
    assert writer.path.read_bytes().endswith(b'{"hash"')
    writer.close()


def test_a_full_disk_tears_no_line_and_the_next_flush_writes_it(folder, monkeypatch):
    writer = JournalWriter(folder, Writer(catalog=ID, schema=1))
    writer.add([finished(0)])
    writer.flush()
    before = writer.path.read_bytes()
    real = os.write

    def half(fd, data):
        real(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal.os, "write", half)
    writer.add([finished(1)])
    with pytest.raises(CatalogError, match="cannot be written: No space left"):
        writer.flush()
    assert writer.path.read_bytes() == before
    monkeypatch.setattr(journal.os, "write", real)
    writer.flush()
    writer.close()
    assert len(JournalFile(writer.path, ID).refresh()) == 2


FORGED = {
    "mean": {"mean": "nan", "sd": "1", "buckets": 200},
    "buckets": {"buckets": 200},
    "exceedances": {"drifting": {"draws": 3, "exceedances": 14}},
    "places": {"drifting": {"draws": 30, "exceedances": 2, "first": [9, 9]}},
    "late": {"drifting": {"draws": 30, "exceedances": 2, "first": [9, 31]}},
    "p": {"p_equity": 1.5},
    "net": {"net": "1e9"},
    "unknown": {"code": "import os"},
}


@pytest.mark.parametrize("name", FORGED)
def test_figures_that_no_item_has_are_refused_although_their_chain_fits(folder, name):
    """Whoever forges a line forges its hash too: what it says is checked all the same."""
    figures = {"verdict": "PASS", "config_hash": "0" * 64, "report_hash": "0" * 64}
    record = {"type": "item", "key": "0" * 64, "status": "done", "figures": figures}
    records = [{"type": "writer", "catalog": ID, "schema": 1}, record]
    for edit, sound in (({}, True), (FORGED[name], False)):
        record["figures"] = {**figures, **edit}
        before, lines = "0" * 64, []
        for index, one in enumerate(records):
            plain = {"hash": "", "index": index, "previous": before, "record": one}
            bare = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            before = hashlib.sha256(b"quantlaxmi.journal/1\n" + bare).hexdigest()
            lines.append(bare.replace(b'"hash":""', f'"hash":"{before}"'.encode(), 1))
        path = folder / "journal" / "forged.jsonl"
        path.write_bytes(b"".join(lines))
        if sound:
            assert len(JournalFile(path, ID).refresh()) == 1
        else:
            with pytest.raises(CatalogError, match=r"line 2.*the chain is broken"):
                JournalFile(path, ID).refresh()
