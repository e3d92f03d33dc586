"""All settings of a draw over one pass of its market.

The settings are lanes of one engine (`_ext.lanes`): rows, books and features are read once, and
kernels that say how long they sleep are not called meanwhile. What cannot be a lane is run by
itself: plain-Python and interpreted strategies, latencies that are drawn or answers that are late,
losses that close, stated capital, and kernels that write to the books their neighbours read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from quantlaxmi._ext.lane_draws import LaneDraws
from quantlaxmi._ext.lanes import MAX_LANES, Lanes
from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.gates.resampling.market_replays import MAX_TRIES, Moved, Replays, Sums
from quantlaxmi.parallel.pace import Pace
from quantlaxmi.parallel.threads import raise_if_stopped
from quantlaxmi.run.session import FIRST_ROWS, MOST_ROWS
from quantlaxmi.strategies.config import StrategyConfig

__all__ = ["CHECKED", "MOST_BYTES", "Drawn", "SettingPasses"]

#: Tables that the lanes of one pass may have, if each were as long as the run's own. Where all
#: settings have more, they are freed behind each pass.
MOST_BYTES: Final = 1 << 29

#: Most lanes of a pass where no kernel says how long it sleeps: every lane is then called at every
#: row, and more of them push each other's memory out of the processor's caches. The passes of fifty
#: settings of five worlds of the calibration took 1.5 to 2.4 times as long with 48.
_AWAKE: Final = 4

#: One draw in so many is run again with nobody asleep, and one of its settings by itself.
CHECKED: Final = 64


#: A call makes at most so many draws, and as many as have about so many rows.
_MOST_AT_ONCE: Final = 16
_ROWS_AT_ONCE: Final = 1 << 17

#: What a lane came to, as `Lanes.run` says.
_Result = tuple[bool, int, int, int, int]


class _Beat:
    """Rows of a pass's next span; interrupts are heard between two."""

    def __init__(self) -> None:
        self._pace, self._open = Pace(FIRST_ROWS, MOST_ROWS), False

    def begin(self) -> None:
        """A pass begins."""
        self._open = False

    def __call__(self) -> int:
        raise_if_stopped()
        if self._open:
            self._pace.__exit__(None, None, None)
        self._pace.__enter__()
        self._open = True
        return self._pace.size


class Drawn(NamedTuple):
    """What the settings came to on the market of a draw.

    Attributes
    ----------
    tries : int
        Markets made until one had positive prices.
    sums : list of Sums, optional
        By setting; None where no market had positive prices.
    """

    tries: int
    sums: list[Sums] | None


def _drawn(tries: int, results: list[_Result | None] | None) -> Drawn | None:
    """As Python has it; None where a lane failed."""
    if results is None:
        return Drawn(tries, None)
    sums = [Sums(*one) for one in results if one is not None]
    return Drawn(tries, sums) if len(sums) == len(results) else None


class _Room:
    """The lanes of one thread: groups of settings, each a pass."""

    def __init__(self, groups: list[Lanes]) -> None:
        self.groups, self.beat = groups, _Beat()
        self.loaded: Moved | None = None
        self.draws: LaneDraws | None = None  # of the market that is loaded


