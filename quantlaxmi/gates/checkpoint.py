"""What an interrupted gate run had counted, so that the next one goes on there.

A checkpoint is one JSON file. It belongs to one run, policy and seed, by a hash of them all, and
carries a hash of itself, so that a cut or foreign one is refused and never believed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.files import check_file, check_writable, read_regular, write_whole
from quantlaxmi.stats.histogram import BINS

__all__ = ["VERSION", "Checkpoint", "CountLimits", "DrawCounts", "Stage", "check_place"]

#: Version 3 counts in stages, each with its own number of exceedances that stops it.
VERSION = 3
_DOMAIN = "quantlaxmi.gate-checkpoint.v3"
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
    bins : tuple of tuple of int
        For each statistic with a histogram, the draws that count by their bins.
    """

    done: int
    found: tuple[int, ...]
    stopped: bool
    bins: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def from_json(cls, value: Any) -> DrawCounts:
        """Counts as `to_json` gives them.

        Raises
        ------
        ValueError
            When they are no counts.
        """
        try:
            done, found, stopped, bins = (value[k] for k in ("done", "found", "stopped", "bins"))
            sound = (
                type(done) is int
                and type(stopped) is bool
                and all(type(n) is int and 0 <= n <= done for n in found)
                and all(len(one) == BINS for one in bins)
                and all(type(n) is int and 0 <= n <= done for one in bins for n in one)
            )
        except (KeyError, TypeError):
            sound = False
        if not sound:
            raise ValueError
        return cls(done, tuple(found), stopped, tuple(map(tuple, bins)))

    def to_json(self) -> dict[str, Any]:
        """The counts as the checkpoint's file keeps them."""
        bins = [list(one) for one in self.bins]
        return {"done": self.done, "found": list(self.found), "stopped": self.stopped, "bins": bins}


@dataclass(frozen=True, slots=True)
class Stage:
    """How many draws are counted, and at which exceedance counting stops.

    Attributes
    ----------
    draws : int
    stop_after : int
        Exceedances of the first statistic; 0 for never.
    """

    draws: int
    stop_after: int = 0


@dataclass(frozen=True, slots=True)
class CountLimits:
    """What the counts of one gate can be: a checkpoint that holds others is refused.

    Attributes
    ----------
    statistics, histograms : int
        How many statistics the gate counts, and for how many of them it bins the draws.
    stages : tuple of Stage
    tries : int
        Draws made at most for each one that counts.
    picked : bool
        Whether only the draws count that the last statistic names.
    """

    statistics: int
    histograms: int
    stages: tuple[Stage, ...]
    tries: int = 1
    picked: bool = False

    def allow(self, kept: DrawCounts) -> bool:
        """Whether drawing can have given these counts."""
        if len(kept.found) != self.statistics or len(kept.bins) != self.histograms:
            return False
        counted = kept.found[-1] if self.picked else kept.done
        found = kept.found[0]
        for stage in self.stages:
            if counted <= stage.draws and kept.done <= self.tries * stage.draws:
                stops = 0 < stage.stop_after == found
                return (
                    kept.stopped == stops
                    and (not stage.stop_after or found <= stage.stop_after)
                    and all(sum(one) == counted for one in kept.bins)
                )
        return False


def check_place(path: str | Path) -> None:
    """Refuse, before any work, a name under which counts could not be kept or are not.

    Raises
    ------
    ConfigError
        When no output may be there (`check_file`), or none can be made.
    """
    path = Path(path)
    check_file(path, None, ConfigError)
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
        return canonical_digest(_DOMAIN, [self._identity, gates]).hex()

    def _read(self) -> dict[str, Any]:
        raw = read_regular(self.path, _MAX_BYTES, ConfigError, "a gate checkpoint")
        try:
            value = json.loads(raw)
            if "gates" in value and (version := value.get("version", 1)) != VERSION:
                problem = f"was {shown(version)}, expected {VERSION}; name another file"
                raise ConfigError(self.path, problem, "version")
            identity, gates, seal = value["run"], value["gates"], value["hash"]
            if not isinstance(gates, dict):
                raise ValueError
            whole = self._seal(gates)  # ValueError: a number or a text that no checkpoint holds
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigError(self.path, "is not a gate checkpoint; name another file") from None
        if identity != self._identity:
            raise ConfigError(
                self.path,
                "is the checkpoint of another run, strategy, policy, seed or version; name another "
                "file",
            )
        if seal != whole:
            raise ConfigError(self.path, "was changed or cut; name another file", "hash")
        return gates

    def load(self, gate: str, limits: CountLimits) -> DrawCounts | None:
        """What was counted for a gate, or None.

        Raises
        ------
        ConfigError
            When the counts cannot be those of this gate: a hash that fits says only that the
            file is whole.
        """
        if gate not in self._gates:
            return None
        try:
            kept = DrawCounts.from_json(self._gates[gate])
            sound = limits.allow(kept)
        except ValueError:
            sound = False
        if not sound:
            problem = f"was {shown(self._gates[gate])}, which no drawing gives; name another file"
            raise ConfigError(self.path, problem, gate)
        return kept

    def save(self, gate: str, counts: DrawCounts) -> None:
        """Write what was counted, whole or not at all."""
        self._gates[gate] = counts.to_json()
        value = {
            "version": VERSION,
            "run": self._identity,
            "gates": self._gates,
            "hash": self._seal(self._gates),
        }
        write_whole(self.path, (json.dumps(value, indent=1) + "\n").encode())
