"""What an interrupted gate run had counted, so that the next one goes on there.

A checkpoint is one JSON file. It belongs to one run, policy and seed, by a hash of them all, and
carries a hash of itself, so that a cut or foreign one is refused and never believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantlaxmi.errors import ConfigError
from quantlaxmi.files import read_regular, write_whole

__all__ = ["Checkpoint", "Progress"]

_DOMAIN = b"quantlaxmi.gate-checkpoint.v1\0"
_MAX_BYTES = 1 << 20
_MAX_COUNT = 10**12


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the draws of one gate went.

    Attributes
    ----------
    done : int
        Draws counted.
    found : tuple of int
        Exceedances of each statistic among them.
    stopped : bool
        Whether drawing had stopped at its last exceedance.
    """

    done: int
    found: tuple[int, ...]
    stopped: bool


class Checkpoint:
    """Counts of a gate run, kept in a file.

    Parameters
    ----------
    path : str or Path
        Made at the first count; replaced whole at every further one.
    identity : bytes
        Hash of everything the counts depend on.

    Raises
    ------
    ConfigError
        When the file is there and is not a checkpoint of this identity.
    """

    def __init__(self, path: str | Path, identity: bytes) -> None:
        self.path = Path(path)
        self._identity = identity.hex()
        self._gates: dict[str, Any] = {}
        if os.path.lexists(self.path):
            self._gates = self._read()

    def _seal(self, gates: dict[str, Any]) -> str:
        text = json.dumps([self._identity, gates], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(_DOMAIN + text.encode()).hexdigest()

    def _read(self) -> dict[str, Any]:
        raw = read_regular(self.path, _MAX_BYTES, ConfigError, "a gate checkpoint")
        try:
            value = json.loads(raw)
            identity, gates, seal = value["run"], value["gates"], value["hash"]
            if not isinstance(gates, dict):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(self.path, "is not a gate checkpoint; remove it") from None
        if identity != self._identity:
            raise ConfigError(
                self.path,
                "is the checkpoint of another run, policy or seed; name another file or remove it",
            )
        if seal != self._seal(gates):
            raise ConfigError(self.path, "was changed or cut; remove it", "hash")
        return gates

    def load(self, gate: str, statistics: int, most: int) -> Progress | None:
        """What was counted for a gate, or None.

        Parameters
        ----------
        gate : str
        statistics : int
            How many it counts.
        most : int
            Draws it can make at most.

        Raises
        ------
        ConfigError
            When the counts cannot be those of this gate.
        """
        kept = self._gates.get(gate)
        if kept is None:
            return None
        try:
            done, found, stopped = kept["done"], kept["found"], kept["stopped"]
            numbers = [done, *found]
            sound = (
                all(type(n) is int and 0 <= n <= min(done, _MAX_COUNT) for n in numbers)
                and done <= most
                and len(found) == statistics
                and isinstance(stopped, bool)
            )
        except (KeyError, TypeError):
            sound = False
        if not sound:
            raise ConfigError(self.path, f"holds {kept}, which cannot be its counts", gate)
        return Progress(done, tuple(found), stopped)

    def save(self, gate: str, progress: Progress) -> None:
        """Write what was counted, whole or not at all."""
        self._gates[gate] = {
            "done": progress.done,
            "found": list(progress.found),
            "stopped": progress.stopped,
        }
        value = {"run": self._identity, "gates": self._gates, "hash": self._seal(self._gates)}
        write_whole(self.path, (json.dumps(value, indent=1) + "\n").encode())
