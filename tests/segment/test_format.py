"""The format page is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quantlaxmi.segment.manifest import Manifest
from tests.naive import segment_format
from tests.segments import make_tables, rows_of, write_segment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "SEGMENT_FORMAT.md"


@pytest.mark.parametrize("n_messages", [0, 1, 250])
def test_a_segment_is_what_the_format_page_says(tmp_path, n_messages):
    segment = write_segment(
        tmp_path / "s",
        make_tables(n_messages),
        batch_rows=32,
        roll_bytes=8000,
        seal={
            "quarantine": {"lines": 3, "reasons": {"zwei": 2, "a": 1}},
            "notes": ['a „note“ with "quotes", \\ and \t'],
            "gaps": [{"start_ns": 0, "end_ns": 1, "reason": "é"}],
        },
    )
    assert segment_format.check(tmp_path / "s") == segment.digest


def test_the_digest_of_a_known_segment_does_not_move(tmp_path):
    tables = make_tables(0) | {
        table: rows_of(table, range(k, 40, 2)) for k, table in enumerate(("quotes", "depth"))
    }
    segment = write_segment(tmp_path / "s", tables)
    assert segment.digest == "c1dbe721a9c4862a77610a385ab9b5f0232beb7273d1b4fe671847423eff797a"
    assert segment.segment_id == f"binance-19700101-{segment.digest[:16]}"


def test_the_format_page_names_every_field_in_order():
    table = PAGE.read_text().split("## The manifest")[1].split("## The digest")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for text in re.findall("`([^`]*)`", row) for name in text.split()]
    assert tuple(named) == Manifest.__struct_fields__
