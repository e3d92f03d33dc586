"""A catalog: the union of its journals, reports whose content names them, a view that is a view."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantlaxmi.batch import Catalog, compact, export_catalog, parquet
from quantlaxmi.batch.parquet import REPORTS
from quantlaxmi.batch.records import Finished
from quantlaxmi.batch.report_files import load_item, report_name, store_item
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import CatalogError, NondeterminismError
from quantlaxmi.report import run_gates
from tests.batch.catalogs import DATA, filled, item_report, made_plan


@pytest.fixture
def catalog(tmp_path):
    return filled(tmp_path / "c")


def test_rows_are_the_union_of_all_journals(tmp_path):
    one = filled(tmp_path / "c", (0,))
    two = filled(tmp_path / "c", (1,))
    assert [row.status for row in one.refresh().rows.values()] == ["done", "done"]
    assert one.rows_hash() == two.rows_hash() == filled(tmp_path / "d").rows_hash()
    assert len(one.journal_lines) == 2


def test_a_report_is_the_one_that_run_gates_makes(catalog):
    made = made_plan()
    for item in made.items:
        report = run_gates(item.segment, "basis_capture", policy=made.policy)
        assert catalog.report(item.key).report_hash == report.report_hash
        row = catalog.rows[item.key].finished.figures
        assert (row.verdict, row.report_hash) == (report.verdict, report.report_hash)
        equity = report.results[0].result("equity")
        assert row.p_equity == equity.details["p_value"]


def test_the_same_item_has_the_same_bytes_and_other_bytes_are_kept_beside(catalog, tmp_path):
    found = item_report(0)
    name = report_name(found.key)
    before = (catalog.folder / name).read_bytes()
    store_item(catalog.folder, found)
    assert (catalog.folder / name).read_bytes() == before
    import msgspec

    other = msgspec.structs.replace(
        found, figures=msgspec.structs.replace(found.figures, unseen="something else")
    )
    with pytest.raises(NondeterminismError, match="other content than the same item gave now"):
        store_item(catalog.folder, other)
    assert (catalog.folder / name).read_bytes() == before
    beside = [p for p in (catalog.folder / name).parent.iterdir() if p.name != f"{found.key}.json"]
    assert [p.read_bytes() for p in beside] == [other.to_bytes()]


def test_two_reports_of_one_item_in_journals_are_an_error(catalog):
    key = item_report(0).key
    figures = item_report(0).figures
    writer = catalog.writer()
    writer.add([Finished(key=key, status="done", figures=figures, report="0" * 64)])
    writer.flush()
    writer.close()
    with pytest.raises(NondeterminismError, match="two reports of item"):
        Catalog.open(catalog.folder)


def test_a_failure_gives_way_to_a_report_and_never_the_other_way_round(tmp_path):
    catalog = filled(tmp_path / "c", (0,))
    keys = [item.key for item in made_plan().items]
    writer = catalog.writer()
    writer.add(Finished(key=key, status="failed", error="no") for key in keys)
    writer.flush()
    writer.close()
    assert [catalog.refresh().rows[key].status for key in keys] == ["done", "failed"]
    filled(tmp_path / "c", (1,))
    assert [catalog.refresh().rows[key].status for key in keys] == ["done", "done"]


def test_verify_reads_every_byte(catalog):
    assert catalog.verify() == catalog.rows_hash()
    path = catalog.folder / report_name(item_report(1).key)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CatalogError):
            catalog.verify()
    path.unlink()
    with pytest.raises(CatalogError, match="is missing"):
        catalog.verify()


def test_a_report_with_hashes_that_fit_a_lie_is_refused(catalog):
    """Who changes a figure and makes every hash of the file again is told by the journal."""
    import msgspec

    found = item_report(0)
    figures = msgspec.structs.replace(found.figures, net="1000000")
    lie = msgspec.structs.replace(found, figures=figures)
    (catalog.folder / report_name(found.key)).write_bytes(lie.to_bytes())
    load_item(catalog.folder, found.key)
    with pytest.raises(CatalogError, match="the journal says otherwise"):
        catalog.verify()


def test_links_and_foreign_names_are_refused(catalog, tmp_path):
    key = item_report(0).key
    path = catalog.folder / report_name(key)
    moved = path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(moved)
    with pytest.raises(CatalogError, match="symbolic link"):
        catalog.report(key)
    with pytest.raises(CatalogError, match="64 hexadecimal"):
        report_name("../../../etc/passwd")
    (catalog.folder / "journal" / "notes.txt").write_text("x")
    with pytest.raises(CatalogError, match="not named as a journal"):
        Catalog.open(catalog.folder)
    shutil.rmtree(catalog.folder / "journal")
    (catalog.folder / "journal").symlink_to(tmp_path)
    with pytest.raises(CatalogError, match="symbolic link"):
        Catalog.open(catalog.folder)


@pytest.mark.parametrize(
    "name", ["reports", "reports/json", "checkpoints", "timings", "gates", "trials", "journal"]
)
def test_a_folder_that_is_a_link_is_refused_before_anything_is_written(catalog, tmp_path, name):
    """A stranger's link had a sweep write reports and checkpoints where it led, and remove them."""
    compact(catalog)
    elsewhere = tmp_path / "elsewhere"
    place = catalog.folder / name
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    before = sorted((path, path.stat().st_mtime_ns) for path in elsewhere.rglob("*"))
    where = ["--catalog", str(catalog.folder)]
    sweep = ["sweep-gates", "--segments", str(DATA / "planted"), "--strategies", "basis_capture"]
    for words in ([*sweep, *where], ["catalog", "compact", *where], ["sweep-report", *where]):
        assert main_crypto(words) == 2
    with pytest.raises(CatalogError, match="is a symbolic link"):
        Catalog.create(catalog.folder)
    assert sorted((path, path.stat().st_mtime_ns) for path in elsewhere.rglob("*")) == before


