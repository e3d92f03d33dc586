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

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.files import check_regular, check_writable, read_regular, write_whole

__all__ = ["Checkpoint", "DrawCounts", "check_place"]

_DOMAIN = b"quantlaxmi.gate-checkpoint.v1\0"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DrawCounts:
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


def check_place(path: str | Path) -> None:
    """Refuse, before any work, a name under which counts could not be kept or are not.

    Raises
    ------
    ConfigError
        When it stands for something else than a regular file, or none can be made there.
    """
    path = Path(path)
    check_regular(path, ConfigError, "a gate checkpoint")
    check_writable(path, ConfigError)


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
        When the file is there and is not a checkpoint of this identity, or cannot be written.
    """

    def __init__(self, path: str | Path, identity: bytes) -> None:
        check_place(path)
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
                "is the checkpoint of another run, strategy, policy, seed or version; name another "
                "file or remove it",
            )
        if seal != self._seal(gates):
            raise ConfigError(self.path, "was changed or cut; remove it", "hash")
        return gates

    def load(self, gate: str, statistics: int, most: int, stop_after: int = 0) -> DrawCounts | None:
        """What was counted for a gate, or None.

        Parameters
        ----------
        gate : str
        statistics : int
            How many it counts.
        most : int
            Draws it can make at most.
        stop_after : int
            Exceedances of the first statistic at which it stops; 0 for never.

        Raises
        ------
        ConfigError
            When the counts cannot be those of this gate: a hash that fits says only that the
            file is whole.
        """
        if gate not in self._gates:
            return None
        kept = self._gates[gate]
        try:
            done, found, stopped = kept["done"], kept["found"], kept["stopped"]
            sound = (
                all(type(n) is int and 0 <= n <= done for n in found)
                and type(done) is int
                and done <= most
                and len(found) == statistics
                and type(stopped) is bool
                and stopped == (0 < stop_after == found[0])
                and (not stop_after or found[0] <= stop_after)
            )
        except (KeyError, TypeError):
            sound = False
        if not sound:
            problem = f"holds {shown(kept)}, which cannot be its counts; remove the file"
            raise ConfigError(self.path, problem, gate)
        return DrawCounts(done, tuple(found), stopped)

    def save(self, gate: str, progress: DrawCounts) -> None:
        """Write what was counted, whole or not at all."""
        self._gates[gate] = {
            "done": progress.done,
            "found": list(progress.found),
            "stopped": progress.stopped,
        }
        value = {"run": self._identity, "gates": self._gates, "hash": self._seal(self._gates)}
        write_whole(self.path, (json.dumps(value, indent=1) + "\n").encode())
