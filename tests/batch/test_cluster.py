"""A Dask scheduler and two workers over loopback TCP: the rows of one machine, whatever dies."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog, plan, sweep
from quantlaxmi.batch import cluster as cluster_module
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.sweep import Sweep, cluster_at
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, WorkerError
from quantlaxmi.parallel.work_queue import Limits
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import DATA, FEW
from tests.batch.test_sweep import children_of, needs_proc

distributed = pytest.importorskip("distributed", reason="distributed is not installed (extra dev)")
# Of the machinery of Dask, which is not ours.
pytestmark = [pytest.mark.filterwarnings("default"), needs_proc]

ROOT = Path(__file__).resolve().parents[2]
DASK = [sys.executable, "-m", "dask"]
COMMAND = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"


class Servers:
    """A scheduler and its workers, each a process with a process group of its own."""

    def __init__(self, place: Path) -> None:
        self.place, self.processes = place, []
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        self.env["QUANTLAXMI_SEGMENT_CACHE"] = str(place / "segments")
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        text = self.said("scheduler", r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")
        self.address = text[1]

    def start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        name = f"{kind}-{len(self.processes)}" if kind == "worker" else kind
        with (self.place / f"{name}.log").open("wb") as log:
            command = [*DASK, kind, *words, "--no-dashboard"]
            made = subprocess.Popen(
                command,
                cwd=self.place,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(made)
        return made

    def worker(self) -> subprocess.Popen[bytes]:
        """A worker without a nanny, so that whoever kills it kills it for good."""
        return self.start("worker", self.address, "--nthreads", "1", "--no-nanny")

    def said(self, name: str, pattern: str) -> re.Match[str]:
        end = time.monotonic() + 60
        while True:
            text = (self.place / f"{name}.log").read_text()
            found = re.search(pattern, text)
            if found:
                return found
            assert time.monotonic() < end, text
            time.sleep(0.1)

    def close(self) -> None:
        for one in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    made = Servers(tmp_path_factory.mktemp("dask"))
    made.worker()
    # With a nanny it is a daemon of multiprocessing, which may not have children of its own.
    made.start("worker", made.address, "--nthreads", "1", "--nanny")
    yield made
    made.close()


@pytest.fixture(scope="module")
def expected(parts, tmp_path_factory):
    """The hash of all rows, done by one process of this machine."""
    catalog = Catalog.create(tmp_path_factory.mktemp("expected") / "c")
    sweep([parts / "*"], [Bad, Quiet], catalog=catalog, policy=FEW, workers=1)
    return catalog.verify()


def test_two_workers_over_tcp_give_the_rows_of_one_machine(servers, parts, expected, tmp_path):
    table = sweep(
        [parts / "*"],
        [Bad, Quiet],
        catalog=tmp_path / "c",
        policy=FEW,
        scheduler=servers.address,
    )
    assert len(table) == 26 and set(table["status"]) == {"done"}
    assert Catalog.open(tmp_path / "c").verify() == expected


def test_workers_fetch_segments_that_they_cannot_see(servers, parts, expected, tmp_path):
    from quantlaxmi.batch.store import put_segment, store_at
    from quantlaxmi.segment import open_segment

    shutil.copytree(parts, tmp_path / "parts")
    (tmp_path / "store").mkdir()
    store = store_at(f"file://{tmp_path}/store")
    for one in (tmp_path / "parts").iterdir():
        assert put_segment(store, open_segment(one))
    made = plan([tmp_path / "parts" / "*"], [Bad, Quiet], policy=FEW)
    (tmp_path / "parts").rename(tmp_path / "away")  # as where no folder is shared
    with cluster_at(servers.address) as cluster:
        options = SweepOptions(cluster=cluster, store=store, cache_size=64 << 20)
        state = Sweep(made, Catalog.create(tmp_path / "c"), options).run()
    assert (state.done, state.failed) == (26, 0)
    assert Catalog.open(tmp_path / "c").verify() == expected
    kept = [one for one in (servers.place / "segments").iterdir() if one.is_dir()]
    assert len(kept) == 13


def test_poison_items_end_their_process_and_no_worker(servers, parts, tmp_path):
    ways = ["raise", "exit_zero", "kill", "hang", "nothing"]
    table = sweep(
        [parts / "part-0000"],
        [Bad],
        configs=[BadConfig(way=way) for way in ways],
        catalog=tmp_path / "c",
        policy=FEW,
        item_seconds=3,
        scheduler=servers.address,
    )
    assert sorted(table["status"]) == ["crashed", "crashed", "done", "failed", "timeout"]
    said = dict(zip(table["error"], table["attempts"], strict=True))
    assert {n for text, n in said.items() if "exit code 0" in text or "SIGKILL" in text} == {3}
    assert len(cluster_module.DaskCluster(servers.address)._client.nthreads()) == 2


def test_a_killed_worker_loses_nothing(servers, parts, expected, tmp_path):
    third = servers.worker()
    killed = []

    def log(event):
        if event["event"] == "item" and not killed:
            killed.append(children_of(third.pid))
            os.kill(third.pid, signal.SIGKILL)

    with cluster_at(servers.address) as cluster:
        end = time.monotonic() + 60
        while len(cluster._client.nthreads()) < 3:
            assert time.monotonic() < end
            time.sleep(0.1)
        made = plan([parts / "*"], [Bad, Quiet], policy=FEW)
        Sweep(made, Catalog.create(tmp_path / "c"), SweepOptions(log=log, cluster=cluster)).run()
    assert Catalog.open(tmp_path / "c").verify() == expected
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/fd").exists() for pid in killed[0]):
        assert time.monotonic() < end, "a process outlived its Dask worker"
        time.sleep(0.05)


def test_an_interrupt_stops_the_workers_processes(servers, parts, tmp_path):
    """As Ctrl-C twice: what runs is given up at once, and its process ends."""
    begun = []

    class Cluster(cluster_module.DaskCluster):
        def run(self, *, beat, **more):
            def stop():
                beat()
                if self._places and any(place.future for place in self._places):
                    begun.append(time.monotonic())
                return 0.0 if begun and time.monotonic() - begun[0] > 2 else None

            super().run(beat=stop, **more)

    made = plan([parts / "part-0000"], [Bad], configs=[BadConfig(way="hang")], policy=FEW)
    catalog = Catalog.create(tmp_path / "c")
    with Cluster(servers.address) as cluster:
        state = Sweep(made, catalog, SweepOptions(cluster=cluster)).run()
    assert (state.done, state.failed) == (0, 0) and begun
    # The worker is free again: its thread does not wait for what hangs.
    table = sweep([parts / "part-000[01]"], [Bad], policy=FEW, scheduler=servers.address)
    assert table["status"] == ["done", "done"]


def test_ctrl_c_of_the_command_ends_it_with_130_and_the_same_command_goes_on(
    servers, parts, tmp_path
):
    (tmp_path / "policy.toml").write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    (tmp_path / "config.toml").write_text('way = "sleep"\n')
    bad, log = Path(__file__).with_name("bad_strategies.py"), tmp_path / "log"
    words = [sys.executable, "-c", COMMAND, "sweep-gates", "--segments", str(parts / "*")]
    words += [
        "--catalog",
        str(tmp_path / "c"),
        "--strategies",
        f"{bad}:Bad",
        "--json-log",
        str(log),
    ]
    words += ["--config", str(tmp_path / "config.toml"), "--policy", str(tmp_path / "policy.toml")]
    words += ["--scheduler", servers.address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(words, env=servers.env, **pipes)
    end = time.monotonic() + 60
    while not log.exists() or '"item"' not in log.read_text():
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    found = [row.status for row in Catalog.open(tmp_path / "c").rows.values()]
    assert 1 <= found.count("done") < 13 and set(found) == {"done", "unfinished"}
    assert list((tmp_path / "c" / "leases").iterdir()) == []
    done = subprocess.run(words, env=servers.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [row.status for row in Catalog.open(tmp_path / "c").rows.values()] == ["done"] * 13


def test_a_worker_of_another_version_ends_the_sweep(servers, parts, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "ENGINE_VERSION", "9.9/9")
    with pytest.raises(WorkerError, match=r"expected 9\.9/9"):
        sweep([parts / "part-0000"], [Bad], policy=FEW, scheduler=servers.address)


def test_no_scheduler_is_one_line(parts, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1.0)
    base = ["sweep-gates", "--segments", str(DATA / "*"), "--strategies", "basis_capture"]
    base += ["--catalog", str(tmp_path / "c"), "--scheduler"]
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1:99999"):
        assert main_crypto([*base, address]) == 2
        err = capsys.readouterr().err
        assert "no scheduler within 1 s" in err and err.count("\n") == 1
    assert main_crypto([*base, "tcp://127.0.0.1:9", "--workers", "1"]) == 2
    err = capsys.readouterr().err
    assert "given with --scheduler" in err and err.count("\n") == 1
    assert not (tmp_path / "c").exists()
    with pytest.raises(ConfigError, match="expected one of them"):
        sweep([parts / "part-0000"], [Bad], scheduler="tcp://127.0.0.1:9", workers=1)
    assert main_crypto([*base, "tcp://127.0.0.1:9", "--dry-run", "--json"]) == 0


def test_a_scheduler_without_a_worker_or_gone_is_one_line(parts, tmp_path, monkeypatch):
    alone = Servers(tmp_path)
    try:
        with cluster_at(alone.address) as cluster:
            monkeypatch.setattr(cluster_module, "CONNECT_S", 2.0)
            made = plan([parts / "part-0000"], [Bad], policy=FEW)
            catalog = Catalog.create(tmp_path / "c")
            with pytest.raises(WorkerError, match="has no worker"):
                Sweep(made, catalog, SweepOptions(cluster=cluster)).run()
            alone.close()
            with pytest.raises(WorkerError, match=r"is gone|has no worker"):
                Sweep(made, catalog, SweepOptions(cluster=cluster)).run()
    finally:
        alone.close()


@pytest.mark.parametrize(("mean", "expected"), [(0.0, 1), (0.1, 10), (3.0, 1), (0.0001, 64)])
def test_chunks_take_a_second_and_dask_repeats_none(mean, expected):
    asked = []

    class Client:
        def submit(self, work, version, packed, limits, first, **how):
            asked.append((len(packed), how))
            return self

        def add_done_callback(self, call):
            pass

    cluster = cluster_module.DaskCluster.__new__(cluster_module.DaskCluster)
    cluster._client, cluster._mean_s, cluster._alone, cluster._held = Client(), mean, set(), []
    cluster._heard = cluster_module.queue.SimpleQueue()
    place, waiting = cluster_module._Place("tcp://a"), iter(range(100))
    cluster._give(place, lambda _last: next(waiting, None), str, Limits(), b"")
    ((n, how),) = asked
    assert n == expected == len(place.items)
    assert how == {
        "workers": ["tcp://a"],
        "allow_other_workers": False,
        "retries": 0,
        "pure": False,
    }


class Instant:
    """A client of two workers whose chunks are done as soon as they are given."""

    status = "running"

    def __init__(self):
        self.sizes = []

    def nthreads(self):
        return {"tcp://a": 1, "tcp://b": 1}

    def submit(self, work, version, packed, limits, first, **how):
        self.sizes.append(len(packed))
        return Done(len(packed))


class Done:
    status = "finished"

    def __init__(self, n):
        self.n = n

    def result(self):
        return ["done"] * self.n

    def add_done_callback(self, call):
        call(self)


def test_draws_are_given_out_anew_one_by_one():
    """Chunks were sized by the items before: one worker had the draws of all, the others none."""
    cluster = cluster_module.DaskCluster.__new__(cluster_module.DaskCluster)
    cluster._client, cluster._address, cluster._places = Instant(), "tcp://x", []
    cluster._heard, cluster._mean_s = cluster_module.queue.SimpleQueue(), 0.0
    cluster._looked = -float("inf")
    sizes = []
    for n in (300, 2):
        waiting, answers = iter(range(n)), []
        cluster._client.sizes.clear()
        cluster.run(
            take=lambda _last, waiting=waiting: next(waiting, None),
            packed=str,
            answered=lambda item, answer, answers=answers: answers.append(item),
            beat=lambda: None,
            limits=Limits(),
            first=b"",
        )
        assert sorted(answers) == list(range(n))
        sizes.append(list(cluster._client.sizes))
    assert max(sizes[0]) == 64 and sizes[1] == [1, 1]
