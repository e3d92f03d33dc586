"""Options priced and volatilities solved a second, beside py_vollib_vectorized, in processor time.

The peer runs in an environment of its own, so each side is measured by its own processor time.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import REPEATS, WORK, Results

from quantlaxmi.options import black76, greeks, implied_vol

#: Later versions of py_vollib and py_lets_be_rational break the vectorized package.
PEERS = ("py_vollib==1.0.1", "py_lets_be_rational==1.0.1", "py_vollib_vectorized==0.1.1")
PEER = Path(__file__).with_name("peer_vollib.py")
N = 200_000


def options() -> tuple[np.ndarray, ...]:
    """Forward, strike, years, volatility, call: out of the money, an hour to two months."""
    rng = np.random.default_rng(15)
    forward = 24_500 + rng.normal(0, 100, N)
    strike = np.round(forward * (1 + rng.normal(0, 0.03, N)) / 50) * 50
    years = rng.integers(3600, 5_000_000, N) / 31_536_000
    return forward, strike, years, rng.uniform(0.08, 0.2, N), strike > forward


def best_seconds(work: Callable[[], object]) -> float:
    """Least processor time of some turns, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times[1:])


def environment() -> Path | None:
    """Python with the peer; made once. None where it cannot be installed."""
    folder = WORK / "peers-vollib"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=False)
        if done.returncode:
            return None
        (folder / "ready").touch()
    return python


def beside_vollib(
    results: Results, ours: dict[str, float], columns: tuple[np.ndarray, ...]
) -> None:
    """The same options by the peer, and how many times as fast ours are."""
    python = environment()
    if python is None:
        results.skip("py_vollib_vectorized", "could not be installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "options.npy")
        np.save(path, np.array(columns, float))
        done = subprocess.run(
            [python, PEER, path, str(REPEATS)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
        results.skip("py_vollib_vectorized", why)
        return
    seen = json.loads(done.stdout.splitlines()[-1])
    for what, seconds in ours.items():
        peer = seen[what]
        results.add(f"py_vollib_vectorized {seen['version']}, {what}", N / peer / 1e6, "M/s")
        results.add(f"times as fast, {what}", peer / seconds, "times", ">= 2")
    largest = seen["largest_difference"]
    results.add("largest difference of a price, of the forward", largest, "", "<= 1e-10")


def main() -> None:
    """Measure prices, greeks and volatilities."""
    results = Results("option maths")
    columns = forward, strike, years, _, call = options()
    price = black76(*columns).value
    works = {
        "price": (lambda: black76(*columns), ">= 5"),
        "greeks": (lambda: greeks(*columns), ""),
        "volatility": (lambda: implied_vol(price, forward, strike, years, call), ">= 1"),
    }
    ours = {}
    for what, (work, target) in works.items():
        seconds = best_seconds(work)
        results.add(what, N / seconds / 1e6, "M/s", target, f"{N:,} options, one core")
        if what != "greeks":
            ours[what] = seconds
    beside_vollib(results, ours, (*columns, price))
    results.done()


if __name__ == "__main__":
    main()
