"""Work side by side: `threads` for what holds no lock, `processes` for what is Python.

One level of parallelism: a worker process has one thread, and `cores` says so to whatever it runs.
"""

from __future__ import annotations

from quantlaxmi.parallel.cores import cores

__all__ = ["cores"]
