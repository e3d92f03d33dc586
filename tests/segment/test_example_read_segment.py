"""The example that reads exported tables: every library that is there, and those that are not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.segment import open_segment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("read_segment", ROOT / "examples/read_segment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "tables"
    segment = str(ROOT / "data" / "planted")
    assert main_crypto(["segment", "export", "--segment-dir", segment, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("name", ["pandas", "polars", "duckdb", "pyarrow"])
@pytest.mark.parametrize("table", ["quotes", "depth", "trades", "funding"])
def test_one_line_reads_a_table(example: ModuleType, tables: Path, name: str, table: str) -> None:
    pytest.importorskip(name, reason=f"{name} is optional and not installed")
    n_rows = len(open_segment(ROOT / "data" / "planted").columns(table)["seq"])
    assert example.READERS[name](str(tables / f"{table}.parquet")) == n_rows


def test_the_script_says_what_is_not_installed(
    example: ModuleType, tables: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: find(name) if name == "pyarrow" else None
    )
    example.main(str(tables))
    said = capsys.readouterr().out.splitlines()
    for name in ("pandas", "polars", "duckdb"):
        assert f"{name:8} is not installed; pip install {name} to read with it." in said
    n_quotes = len(open_segment(ROOT / "data" / "planted").columns("quotes")["seq"])
    assert f"pyarrow  {n_quotes:,} quotes" in said
    assert "instrument 1 is BTCUSDT-PERP: prices in 10**-2, quantities in 10**-3" in said
