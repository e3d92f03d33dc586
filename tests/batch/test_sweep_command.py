"""``sweep-gates``: what it says, what it refuses, and its trial ledger."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog, sweep
from quantlaxmi.segment import open_segment
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import DATA, FEW
from tests.batch.test_sweep import needs_proc
from tests.depth import some

BAD = Path(__file__).with_name("bad_strategies.py")


def test_trials_are_written_and_seals_hold(parts, tmp_path):
    from quantlaxmi.trials import TrialLedger
    from quantlaxmi.trials.holdout import seal_from

    (tmp_path / "t").mkdir()
    ledger = TrialLedger(tmp_path / "t")
    where = {"policy": FEW, "workers": 1, "trials": tmp_path / "t"}
    configs = [BadConfig(way="raise"), BadConfig()]
    sweep([parts / "part-000[0-1]"], [Bad], configs=configs, catalog=tmp_path / "c", **where)
    assert ledger.refresh().count() == 2  # what raised was not run
    plain = sweep([parts / "part-000[0-1]"], [Bad], configs=configs[1:], policy=FEW, workers=1)
    table = Catalog.open(tmp_path / "c").table()
    kept = dict(zip(table["key"], table["report_hash"], strict=True))
    assert [kept[key] for key in plain["key"]] == plain["report_hash"]
    first = open_segment(parts / "part-0000")
    seal_from(first, first.first_ts_ns + 1, ledger)
    table = sweep([parts / "part-0000"], [Quiet], **where)
    assert table["status"] == ["refused"] and "sealed" in table["error"][0]


def test_the_command_says_what_it_would_do_and_does_it(parts, tmp_path, capsys, monkeypatch):
    from quantlaxmi.cli import main_crypto

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    policy = tmp_path / "policy.toml"
    policy.write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    words = ["sweep-gates", "--segments", str(parts / "part-000[0-3]"), "--strategies"]
    words += ["basis_capture", "--catalog", str(tmp_path / "c"), "--policy", str(policy)]
    words += ["--workers", "1", "--json"]
    assert main_crypto([*words, "--dry-run"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["items"], facts["to_do"], facts["cpu_hours"]) == (4, 4, None)
    assert facts["left_out"] == ["look_ahead", "delay", "premium", "random_entry", "market_null"]
    assert main_crypto([*words[:-1], "--dry-run"]) == 0
    assert "leaves out look_ahead, delay, premium" in capsys.readouterr().out
    assert not (tmp_path / "c").exists() and not any((tmp_path / "here").iterdir())
    assert main_crypto([*words, "--json-log", str(tmp_path / "log.jsonl")]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == {"done": 4}
    events = [
        json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()
    ]
    assert events == ["begin", "item", "item", "item", "item", "end"]
    wider = [w.replace("part-000[0-3]", "part-000*") for w in words]
    assert main_crypto([*wider, "--dry-run"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["items"], facts["known"], facts["to_do"]) == (10, 4, 6)
    assert facts["cpu_hours"] > 0  # of a hundredth of a second, too


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--item-memory", "much"], "expected bytes, or a size"),
        (["--item-memory", "1MB"], "at least 64 MB"),
        (["--item-seconds", "0"], "--item-seconds"),
        (["--workers", "0"], "--workers"),
        (["--gates", "g7"], "g7"),
        (["--store", "absent"], "--store"),
        pytest.param(["--store", "/proc/self"], "cannot be made", marks=needs_proc),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, words, said):
    from quantlaxmi.cli import main_crypto

    base = ["sweep-gates", "--segments", str(DATA / "*"), "--strategies", "basis_capture"]
    base += ["--catalog", str(tmp_path / "c"), "--json-log", str(tmp_path / "log.jsonl")]
    assert main_crypto([*base, *words]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_a_log_that_cannot_be_is_refused_before_anything_is_made(tmp_path, capsys):
    from quantlaxmi.cli import main_crypto

    base = ["sweep-gates", "--segments", str(DATA / "*"), "--strategies", "basis_capture"]
    log = str(tmp_path / "absent" / "log.jsonl")
    assert main_crypto([*base, "--catalog", str(tmp_path / "c"), "--json-log", log]) == 2
    err = capsys.readouterr().err
    assert "there is no folder" in err and err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_workers_fetch_from_a_store_and_the_rows_are_the_same(parts, tmp_path, capsys, monkeypatch):
    from quantlaxmi.cli import main_crypto

    monkeypatch.setenv("QUANTLAXMI_SEGMENT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "store").mkdir()
    policy = tmp_path / "policy.toml"
    policy.write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    words = ["sweep-gates", "--segments", str(parts / "part-000[0-2]"), "--strategies"]
    words += ["basis_capture", "--policy", str(policy), "--workers", "1", "--json"]
    assert main_crypto([*words, "--catalog", str(tmp_path / "plain")]) == 0
    more = ["--store", str(tmp_path / "store"), "--cache-size", "64MB"]
    log = tmp_path / "log.jsonl"
    stored = [*words, *more, "--catalog", str(tmp_path / "c"), "--json-log", str(log)]
    assert main_crypto(stored) == 0
    assert main_crypto(stored) == 0  # its first event is "stored", and it is a log all the same
    capsys.readouterr()
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("stored") == 3
    assert Catalog.open(tmp_path / "c").verify() == Catalog.open(tmp_path / "plain").verify()
    kept = {one.name for one in (tmp_path / "cache").iterdir() if one.is_dir()}
    assert kept == {one.name for one in (tmp_path / "store").iterdir()} and len(kept) == 3
    # A store that lies: the item is refused, in one line, and the others are done.
    name = open_segment(parts / "part-0001").manifest.manifest_sha256
    shutil.rmtree(tmp_path / "cache")
    os.truncate(tmp_path / "store" / name / "columns" / "quotes.arrow", 10)
    lies = [*words, *more, "--catalog", str(tmp_path / "lies")]
    assert main_crypto(lies) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["status"] == {"done": 2, "refused": 1}
    assert "is 10 bytes long, the manifest says" in facts["failed"][0]["error"]
    assert not (tmp_path / "cache" / name).exists()


def test_an_unusable_store_is_one_line(tmp_path, capsys):
    from quantlaxmi.cli import main_crypto

    base = ["sweep-gates", "--segments", str(DATA / "*"), "--strategies", "basis_capture"]
    base += ["--catalog", str(tmp_path / "c")]
    store = ["--store", str(tmp_path)]
    for words, said in (
        (["--store", str(tmp_path / "none")], "which is no folder"),
        (["--cache-size", "1GB"], "given without --store"),
        ([*store, "--cache-size", "1MB"], "at least 64 MB"),
        ([*store, "--cache-size", "much"], "expected bytes, or a size"),
    ):
        assert main_crypto([*base, *words]) == 2
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1
    assert not (tmp_path / "c").exists()


#: The command in a process of its own, which can be sent signals.
COMMAND = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"


@pytest.mark.parametrize(
    ("number", "code"),  # SIGINT: test_cluster.py has it too
    some([(signal.SIGTERM, 143), (signal.SIGINT, 130)], 1),
)
def test_an_interrupted_command_ends_with_its_code_and_the_same_command_goes_on(
    parts, tmp_path, number, code
):
    policy, config = tmp_path / "policy.toml", tmp_path / "config.toml"
    policy.write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    config.write_text('way = "sleep"\n')
    words = ["sweep-gates", "--segments", str(parts / "*"), "--catalog", str(tmp_path / "c")]
    words += ["--strategies", f"{BAD}:Bad", "--config", str(config), "--policy", str(policy)]
    words += ["--workers", "1", "--json-log", str(tmp_path / "log")]
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not (tmp_path / "log").exists() or '"item"' not in (tmp_path / "log").read_text():
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    running.send_signal(number)
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (code, "")
    assert "Traceback" not in err
    found = [row.status for row in Catalog.open(tmp_path / "c").rows.values()]
    assert 1 <= found.count("done") < 13 and set(found) == {"done", "unfinished"}
    assert list((tmp_path / "c" / "leases").iterdir()) == []
    ended = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "13" in ended.stdout


def test_kernels_are_compiled_once_into_the_one_cache(tmp_path):
    from quantlaxmi.batch.worker import kernels_message
    from quantlaxmi.gates import GatePolicy

    message = kernels_message(GatePolicy(suites={"g2": ["net_positive", "time_shift"]}), ["g2"])
    assert message == b"kernels time_shift" and kernels_message(FEW, ["g2"]) == b""
    code = f"from quantlaxmi.batch.worker import do_packed; do_packed({message!r})"
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    made = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, env=env)
        made.append({p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb*")})
    assert made[0] and made[0] == made[1]  # the second process loaded what the first had made
