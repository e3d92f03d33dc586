"""``catalog export --format delta``: a table that others append no row to, or one line."""

from __future__ import annotations

import sys

import pytest

from quantlaxmi.batch import Catalog, export_catalog
from quantlaxmi.batch.parquet import rows_of
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import CatalogError
from tests.batch.catalogs import filled


@pytest.fixture
def catalog(tmp_path):
    return filled(tmp_path / "c")


def rows(folder):
    return Table(str(folder)).to_pyarrow_table().sort_by("key").to_pylist()


try:
    from deltalake import DeltaTable as Table
except ImportError:
    Table = None

installed = pytest.mark.skipif(Table is None, reason="deltalake is not installed (extra dev)")


@installed
def test_a_delta_table_has_the_rows_and_gets_new_versions(catalog, tmp_path):
    out = tmp_path / "table"
    assert export_catalog(catalog, out, "delta") == 2
    expected = rows_of(catalog.rows[key] for key in sorted(catalog.rows)).to_pylist()
    assert rows(out) == expected
    assert not [one for one in tmp_path.iterdir() if one.name not in ("c", "table")]
    Catalog.create(tmp_path / "empty")
    assert export_catalog(Catalog.open(tmp_path / "empty"), out, "delta") == 0
    assert rows(out) == [] and Table(str(out)).version() == 1
    words = ["catalog", "export", "--catalog", str(catalog.folder), "--format", "delta"]
    assert main_crypto([*words, "--out", str(out)]) == 0
    assert rows(out) == expected


@installed
def test_what_is_no_delta_table_is_left_alone(catalog, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note").write_text("mine")
    export_catalog(catalog, tmp_path / "table", "delta")
    (tmp_path / "link").symlink_to(tmp_path / "table")
    (tmp_path / "broken" / "_delta_log").mkdir(parents=True)
    (tmp_path / "broken" / "_delta_log" / f"{0:020d}.json").write_text("{")
    for name in ("file", "folder", "link", "broken", "absent/table"):
        with pytest.raises(CatalogError) as caught:
            export_catalog(catalog, tmp_path / name, "delta")
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "note").read_text() == "mine"
    assert Table(str(tmp_path / "table")).version() == 0


def test_without_its_extra_it_is_one_line_that_names_it(catalog, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    words = ["catalog", "export", "--catalog", str(catalog.folder), "--format", "delta"]
    assert main_crypto([*words, "--out", str(tmp_path / "table")]) == 2
    err = capsys.readouterr().err
    assert "quantlaxmi[delta]" in err and err.count("\n") == 1
    assert not (tmp_path / "table").exists()
