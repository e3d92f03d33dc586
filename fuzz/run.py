"""Runs fuzz targets, each in a process of its own and for a given time.

    python -m fuzz.run [--seconds N] [--target NAME] [--engine atheris|random] [--out DIR]
    python -m fuzz.run --target NAME --repeat FILE

With atheris the cases follow the coverage of the package's Python; without it they are random.
A find is an error that the target does not allow, a wrong result, a case of more than 30 seconds
or of more than 2 GiB. Its bytes are kept under DIR and the run exits with 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import importlib.util
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from fuzz.draw import Draw

TARGETS = (
    "decimal_text",
    "binance_stream",
    "csv_files",
    "trace_json",
    "trace_arrow",
    "segment",
    "costs_toml",
    "risk_toml",
    "market_toml",
    "policy_toml",
    "strategy_toml",
    "gate_report",
    "verify_report",
    "bindings",
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


def fuzz_random(target: ModuleType, seconds: float, found: Path, seed: int) -> int:
    """Random cases for a time; the bytes of a find are kept in ``found``."""
    faulthandler.enable()
    limit = 3 * MEMORY_MIB << 20  # address space, of which much is never touched
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    rng, cases, accepted, end = random.Random(seed), 0, 0, time.monotonic() + seconds
    last = found / "last-case"
    while time.monotonic() < end:
        data = rng.randbytes(rng.choice((8, 24, 80, MAX_BYTES)))
        last.write_bytes(data)  # a crash of the process leaves the case behind
        faulthandler.dump_traceback_later(CASE_SECONDS, exit=True)
        try:
            accepted += check(target, data) == ""
        except BaseException:
            last.rename(found / f"find-{cases}")
            raise
        faulthandler.cancel_dump_traceback_later()
        cases += 1
    last.unlink(missing_ok=True)
    print(f"{cases} cases, {accepted} accepted")
    return 0


def fuzz_atheris(name: str, seconds: float, found: Path) -> None:
    """Cases that follow coverage; does not return."""
    import atheris

    with atheris.instrument_imports(include=["quantlaxmi"]):
        target = load(name)
    counts: dict[str, int] = {}

    def one(data: bytes) -> None:
        outcome = check(target, data)
        counts[outcome] = counts.get(outcome, 0) + 1

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


def main() -> int:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(prog="fuzz.run", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--engine", choices=("atheris", "random"))
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seed", type=int, default=None, help="of random cases")
    parser.add_argument("--repeat", type=Path, help="run one kept case")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.repeat:
        if not options.target:
            parser.error("--repeat needs --target")
        print(check(load(options.target), options.repeat.read_bytes()) or "accepted")
        return 0
    engine = options.engine or ("atheris" if _has_atheris() else "random")
    if options.worker:
        os.fsync = lambda _: None  # cases need not outlive the machine
        found = options.out / options.target
        found.mkdir(parents=True, exist_ok=True)
        if engine == "random":
            seed = time.time_ns() if options.seed is None else options.seed
            return fuzz_random(load(options.target), options.seconds, found, seed)
        fuzz_atheris(options.target, options.seconds, found)
    failed = []
    for name in (options.target,) if options.target else TARGETS:
        started = time.monotonic()
        words = ["--worker", "--target", name, "--engine", engine, "--out", str(options.out)]
        words += ["--seconds", str(options.seconds)]
        if options.seed is not None:
            words += ["--seed", str(options.seed)]
        options.out.mkdir(parents=True, exist_ok=True)
        log = options.out / f"{name}.log"
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
        said = "no find" if code == 0 else f"FOUND (exit {code}), see {log}"
        print(f"{name}: {time.monotonic() - started:.0f} s with {engine}, {said}", flush=True)
        if code:
            failed.append(name)
    return 1 if failed else 0


def _has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


if __name__ == "__main__":
    sys.exit(main())
