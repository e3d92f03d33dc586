"""The chain of bindings: appended under a lock, refused when broken."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from quantlaxmi.bindings import START, append_binding, read_bindings
from quantlaxmi.errors import InputError


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "bindings.jsonl"
    for k in range(4):
        append_binding(path, {"report": f"{k}", "z": [k, None, 0.1], "a": {"ü": True}})
    return path


def test_bindings_read_back_in_order(chain):
    bindings = read_bindings(chain)
    assert [b.index for b in bindings] == [0, 1, 2, 3]
    assert [b.record["report"] for b in bindings] == ["0", "1", "2", "3"]
    assert [b.previous for b in bindings] == [START, *(b.hash for b in bindings[:3])]
    assert read_bindings(chain.with_name("none")) == ()


def test_a_bindings_hash_can_be_made_with_the_standard_library(chain):
    for line in chain.read_text().splitlines():
        entry = json.loads(line)
        claimed, entry["hash"] = entry["hash"], ""
        entry["record"] = dict(sorted(entry["record"].items()))
        plain = json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + "\n"
        assert hashlib.sha256(b"quantlaxmi.bindings/1\n" + plain.encode()).hexdigest() == claimed


def test_every_changed_byte_breaks_the_chain(chain):
    data = chain.read_bytes()
    for at in range(len(data)):
        chain.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(InputError, match=r"bindings\.jsonl.*chain is broken"):
            read_bindings(chain)
    with pytest.raises(InputError, match="chain is broken"):
        append_binding(chain, {})


def test_removed_moved_and_torn_lines_break_the_chain(chain):
    lines = chain.read_bytes().splitlines(keepends=True)
    broken = [
        lines[1:],
        [lines[0], *lines[2:]],
        [lines[1], lines[0], *lines[2:]],
        [*lines, lines[-1]],
        [*lines, b"\n"],
        [*lines, lines[0][:-5]],
        [b"".join(lines)[:-1]],
        [*lines[:3], lines[3].replace(b",", b", ", 1)],
    ]
    for parts in broken:
        chain.write_bytes(b"".join(parts))
        with pytest.raises(InputError, match=r"line \d\): the chain is broken"):
            read_bindings(chain)


def test_bindings_refuse_links_and_records_that_are_no_json(tmp_path, chain):
    (tmp_path / "link").symlink_to(chain)
    for act in (read_bindings, lambda path: append_binding(path, {})):
        with pytest.raises(InputError, match="symbolic link"):
            act(tmp_path / "link")
        with pytest.raises(InputError, match=r"cannot be opened|not a regular file"):
            act(tmp_path)
    for record in ([1], {"x": object()}, {"x": "y" * (1 << 20)}):
        with pytest.raises(InputError, match="a record must be"):
            append_binding(chain, record)
    assert len(read_bindings(chain)) == 4


def test_processes_append_without_losing_lines(tmp_path):
    code = (
        "import sys; from quantlaxmi.bindings import append_binding\n"
        "for k in range(20): append_binding(sys.argv[1], {'by': sys.argv[2], 'k': k})"
    )
    path = tmp_path / "bindings.jsonl"
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("a", "b")
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    bindings = read_bindings(path)
    for name in ("a", "b"):
        assert [b.record["k"] for b in bindings if b.record["by"] == name] == list(range(20))
