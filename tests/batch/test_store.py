"""Segments in a store: put whole, fetched by digest, and believed in nothing."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import threading

import msgspec
import pytest

from quantlaxmi.batch import segment_cache
from quantlaxmi.batch.segment_cache import SegmentCache
from quantlaxmi.batch.store import put_segment, store_at
from quantlaxmi.errors import ConfigError, SegmentError
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.manifest import encode_manifest, manifest_hash, segment_digest, segment_name

BIG = 1 << 30


@pytest.fixture
def segments(parts):
    return [open_segment(parts / f"part-000{k}") for k in range(4)]


@pytest.fixture
def store(tmp_path, segments):
    (tmp_path / "store").mkdir()
    made = store_at(str(tmp_path / "store"))
    assert [put_segment(made, one) for one in segments] == [True] * 4
    return made


def digest_of(segment):
    return segment.manifest.manifest_sha256


def size_of(segment):
    return sum(f.stat().st_size for f in segment.path.rglob("*") if f.is_file())


def there(cache):
    """Whatever a cache has but locks."""
    return sorted(one.name for one in cache.iterdir() if not one.name.endswith(".lock"))


@pytest.mark.parametrize("kind", ["folder", "file", "memory"])
def test_a_segment_comes_back_as_it_was_put(tmp_path, segments, kind):
    (tmp_path / "s").mkdir()
    names = {
        "folder": f"{tmp_path}/s",
        "file": f"file://{tmp_path}/s",
        "memory": f"memory://{tmp_path}",
    }
    if kind != "folder":
        pytest.importorskip("fsspec", reason="fsspec is not installed (extra dev)")
    made, one = store_at(names[kind]), segments[0]
    assert not made.has(digest_of(one))
    assert put_segment(made, one) and not put_segment(made, one)
    cache = tmp_path / "cache"
    held = SegmentCache(cache, BIG).held(made, digest_of(one))
    assert held.segment.path == cache / digest_of(one)
    names = sorted(f.relative_to(one.path) for f in one.path.rglob("*") if f.is_file())
    for name in names:
        assert (held.segment.path / name).read_bytes() == (one.path / name).read_bytes()
    open_segment(held.segment.path, verify="all")
    held.release()
    assert there(cache) == [digest_of(one)]


def test_what_is_kept_is_not_fetched_again_and_what_was_changed_is(tmp_path, segments, store):
    cache, digest = SegmentCache(tmp_path / "cache", BIG), digest_of(segments[0])
    cache.held(store, digest).release()
    shutil.move(tmp_path / "store", tmp_path / "away")
    cache.held(store, digest).release()
    file = tmp_path / "cache" / digest / "columns" / "quotes.arrow"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(SegmentError, match=r"segment\.json.*is missing"):
        cache.held(store, digest)
    assert there(tmp_path / "cache") == []
    shutil.move(tmp_path / "away", tmp_path / "store")
    assert cache.held(store, digest).segment.digest == segments[0].digest


def other_segment(place, other):
    shutil.rmtree(place)
    shutil.copytree(other.path, place)


def flip(place, _):
    file = place / "wal" / "quotes-000.arrows"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def cut(place, _):
    os.truncate(place / "columns" / "quotes.arrow", 100)


def lengthen(place, _):
    with (place / "columns" / "quotes.arrow").open("ab") as file:
        file.write(b"\0")


def link_file(place, _):
    file = place / "columns" / "quotes.arrow"
    file.rename(place.parent / "elsewhere")
    file.symlink_to(place.parent / "elsewhere")


def link_folder(place, _):
    place.rename(place.parent / "elsewhere")
    place.symlink_to(place.parent / "elsewhere")


def link_columns(place, _):
    (place / "columns").rename(place.parent / "columns")
    (place / "columns").symlink_to(place.parent / "columns")


def long_manifest(place, _):
    os.truncate(place / "segment.json", (1 << 24) + 1)


def no_file(place, _):
    (place / "columns" / "quotes.arrow").unlink()


def pipe(place, _):
    (place / "columns" / "quotes.arrow").unlink()
    os.mkfifo(place / "columns" / "quotes.arrow")


WAYS = [other_segment, flip, cut, lengthen, link_file, link_folder, link_columns]
WAYS += [long_manifest, no_file, pipe]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_store_that_lies_gives_one_line_and_leaves_nothing(tmp_path, segments, store, way):
    digest = digest_of(segments[0])
    way(tmp_path / "store" / digest, segments[1])
    with pytest.raises(SegmentError) as caught:
        SegmentCache(tmp_path / "cache", BIG).held(store, digest)
    assert "\n" not in str(caught.value) and digest in str(caught.value)
    assert there(tmp_path / "cache") == []
    # The others are as good as before.
    SegmentCache(tmp_path / "cache", BIG).held(store, digest_of(segments[1])).release()


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "columns/../../x", "segment.json"])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(tmp_path, segments, store, name):
    """Its hash is right, and it lies under that hash: the rules of manifests refuse it."""
    plain = json.loads((segments[0].path / "segment.json").read_bytes())
    plain["files"] = [{"file": name, "bytes": 4, "sha256": "0" * 64}]
    manifest = msgspec.convert(plain, type(segments[0].manifest))
    digest = manifest_hash(manifest)
    place = tmp_path / "store" / digest
    shutil.copytree(segments[0].path, place)
    made = msgspec.structs.replace(manifest, manifest_sha256=digest)
    (place / "segment.json").write_bytes(encode_manifest(made))
    with pytest.raises(SegmentError, match="is not a name for a file of a segment"):
        SegmentCache(tmp_path / "cache", BIG).held(store, digest)
    assert there(tmp_path / "cache") == []
    assert not (tmp_path / "evil").exists()


def test_a_segment_that_comes_whole_and_cannot_be_opened_is_refused_once(tmp_path, segments, store):
    """Every file is the manifest's, which lies about a column: fetching it again would not help."""
    plain = json.loads((segments[0].path / "segment.json").read_bytes())
    plain["tables"][0]["columns"][0]["sha256"] = "0" * 64
    made = msgspec.convert(plain, type(segments[0].manifest))
    made = msgspec.structs.replace(made, digest=segment_digest(made.tables))
    name = segment_name(made.venue, made.first_ts_ns, made.digest)
    made = msgspec.structs.replace(made, segment_id=name)
    digest = manifest_hash(made)
    place = tmp_path / "store" / digest
    shutil.copytree(segments[0].path, place)
    made = msgspec.structs.replace(made, manifest_sha256=digest)
    (place / "segment.json").write_bytes(encode_manifest(made))
    with pytest.raises(SegmentError, match=f"{digest}: .*the manifest says 0000") as caught:
        SegmentCache(tmp_path / "cache", BIG).held(store, digest)
    assert "\n" not in str(caught.value)
    assert there(tmp_path / "cache") == []


