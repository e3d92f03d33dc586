"""The log as one stream of chunks: all rows once, in order, in bounded memory."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.run.feed import merged_chunks
from quantlaxmi.schema import TABLES
from tests import random_markets, traded
from tests.depth import examples
from tests.market_builder import MemorySegment

CUTS = st.lists(st.integers(0, 200), max_size=15)


def chunks_of(tables, cuts):
    segment = MemorySegment(tables, traded.UNIVERSES["coarse"], cuts)
    return list(merged_chunks({table: segment.log(table) for table in tables}))


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 80), CUTS)
def test_every_row_comes_once_and_in_order(seed, n, cuts):
    tables = random_markets.random_market(seed, n)
    chunks = chunks_of(tables, cuts)
    for table, columns in tables.items():
        for name, column in columns.items():
            parts = [chunk[table][name] for chunk in chunks if table in chunk]
            joined = np.concatenate(parts) if parts else column[:0]
            assert joined.dtype == column.dtype
            assert joined.tolist() == column.tolist()
    last = -1
    for chunk in chunks:
        assert chunk
        first = min(int(c["seq"][0]) for c in chunk.values())
        # A depth message cut by a batch may go on in the next chunk.
        assert first >= last
        if first == last:
            assert int(chunk["depth"]["seq"][0]) == first
        last = max(int(c["seq"][-1]) for c in chunk.values())
        assert all(len(c["seq"]) for c in chunk.values())


def test_at_most_one_batch_of_a_table_is_held():
    tables = random_markets.random_market(6, 300)
    open_batches = dict.fromkeys(TABLES, 0)
    read = dict.fromkeys(TABLES, 0)

    def counted(table):
        for batch in MemorySegment(tables, (), range(0, 999, 10)).log(table):
            read[table] += len(batch["seq"])
            yield batch

    for chunk in merged_chunks({table: counted(table) for table in TABLES}):
        for table, columns in chunk.items():
            open_batches[table] += len(columns["seq"])
        for table in TABLES:
            assert read[table] - open_batches[table] <= 10


def test_empty_batches_and_tables_are_passed_over():
    tables = random_markets.random_market(6, 40)
    empty = {name: column[:0] for name, column in tables["quotes"].items()}
    whole = tables["quotes"]
    found = list(merged_chunks({"quotes": iter([empty, whole, empty]), "trades": iter(())}))
    assert [chunk["quotes"]["seq"].tolist() for chunk in found] == [whole["seq"].tolist()]
    assert list(merged_chunks({"quotes": iter([empty]), "trades": iter(())})) == []
    assert list(merged_chunks({})) == []


def test_order_of_the_tables_does_not_matter():
    tables = random_markets.random_market(8, 60)
    segment = MemorySegment(tables, (), range(0, 200, 7))
    one = merged_chunks({table: segment.log(table) for table in tables})
    other = merged_chunks({table: segment.log(table) for table in reversed(tables)})
    for a, b in zip(one, other, strict=True):
        assert {t: c["seq"].tolist() for t, c in a.items()} == {
            t: c["seq"].tolist() for t, c in b.items()
        }