def test_open_and_create_say_what_a_folder_is(tmp_path, catalog):
    with pytest.raises(CatalogError, match="is no catalog"):
        Catalog.open(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(CatalogError, match="has other files"):
        Catalog.create(tmp_path / "full")
    head = catalog.folder / "catalog.json"
    plain = json.loads(head.read_text())
    for value, said in (
        ({**plain, "schema": 2}, "newer"),
        ({**plain, "format": "x"}, "is not that of a catalog"),
        ([], "is not that of a catalog"),
        ({**plain, "more": 1}, "is not that of a catalog"),
    ):
        head.write_text(json.dumps(value))
        with pytest.raises(CatalogError, match=said):
            Catalog.open(catalog.folder)
    with pytest.raises(CatalogError, match="inside the segment"):
        Catalog.create(made_plan().items[0].segment / "c")


def test_a_creation_that_was_killed_is_made_again(tmp_path):
    (tmp_path / "c" / "journal").mkdir(parents=True)
    assert Catalog.create(tmp_path / "c").rows == {}


def test_compaction_is_a_view_and_deleting_it_loses_nothing(catalog):
    table = catalog.table().arrow
    assert compact(catalog) == 2
    first = sorted(p.name for p in (catalog.folder / "reports").glob("part-*"))
    assert catalog.view() == "current"
    assert pq.read_table(catalog.folder / "reports" / first[0]) == table
    assert pq.read_table(next((catalog.folder / "gates").glob("*.parquet"))).num_rows == 4
    assert pq.read_table(next((catalog.folder / "timings").glob("*.parquet"))).num_rows == 2
    compact(catalog)
    assert sorted(p.name for p in (catalog.folder / "reports").glob("part-*")) == first
    for name in ("timings", "gates", "trials"):
        shutil.rmtree(catalog.folder / name)
    for one in (catalog.folder / "reports").glob("*.parquet"):
        one.unlink()
    (catalog.folder / "reports" / "_manifest.json").unlink()
    again = Catalog.open(catalog.folder)
    assert again.view() == "none" and again.table().arrow == table
    assert again.verify() == catalog.rows_hash()


def test_the_view_that_lies_is_refused(catalog):
    compact(catalog)
    place = catalog.folder / "reports"
    manifest = json.loads((place / "_manifest.json").read_text())
    part = place / manifest["reports"][0]["file"]
    whole = part.read_bytes()
    part.write_bytes(whole[:-1])
    with pytest.raises(CatalogError, match="was changed"):
        catalog.verify()
    part.write_bytes(whole)
    for change, said in (
        ({"file": "../../secrets.parquet"}, "which is no part"),
        ({"rows": "two"}, "is no manifest"),
    ):
        edited = {**manifest, "reports": [{**manifest["reports"][0], **change}]}
        (place / "_manifest.json").write_text(json.dumps(edited))
        with pytest.raises(CatalogError, match=said):
            catalog.verify()


def test_a_view_of_other_rows_is_told_and_never_decoded(catalog, monkeypatch, capsys):
    """8 kB whose rows unpack to 20 GB: its decoding took all memory, and its rows were believed."""
    table = catalog.table().arrow
    compact(catalog)
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), ["x" * 10**6])
    columns = [long if f.name == "error" else pa.nulls(20_000, f.type) for f in REPORTS]
    data = parquet.part_bytes(pa.Table.from_arrays(columns, names=REPORTS.names))
    assert len(data) < 100_000
    place = catalog.folder / "reports"
    manifest = json.loads((place / "_manifest.json").read_text())
    for name, content, rows in (
        ("a bomb", data, 20_000),
        ("a thousand million rows", parquet.part_bytes(table), 10**9),
        ("rows of another table", parquet.part_bytes(table.slice(1)), 1),
    ):
        digest = hashlib.sha256(content).hexdigest()
        file = f"part-{digest[:16]}.parquet"
        (place / file).write_bytes(content)
        edited = {**manifest, "reports": [{"file": file, "rows": rows, "sha256": digest}]}
        (place / "_manifest.json").write_text(json.dumps(edited))
        with monkeypatch.context() as patched:
            patched.setattr(pq, "ParquetFile", None)
            assert catalog.verify() == catalog.rows_hash(), name
            assert catalog.view() == "other", name
    where = ["catalog", "verify", "--catalog", str(catalog.folder)]
    assert main_crypto(where) == 0 and "has other rows" in capsys.readouterr().out
    compact(catalog)
    assert main_crypto([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["view"] == "current"
    writer = catalog.writer()
    writer.add([made_plan().items[0].planned])
    writer.flush()
    writer.close()
    assert catalog.refresh().view() == "older"


def test_one_compaction_at_a_time(catalog):
    import fcntl

    with (catalog.folder / "reports" / "_compaction.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CatalogError, match="compacted by another process"):
            compact(catalog)


def test_columns_are_promises():
    names = " ".join(REPORTS.names)
    assert names.startswith("key segment_id segment_digest strategy_id code_digest grid_hash")
    assert REPORTS.field("p_equity").type == pa.float64()


def test_export_gives_the_rows_to_others(catalog, tmp_path):
    import sqlite3
    from contextlib import closing

    assert export_catalog(catalog, tmp_path / "rows.parquet", "parquet") == 2
    assert pq.read_table(tmp_path / "rows.parquet") == catalog.table().arrow
    assert export_catalog(catalog, tmp_path / "rows.db", "sqlite") == 2
    with closing(sqlite3.connect(tmp_path / "rows.db")) as base:
        found = base.execute("SELECT key, verdict, p_equity FROM reports ORDER BY key").fetchall()
    table = catalog.table()
    assert found == list(zip(table["key"], table["verdict"], table["p_equity"], strict=True))
    with pytest.raises(CatalogError, match="is there and is not an SQLite"):
        export_catalog(catalog, tmp_path / "rows.parquet", "sqlite")
    with pytest.raises(CatalogError, match="expected parquet or sqlite"):
        export_catalog(catalog, tmp_path / "x", "csv")


def test_an_export_goes_to_a_url(catalog, tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra dev)")
    system = fsspec.filesystem("memory")
    url = f"memory://out{tmp_path}/rows.parquet"
    for _ in range(2):  # a file of the same format is replaced
        assert export_catalog(catalog, url, "parquet") == 2
        with system.open(url, "rb") as file:
            assert pq.read_table(file) == catalog.table().arrow
    with pytest.raises(CatalogError, match="is there and is not an SQLite"):
        export_catalog(catalog, url, "sqlite")
    assert export_catalog(catalog, f"file://{tmp_path}/rows.db", "sqlite") == 2
    assert (tmp_path / "rows.db").read_bytes().startswith(b"SQLite format 3")
    for where, form, said in (
        ("nonsense://x/rows", "parquet", "--out: was"),
        ("memory://a::file:///etc/x", "parquet", "expected one URL"),
        (url, "delta", "expected a folder for a Delta table"),
    ):
        with pytest.raises(CatalogError, match=said):
            export_catalog(catalog, where, form)


def test_the_command_does_each(catalog, tmp_path, capsys):
    where = ["--catalog", str(catalog.folder)]
    assert main_crypto(["catalog", "info", *where, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["items"], facts["status"], facts["torn_bytes"]) == (2, {"done": 2}, 0)
    assert main_crypto(["catalog", "verify", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows_hash"] == catalog.rows_hash()
    assert main_crypto(["catalog", "compact", *where]) == 0
    out = str(tmp_path / "rows.parquet")
    assert main_crypto(["catalog", "export", *where, "--out", out]) == 0
    assert os.path.exists(out)  # noqa: PTH110
    capsys.readouterr()
    for words, said in (
        (["export", *where], "--out: is missing"),
        (["info", *where, "--out", out], "belongs to export"),
        (["info", "--catalog", str(tmp_path)], "is no catalog"),
    ):
        assert main_crypto(["catalog", *words]) == 2
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1