@pytest.mark.parametrize("digest", ["", "..", "a" * 63, "A" * 64, "../" + "a" * 61])
def test_what_is_no_digest_names_nothing(tmp_path, store, digest):
    with pytest.raises(SegmentError, match="expected 64 hexadecimal digits"):
        SegmentCache(tmp_path / "cache", BIG).held(store, digest)


def test_a_url_that_lies_gives_one_line(tmp_path, segments):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra dev)")
    root, one = f"memory://lies{tmp_path}", segments[0]
    made, cache = store_at(root), SegmentCache(tmp_path / "cache", BIG)
    put_segment(made, one)
    system = fsspec.filesystem("memory")
    path = f"lies{tmp_path}/{digest_of(one)}/columns/quotes.arrow"
    right = system.cat_file(path)
    changed = right[:-1] + bytes([right[-1] ^ 1])
    for wrong, said in (
        (right + b"x", "more than"),
        (right[:9], "is 9 bytes"),
        (changed, "SHA-256"),
    ):
        system.pipe_file(path, wrong)
        with pytest.raises(SegmentError, match=said):
            cache.held(made, digest_of(one))
        assert there(tmp_path / "cache") == []
    system.rm_file(path)
    with pytest.raises(SegmentError, match="is missing"):
        cache.held(made, digest_of(one))
    system.pipe_file(path, right)
    cache.held(made, digest_of(one)).release()