class SettingPasses:
    """Runs the settings of a draw as lanes.

    Parameters
    ----------
    replays : Replays
        It has bound the settings.
    configs : sequence of StrategyConfig or None
        Settings of a draw.

    Attributes
    ----------
    are_lanes : bool
        Whether the settings run as lanes; else every one is run by itself.
    """

    def __init__(self, replays: Replays, configs: Sequence[StrategyConfig | None]) -> None:
        self._replays, self._configs = replays, tuple(configs)
        # By the market that each one has loaded, so that a thread takes up its own again.
        self._rooms: dict[int, _Room] = {}
        self._forgets = len(self._configs) * replays.table_bytes > MOST_BYTES
        self.are_lanes = True
        try:
            self._rooms[0] = self._make()
        except (ValueError, StrategyError, FixedPointOverflow):
            self.are_lanes = False

    def _make(self) -> _Room:
        """Lanes for one thread.

        Raises
        ------
        ValueError
            The settings cannot be lanes.
        """
        most = min(MAX_LANES, 1 + MOST_BYTES // (1 + self._replays.table_bytes))
        sessions = [self._replays.new_session(config) for config in self._configs]
        asleep = [s.bound.asleep if isinstance(s.bound.asleep, int) else 0 for s in sessions]
        if not any(asleep):
            most = min(most, _AWAKE)
        groups = []
        for first in range(0, len(sessions), most):
            engines = [session.engine for session in sessions[first : first + most]]
            own = asleep[first : first + most]
            groups.append(Lanes(engines, len(sessions[0].currencies), own))
        return _Room(groups)

    def _load(self, room: _Room, moved: Moved) -> None:
        """Let the lanes read a market, unless they do."""
        if room.loaded is moved:
            return
        replays = self._replays
        for lanes in room.groups:
            lanes.load(replays.tables(moved), replays.depth_index, replays.quiet_rows)
        room.loaded, room.draws = moved, None

    def _pass(self, room: _Room, moved: Moved, *, sleeping: bool) -> list[Sums | None]:
        marks = self._replays.marks(moved)
        made: list[Sums | None] = []
        self._load(room, moved)
        for lanes in room.groups:
            room.beat.begin()
            found = lanes.run(room.beat, *marks, sleeping)
            made += [None if one is None else Sums(*one) for one in found]
            if self._forgets:
                lanes.forget()
        return made

    @property
    def at_once(self) -> int:
        """Draws that `drawn` best makes together, so that a call takes about a millisecond."""
        return max(1, min(_MOST_AT_ONCE, _ROWS_AT_ONCE // (1 + self._replays.n_rows)))

    def drawn(self, draws: range, moved: Moved, drift: bool = True) -> list[Drawn | None]:
        """Make the markets of draws that follow each other, and run every setting on each.

        Parameters
        ----------
        draws : range
        moved : Moved
            Its arrays are overwritten; it does not say of which market they are afterwards.
        drift : bool
            Whether the markets keep the data's drift.

        Returns
        -------
        list of Drawn or None
            By draw; None where it has to be made by itself (`Replays.move` and `sums`): the
            settings are no lanes of one pass, one failed, or the draw is one that is checked.
        """
        if not (self.are_lanes and self._replays.has_no_bars):
            return [None] * len(draws)
        room = self._taken(moved)
        found: list[Drawn | None] = []
        if len(room.groups) > 1:
            found = [None] * len(draws)
        else:
            self._load(room, moved)
            for checked, part in groupby(draws, lambda draw: draw % CHECKED == 0):
                numbers = list(part)
                found += (
                    [None] * len(numbers) if checked else self._made(room, moved, numbers, drift)
                )
        self._rooms[id(moved)] = room
        return found

    def _made(
        self, room: _Room, moved: Moved, numbers: Sequence[int], drift: bool
    ) -> list[Drawn | None]:
        if room.draws is None:
            room.draws = self._replays.lane_draws(room.groups[0], moved)
        room.beat.begin()
        made = room.draws.made(
            room.beat, self._replays.key, numbers[0], len(numbers), drift, MAX_TRIES
        )
        return [_drawn(tries, results) for tries, results in made]

    def sums(self, moved: Moved) -> list[Sums | None]:
        """Sums of every setting on a market; None where the setting has to be run by itself.

        Parameters
        ----------
        moved : Moved

        Raises
        ------
        StrategyError
            The draw is one of those that are checked, and a kernel slept through a message at which
            it acts, or its answer depends on the other settings of the pass.
        """
        if not self.are_lanes:
            return [None] * len(self._configs)
        room = self._taken(moved)
        found = self._pass(room, moved, sleeping=True)
        if moved.draw % CHECKED == 0:
            if any(lanes.some_sleep for lanes in room.groups):
                self._hold_sleep(found, self._pass(room, moved, sleeping=False))
            self._hold_lane(found, moved)
        self._rooms[id(moved)] = room
        return found

    def _taken(self, moved: Moved) -> _Room:
        """Lanes that nobody uses, out of the rooms: those with this market, if there are any."""
        room = self._rooms.pop(id(moved), None)
        if room is not None:
            return room
        try:
            return self._rooms.popitem()[1]
        except KeyError:
            return self._make()

    def prove(self, alone: Sequence[Sums]) -> None:
        """Hold the lanes to what each setting made by itself on the recorded market.

        Where a lane that never sleeps differs, the kernels write to what they share, and the
        settings are no lanes.

        Parameters
        ----------
        alone : sequence of Sums

        Raises
        ------
        StrategyError
            A kernel slept through a message at which it acts.
        """
        if not self.are_lanes:
            return
        room, market = next(iter(self._rooms.values())), self._replays.room()
        awake = self._pass(room, market, sleeping=False)
        if awake != list(alone):
            self.are_lanes = False
            self._rooms.clear()
            return
        if any(lanes.some_sleep for lanes in room.groups):
            self._hold_sleep(self._pass(room, market, sleeping=True), awake)

    def _named(self, place: int) -> str:
        config = self._configs[place]
        strategy = self._replays.strategy_id
        return f"strategy {strategy!r}" + ("" if config is None else f" with {config}")

    def _hold_sleep(self, slept: list[Sums | None], awake: list[Sums | None]) -> None:
        for place, (one, other) in enumerate(zip(slept, awake, strict=True)):
            if one != other:
                raise StrategyError(
                    f"{self._named(place)} acts at a message that its kernel's asleep says it "
                    "sleeps through: mend asleep, or leave it out"
                )

    def _hold_lane(self, found: list[Sums | None], moved: Moved) -> None:
        place = moved.draw // CHECKED % len(found)
        if found[place] is None:
            return
        if self._replays.sums(moved, self._configs[place]) != found[place]:
            raise StrategyError(
                f"{self._named(place)} answers otherwise among other settings: its kernel writes "
                "to books, features or the event, which it may only read"
            )
