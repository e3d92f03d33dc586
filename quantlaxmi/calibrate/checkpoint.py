"""The file that keeps the counts of a calibration: sums over runs in a row, believed whole or not.

Runs 0 to 1,499 of a world are one line, however they were cut into batches. So the counts of all
worlds are a few hundred lines, small enough to lie beside the page that is made of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from quantlaxmi.calibrate.experiments import Batch, Experiment, Outcome
from quantlaxmi.errors import ConfigError, SegmentError
from quantlaxmi.files import (
    check_apart,
    check_file,
    check_writable,
    locked_folder,
    read_regular,
    write_whole,
)

__all__ = ["CHECKPOINT", "Checkpoint", "opened", "outcome_of_runs", "summed"]

#: Name of the file in the checkpoint's folder.
CHECKPOINT = "calibration.jsonl"
_MAX_BYTES = 1 << 26
_SEAL = b"quantlaxmi.calibration-checkpoint.v1\0"
#: Seconds between two writings of the checkpoint.
_KEEP_EVERY = 2.0
#: An experiment, its first run and how many; what its world's runs are made of.
_NAME: Final = re.compile(r"([^:@]+):(0|[1-9][0-9]{0,8})\+([1-9][0-9]{0,8})(@[0-9a-f]{16})?")

#: First run -> number of runs in a row, and their counts.
Spans = dict[int, tuple[int, Outcome]]


class Checkpoint:
    """Counts of finished runs in a file of JSON lines: first the identity, then a line a span.

    The first line carries a hash of the others, so that a changed or cut file is never believed.
    A span is one of the fingerprint of its world: where a world's runs have changed since it was
    kept, it is not found and its runs are made again.

    Parameters
    ----------
    folder : Path
    of : str
        The identity: a hash of what all runs depend on.
    prints : dict of str to str
        Fingerprints by world.

    Raises
    ------
    ConfigError
        When the file is there and is not of this identity, or was changed.
    """

    def __init__(self, folder: Path, of: str, prints: dict[str, str]) -> None:
        self.path = folder / CHECKPOINT
        check_file(self.path, None, ConfigError)
        check_writable(self.path, ConfigError)
        self._of, self._prints = of, prints
        #: Key of an experiment with its world's fingerprint -> what is kept of it.
        self.spans: dict[str, Spans] = {}
        self._written = time.monotonic()
        if os.path.lexists(self.path):
            self.spans = self._read()

    def _read(self) -> dict[str, Spans]:
        raw = read_regular(self.path, _MAX_BYTES, ConfigError, "a calibration's checkpoint")
        try:
            head, *lines = [json.loads(line) for line in raw.splitlines()]
            of, seal = head["calibration"], head.get("hash")
            spans = _spans_of((line["batch"], line["counts"]) for line in lines)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigError(
                self.path, "is not a calibration's checkpoint; name another folder"
            ) from None
        if of != self._of:
            raise ConfigError(
                self.path,
                "belongs to another seed, number of draws, policy or capture; name another folder",
            )
        if seal != self._seal(raw.partition(b"\n")[2]):
            raise ConfigError(self.path, "was changed or cut; name another folder", "hash")
        return spans

    def _seal(self, lines: bytes) -> str:
        """Hash of the identity and of the lines of all spans."""
        return hashlib.sha256(_SEAL + self._of.encode() + b"\n" + lines).hexdigest()

    def _key(self, experiment: Experiment) -> str:
        return f"{experiment.key}@{self._prints[experiment.scenario]}"

    def found(self, experiment: Experiment) -> Spans:
        """What is kept of an experiment's runs; a span that goes beyond them is not of use."""
        spans = self.spans.get(self._key(experiment), {})
        return {
            first: (count, outcome)
            for first, (count, outcome) in spans.items()
            if first + count <= experiment.runs
        }

    def add(self, batch: Batch, outcome: Outcome) -> None:
        """Keep a batch, unless its runs are kept already."""
        spans = self.spans.setdefault(self._key(batch.experiment), {})
        after = batch.first + batch.count
        if all(after <= first or first + n <= batch.first for first, (n, _) in spans.items()):
            spans[batch.first] = (batch.count, outcome)
        if time.monotonic() - self._written > _KEEP_EVERY:
            self.write()

    def write(self) -> None:
        """Write all spans, whole or not at all; those in a row become one."""
        lines = ""
        for key in sorted(self.spans):
            self.spans[key] = spans = _joined(self.spans[key])
            name, at, made_of = key.partition("@")
            for first, (count, outcome) in spans.items():
                line = {"batch": f"{name}:{first}+{count}{at}{made_of}", "counts": outcome}
                lines += json.dumps(line) + "\n"
        written = lines.encode()
        head = json.dumps({"calibration": self._of, "hash": self._seal(written)}) + "\n"
        write_whole(self.path, head.encode() + written)
        self._written = time.monotonic()


def _spans_of(lines: Iterable[tuple[Any, Any]]) -> dict[str, Spans]:
    """Spans as they were written.

    Raises
    ------
    ValueError, TypeError
        They are none, or a run is in two.
    """
    found: dict[str, Spans] = {}
    for name, counts in lines:
        parts = _NAME.fullmatch(name)
        if parts is None:
            raise ValueError
        key, first, count, made_of = parts.groups()
        spans = found.setdefault(key + (made_of or ""), {})
        if int(first) in spans:
            raise ValueError
        spans[int(first)] = (int(count), outcome_of_runs(counts, int(count)))
    for spans in found.values():
        end = 0
        for first in sorted(spans):
            if first < end:
                raise ValueError
            end = first + spans[first][0]
    return found


def outcome_of_runs(value: Any, runs: int) -> Outcome:
    """Counts as they were written: no test has more letters than there are runs.

    Raises
    ------
    ValueError
        They are none.
    """
    sound = isinstance(value, dict) and all(
        isinstance(counts, dict)
        and set(counts) <= {"P", "F", "I"}
        and all(type(n) is int and n >= 0 for n in counts.values())
        and sum(counts.values()) <= runs
        for counts in value.values()
    )
    if not sound:
        raise ValueError
    found: Outcome = value
    return found


def _joined(spans: Spans) -> Spans:
    """The same runs with as few spans as there can be, in order."""
    joined: Spans = {}
    last = 0
    for first in sorted(spans):
        count, outcome = spans[first]
        if joined and last + joined[last][0] == first:
            before, kept = joined[last]
            joined[last] = (before + count, summed((kept, outcome)))
        else:
            joined[first], last = (count, outcome), first
    return joined


def summed(outcomes: Iterable[Outcome]) -> Outcome:
    """The counts of several outcomes together."""
    total: Outcome = {}
    for outcome in outcomes:
        for test, counts in outcome.items():
            into = total.setdefault(test, {})
            for letter, n in counts.items():
                into[letter] = into.get(letter, 0) + n
    return total


@contextlib.contextmanager
def opened(folder: Path, of: str, prints: dict[str, str]) -> Iterator[Checkpoint]:
    """The checkpoint in a folder, made where it is not there; for one process at a time."""
    check_apart(folder, ConfigError)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be made: {error.strerror}; expected a folder for the checkpoint"
        raise ConfigError(folder, problem) from None
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(folder))
        except SegmentError:
            problem = "is in use by another calibration; wait for it, or name another folder"
            raise ConfigError(folder, problem) from None
        yield Checkpoint(folder, of, prints)
