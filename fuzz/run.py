"""Runs fuzz targets, each in a process of its own and for a given time.

    python -m fuzz.run [--seconds N] [--target NAME]... [--engine ENGINE]... [--out DIR]
    python -m fuzz.run --target NAME --repeat FILE
    python -m fuzz.run --table [--out DIR]

Engines: with atheris the cases follow the coverage of the package's Python, hypothesis makes finds
as short as it can, random needs neither. The seconds are shared by the engines: by default
those of atheris and hypothesis that are installed, else random.
A find is an error that the target does not allow, a wrong result, a case of more than 30 seconds
or of more than 2 GiB. Its bytes are kept under DIR and the run exits with 1. Seconds and cases of
all runs are added up in DIR/totals.json, which --table shows.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import importlib.util
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from fuzz import tally
from fuzz.draw import Draw

TARGETS = (
    "decimal_text",
    "binance_stream",
    "csv_files",
    "bars_csv",
    "bars_parquet",
    "bars_mapping",
    "nse_snapshot",
    "udiff",
    "kite_frames",
    "upstox_json",
    "india_bars",
    "klines_json",
    "vision_klines",
    "vendor_bars",
    "bybit_book",
    "instrument_mapping",
    "trace_json",
    "trace_arrow",
    "segment",
    "segment_store",
    "costs_toml",
    "risk_toml",
    "latency_toml",
    "rates_csv",
    "market_toml",
    "policy_toml",
    "strategy_toml",
    "grid_toml",
    "gate_report",
    "checkpoints",
    "verify_report",
    "bindings",
    "trials",
    "catalogs",
    "cli",
)
CASE_SECONDS = 30
MEMORY_MIB = 2048
MAX_BYTES = 512
#: Most characters of an error's text: it has to stay a line that a person reads.
MAX_ERROR = 2000


def load(name: str) -> ModuleType:
    """The module of a target."""
    if name not in TARGETS:
        raise SystemExit(f"fuzz: unknown target {name!r}, expected one of {', '.join(TARGETS)}")
    return importlib.import_module(f"fuzz.targets.{name}")


def check(target: ModuleType, data: bytes) -> str:
    """Run one case.

    Returns
    -------
    str
        Class of the allowed error that came out; empty where the case was accepted.

    Raises
    ------
    Exception
        Whatever else came out: a find.
    """
    try:
        target.one(Draw(data))
    except target.ALLOWED as error:
        text = str(error)
        if "\n" in text or len(text) > MAX_ERROR:
            raise AssertionError(f"not one short line: {text[:300]!r}") from error
        return type(error).__name__
    return ""


class Guarded:
    """Cases one after the other, each kept on disk while it runs and bounded in time and memory.

    Parameters
    ----------
    target : module
    found : Path
        Folder of the target's finds.
    counts : Tally
    """

    def __init__(self, target: ModuleType, found: Path, counts: tally.Tally) -> None:
        faulthandler.enable()
        faulthandler.register(signal.SIGALRM, chain=True)  # says where it hangs, then ends it
        limit = 3 * MEMORY_MIB << 20  # address space, of which much is never touched
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        self.target, self.found, self.counts = target, found, counts
        self.last = found / "last-case"
        self.file = self.last.open("wb", buffering=0)

    def run(self, data: bytes) -> None:
        """Run one case."""
        self.file.seek(0)  # a crash of the process leaves the case behind
        self.file.truncate()
        self.file.write(data)
        signal.alarm(CASE_SECONDS)
        try:
            outcome = check(self.target, data)
        finally:
            signal.alarm(0)  # what the engine does between two cases is no case
        self.counts.count(outcome)

    def end(self, found: bool) -> None:
        """Leave the last case behind where it is a find."""
        self.counts.write()
        if not found:
            self.last.unlink()


def fuzz_random(cases: Guarded, seconds: float, seed: int) -> None:
    """Random cases for a time."""
    rng, end = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < end:
        cases.run(rng.randbytes(rng.choice((8, 24, 80, MAX_BYTES))))


def fuzz_hypothesis(cases: Guarded, seconds: float, start: int) -> None:
    """Hypothesis's cases for a time, many searches one after the other; a find is made short."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    end = time.monotonic() + seconds
    options = settings(
        max_examples=1000,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < end:
        failed = False

        @seed(start)
        @options
        @given(st.binary(max_size=MAX_BYTES))
        def search(data: bytes) -> None:
            nonlocal failed
            if failed or time.monotonic() < end:
                failed = True  # until it has ended well: shrinking may go on after the time
                cases.run(data)
                failed = False

        search()
        start += 1


def fuzz_atheris(name: str, seconds: float, found: Path) -> None:
    """Cases that follow coverage; does not return."""
    import atheris

    with atheris.instrument_imports(include=["quantlaxmi"]):
        target = load(name)
    counts = tally.Tally(found / "tally.json")

    def one(data: bytes) -> None:
        try:
            outcome = check(target, data)
        except BaseException:
            counts.write()
            raise
        counts.count(outcome)

    corpus = found / "corpus"
    corpus.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={int(seconds)}",
        f"-timeout={CASE_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={found}/",
        "-len_control=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def work(options: argparse.Namespace) -> None:
    """Run one target with one engine in this process."""
    (name,), (engine,) = options.target, options.engine
    os.fsync = lambda _: None  # cases need not outlive the machine
    found = options.out / name
    found.mkdir(parents=True, exist_ok=True)
    if engine == "atheris":
        fuzz_atheris(name, options.seconds, found)
    seed = time.time_ns() if options.seed is None else options.seed
    cases = Guarded(load(name), found, tally.Tally(found / "tally.json"))
    try:
        {"random": fuzz_random, "hypothesis": fuzz_hypothesis}[engine](cases, options.seconds, seed)
    except BaseException:
        cases.end(found=True)
        raise
    cases.end(found=False)


def spawn(options: argparse.Namespace, name: str, engine: str, seconds: float) -> bool:
    """Run one target with one engine in a process of its own; whether it found nothing."""
    words = ["--worker", "--target", name, "--engine", engine, "--out", str(options.out)]
    words += ["--seconds", str(seconds)]
    if options.seed is not None:
        words += ["--seed", str(options.seed)]
    options.out.mkdir(parents=True, exist_ok=True)
    log, counted = options.out / f"{name}.{engine}.log", options.out / name / "tally.json"
    counted.unlink(missing_ok=True)
    # In memory where that can be; and removed here, because the fuzzer ends without ado.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with log.open("wb") as stream, tempfile.TemporaryDirectory(dir=memory) as scratch:
        code = subprocess.run(
            [sys.executable, "-m", "fuzz.run", *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": scratch},
            check=False,
        ).returncode
    counts = {"seconds": 0, "cases": 0, "accepted": 0}
    if counted.exists():
        counts = json.loads(counted.read_text())
    tally.add(options.out, name, engine, counts, code != 0)
    last = options.out / name / "last-case"
    if code and last.exists():
        last.rename(last.with_name(f"find-{time.time_ns()}"))
    said = "no find" if code == 0 else f"FOUND (exit {code}), see {log}"
    print(
        f"{name}: {counts['cases']} cases, {counts['accepted']} accepted, in "
        f"{counts['seconds']:.0f} s with {engine}, {said}",
        flush=True,
    )
    return code == 0


def main() -> int:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(prog="fuzz.run", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--engine", choices=tally.ENGINES, action="append")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seed", type=int, default=None, help="of random and hypothesis")
    parser.add_argument("--repeat", type=Path, help="run one kept case")
    parser.add_argument("--table", action="store_true", help="show the totals of all runs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.table:
        print(tally.table(options.out, TARGETS), end="")
        return 0
    if options.repeat:
        if len(options.target or ()) != 1:
            parser.error("--repeat needs one --target")
        print(check(load(options.target[0]), options.repeat.read_bytes()) or "accepted")
        return 0
    if options.worker:
        work(options)
        return 0
    engines = options.engine or [
        name for name in ("atheris", "hypothesis") if importlib.util.find_spec(name) is not None
    ]
    engines = engines or ["random"]
    share = options.seconds / len(engines)
    names = options.target or TARGETS
    ended = [spawn(options, name, engine, share) for name in names for engine in engines]
    return 0 if all(ended) else 1


if __name__ == "__main__":
    sys.exit(main())
