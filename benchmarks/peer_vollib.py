"""Runs in the peer's environment: prices and volatilities by py_vollib_vectorized."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")
import py_vollib_vectorized as peer  # noqa: E402


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Least processor time of some turns, after one that compiles."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times[1:])


def main() -> None:
    """Seconds of each, and how far prices are from those given, over the forward."""
    forward, strike, years, sigma, call, price = np.load(sys.argv[1])
    flag = np.where(call != 0, "c", "p")

    def prices() -> np.ndarray:
        return peer.vectorized_black(flag, forward, strike, years, 0.0, sigma, return_as="numpy")

    def volatilities() -> np.ndarray:
        return peer.vectorized_implied_volatility_black(
            price, forward, strike, 0.0, years, flag, return_as="numpy"
        )

    repeats = int(sys.argv[2])
    print(
        json.dumps(
            {
                "price": best_seconds(prices, repeats),
                "volatility": best_seconds(volatilities, repeats),
                "largest_difference": float(np.max(np.abs(prices().ravel() - price) / forward)),
                "version": version("py_vollib_vectorized"),
            }
        )
    )


if __name__ == "__main__":
    main()