def test_the_longest_unused_goes_first_and_what_is_in_use_stays(tmp_path, segments, store):
    digests = [digest_of(one) for one in segments]
    sizes = [size_of(one) for one in segments]
    cache = SegmentCache(tmp_path / "cache", sum(sizes[:2]) + sizes[2] // 2)
    for k in (0, 1, 0):  # 1 is the one that was not used for longest
        cache.held(store, digests[k]).release()
    held = cache.held(store, digests[2])
    assert there(tmp_path / "cache") == sorted([digests[0], digests[2]])
    for k in (0, 1):
        cache.held(store, digests[k]).release()
    assert digests[2] in there(tmp_path / "cache")  # it is in use
    assert held.segment.columns("quotes")["bid"].sum() != 0
    held.release()
    cache.held(store, digests[0]).release()
    cache.held(store, digests[3]).release()
    assert digests[2] not in there(tmp_path / "cache")
    names = {one.name for one in (tmp_path / "cache").iterdir()}
    assert {name for name in names if name.endswith(".lock")} == {
        f"{name}.lock" for name in there(tmp_path / "cache")
    }
    with pytest.raises(SegmentError, match=r"expected at most 1000 \(--cache-size\)"):
        SegmentCache(tmp_path / "other", 1000).held(store, digests[0])
    assert there(tmp_path / "other") == []


def test_a_segment_that_another_uses_is_there_at_once(tmp_path, segments, store, monkeypatch):
    """An idle worker keeps its last segment; who waited until it let go would wait for ever."""
    first, digest = SegmentCache(tmp_path / "cache", BIG), digest_of(segments[0])
    held, got = first.held(store, digest), []
    again = SegmentCache(tmp_path / "cache", BIG)
    asked = threading.Thread(target=lambda: got.append(again.held(store, digest)), daemon=True)
    asked.start()
    asked.join(30)
    assert [one.segment.digest for one in got] == [segments[0].digest]
    got[0].release()
    # What was changed meanwhile is fetched when nobody uses it any more, and until then refused.
    monkeypatch.setattr(segment_cache, "_MOST_LOOKS", 3)
    (tmp_path / "cache" / digest / "segment.json").write_text("{}")
    with pytest.raises(SegmentError, match="was changed while another process uses it"):
        again.held(store, digest)
    held.release()
    assert again.held(store, digest).segment.digest == segments[0].digest


def test_what_a_killed_fetch_left_is_removed(tmp_path, segments, store):
    cache = SegmentCache(tmp_path / "cache", BIG)
    for one in segments[:2]:
        (tmp_path / "cache" / f"{digest_of(one)}.part" / "columns").mkdir(parents=True)
        (tmp_path / "cache" / f"{digest_of(one)}.part" / "segment.json").write_text("{")
    cache.held(store, digest_of(segments[0])).release()
    # The rest of another segment's goes when room is made.
    assert there(tmp_path / "cache") == [digest_of(segments[0])]


def test_a_disk_that_is_full_leaves_nothing(tmp_path, segments, store, monkeypatch):
    def full(pieces, path):
        path.write_bytes(next(pieces))
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(segment_cache, "_copied", full)
    with pytest.raises(SegmentError, match="No space left on device"):
        SegmentCache(tmp_path / "cache", BIG).held(store, digest_of(segments[0]))
    assert there(tmp_path / "cache") == []


def _many(place, cache, digests, size, said):
    """In a process: open segments again and again; says what was wrong."""
    made, kept, problems = store_at(place), SegmentCache(cache, size), []
    for k in range(40):
        digest = digests[(k * 7 + os.getpid()) % len(digests)]
        try:
            held = kept.held(made, digest)
            if held.segment.manifest.manifest_sha256 != digest:
                problems.append("another segment")
            held.segment.columns("trades")
            held.segment.check_unchanged()
            held.release()
        except SegmentError as error:
            problems.append(str(error))
    said.put(problems)


def test_workers_share_a_cache_that_is_too_small_for_all(tmp_path, segments, store):
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    size = 2 * max(size_of(one) for one in segments)
    words = (store.place, tmp_path / "cache", [digest_of(one) for one in segments], size, said)
    workers = [context.Process(target=_many, args=words) for _ in range(3)]
    for one in workers:
        one.start()
    assert [said.get(timeout=120) for _ in workers] == [[], [], []]
    for one in workers:
        one.join()
    kept = there(tmp_path / "cache")
    assert kept and set(kept) <= set(words[2])
    for name in kept:
        open_segment(tmp_path / "cache" / name, verify="all")


def test_a_segment_that_was_changed_is_not_put(tmp_path, segments):
    shutil.copytree(segments[0].path, tmp_path / "mine")
    mine = open_segment(tmp_path / "mine")
    flip(tmp_path / "mine", None)
    (tmp_path / "s").mkdir()
    made = store_at(str(tmp_path / "s"))
    with pytest.raises(SegmentError, match="is not the file that the manifest names"):
        put_segment(made, mine)
    assert list((tmp_path / "s").iterdir()) == []


def test_a_store_that_cannot_be_is_one_line(tmp_path):
    names = [f"{tmp_path}/none", "nonsense://x", "memory://a::file:///etc"]
    for name in names:
        with contextlib.suppress(ImportError), pytest.raises(ConfigError) as caught:
            store_at(name)
        assert "--store" in str(caught.value) and "\n" not in str(caught.value)
