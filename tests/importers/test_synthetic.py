"""The seeded generator: its draws, its rows' promises, and the segments under data/."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers.synthetic import (
    DEMO_ROWS,
    DEMO_SEED,
    Draws,
    SyntheticKind,
    generate_segment,
    synthetic_tables,
)
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES, DepthFlag
from quantlaxmi.segment import open_segment

DATA = Path(__file__).parents[2] / "data"
MASK = (1 << 64) - 1


def naive_mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def naive_below(seed: int, stream: int, k: int, bound: int) -> int:
    key = naive_mix((seed * 1_000_003 + stream) & MASK)
    word = naive_mix((key + k * 0x9E3779B97F4A7C15) & MASK)
    return (word >> 32) * bound >> 32


def test_synthetic_mix_is_splitmix64() -> None:
    # First outputs of splitmix64 from state 0, as published with the algorithm.
    golden = 0x9E3779B97F4A7C15
    assert [naive_mix(golden * n & MASK) for n in (1, 2, 3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.parametrize("bound", [1, 2, 1_000_000, 2**32])
def test_synthetic_draws_equal_naive(seed: int, bound: int) -> None:
    k = np.array([0, 1, 2, 10**6, 2**40], np.int64)
    expected = [naive_below(seed, 7, n, bound) for n in k.tolist()]
    assert Draws(seed).below(7, k, bound).tolist() == expected


def joined(kind: str, rows: int, chunk: int, **more: bool) -> dict[str, dict[str, np.ndarray]]:
    parts = list(synthetic_tables(kind, rows, 5, chunk=chunk, **more))
    return {
        name: {c: np.concatenate([p[name][c] for p in parts]) for c in parts[0][name]}
        for name in parts[0]
    }


@pytest.mark.parametrize("kind", SyntheticKind)
def test_synthetic_rows_do_not_depend_on_the_chunk(kind: str) -> None:
    whole, parts = joined(kind, 2_500, 2_500), joined(kind, 2_500, 333)
    for name, columns in whole.items():
        for column, values in columns.items():
            assert values.tolist() == parts[name][column].tolist(), (name, column)


@pytest.mark.parametrize("kind", SyntheticKind)
def test_synthetic_rows_keep_what_segments_promise(kind: str) -> None:
    tables = joined(kind, 5_000, 1_000)
    assert set(tables) == TABLES.keys() - OPTIONAL_TABLES
    quotes, depth = tables["quotes"], tables["depth"]
    assert (quotes["bid"] < quotes["ask"]).all()
    assert min(int(quotes[c].min()) for c in ("bid", "bid_qty", "ask_qty")) > 0
    assert (np.diff(quotes["ts_ns"]) == 0).any(), "equal stamps occur"
    messages = np.concatenate([np.unique(t["seq"]) for t in tables.values()])
    assert sorted(messages.tolist()) == list(range(len(messages)))
    stamps = np.concatenate([t["ts_ns"] for t in tables.values()])
    order = np.argsort(np.concatenate([t["seq"] for t in tables.values()]), kind="stable")
    assert (np.diff(stamps[order]) >= 0).all()
    for instrument in (0, 1):
        mine = {c: v[depth["instrument"] == instrument] for c, v in depth.items()}
        ends = mine["flags"] & DepthFlag.LAST != 0
        assert (np.diff(mine["seq"])[~ends[:-1]] == 0).all()
        assert (np.diff(mine["seq"])[ends[:-1]] > 0).all()
        first, last, prev = (mine[c][ends] for c in ("first_id", "last_id", "prev_id"))
        if instrument:
            assert (prev[1:] == last[:-1]).all()
        else:
            assert (first[1:] == last[:-1] + 1).all()


def test_synthetic_quotes_only_leaves_the_rest_out() -> None:
    tables = joined("planted", 400, 400, quotes_only=True)
    assert set(tables) == {"quotes"}
    assert tables["quotes"]["seq"].tolist() == list(range(400))


@pytest.mark.parametrize("kind", SyntheticKind)
def test_synthetic_data_folder_is_what_its_papers_say(kind: SyntheticKind, tmp_path: Path) -> None:
    papers = json.loads((DATA / "metadata.json").read_text())["segments"][kind.value]
    assert (papers["rows"], papers["seed"]) == (DEMO_ROWS, DEMO_SEED[kind])
    bundled = open_segment(DATA / kind.value, verify="all")
    assert papers["digest"] == bundled.digest
    made = generate_segment(kind, tmp_path / "made")
    assert made.digest == bundled.digest
    for name, digest in papers["sha256"].items():
        assert hashlib.sha256((DATA / kind.value / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("kind", "rows", "seed"),
    [("gold", 10, 1), ("planted", 0, 1), ("planted", 10, -1), ("planted", 10, 2**41)],
)
def test_synthetic_refuses_what_is_out_of_range(
    kind: str, rows: int, seed: int, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="expected"):
        generate_segment(kind, tmp_path / "s", rows=rows, seed=seed)
    assert not (tmp_path / "s").exists()
