"""The trials that a verdict knows of: what a report keeps, so that it is computed again from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import TrialError, shown
from quantlaxmi.trials.ledger import TrialLedger
from quantlaxmi.trials.records import Extent, Trial, TrialKey

__all__ = ["TrialsUsed"]

_DOMAIN: Final = "quantlaxmi.trial-keys.v1"
_HEX: Final = re.compile("[0-9a-f]{64}")
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TrialsUsed:
    """The trials that bear on the data of a verdict, those of the verdict itself among them.

    Attributes
    ----------
    strategy, code : str
        Of the verdict.
    keys : tuple of TrialKey
        Each once, sorted.
    settings : dict of str to dict of str to str
        By hash: settings of this strategy and code, as texts, that were tried on any of these data.
    """

    strategy: str
    code: str
    keys: tuple[TrialKey, ...]
    settings: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, ledger: TrialLedger, data: Extent, own: Iterable[Trial]) -> Self:
        """The trials of a ledger that bear on some data, and those that a verdict makes itself.

        Parameters
        ----------
        ledger : TrialLedger
            Read up to now.
        data : Extent
        own : iterable of Trial
            At least one, of one strategy and code; whether the ledger has them does not matter.
        """
        mine = tuple(own)
        strategy, code = mine[0].strategy, mine[0].code
        every = (*ledger.trials(data), *mine)
        settings = {
            one.config_hash: dict(one.config)
            for one in every
            if (one.strategy, one.code) == (strategy, code)
        }
        return cls(
            strategy,
            code,
            tuple(sorted({one.key for one in every})),
            {name: settings[name] for name in sorted(settings)},
        )

    @property
    def keys_hash(self) -> str:
        """SHA-256 of the sorted keys, hexadecimal."""
        return canonical_digest(_DOMAIN, [list(key) for key in self.keys]).hex()

    @property
    def n_elsewhere(self) -> int:
        """Trials of other strategies or other code: they cannot be run again here."""
        own = (self.strategy, self.code)
        return sum((key.strategy, key.code) != own for key in self.keys)

    def not_searched(self, searched: Collection[str]) -> int:
        """Settings that were tried, of any strategy and code, but not searched for the verdict.

        Parameters
        ----------
        searched : collection of str
            Hashes of the settings of this strategy and code that were.
        """
        own = (self.strategy, self.code)
        tried = {(key.strategy, key.code, key.config) for key in self.keys}
        return sum(
            (strategy, code) != own or config not in searched for strategy, code, config in tried
        )

    def describe(self, searched: Collection[str]) -> dict[str, Any]:
        """What a report holds.

        Parameters
        ----------
        searched : collection of str
            As for `not_searched`.
        """
        return {
            "strategy": self.strategy,
            "code": self.code,
            "count": len(self.keys),
            "keys": [list(key) for key in self.keys],
            "keys_hash": self.keys_hash,
            "not_searched": self.not_searched(searched),
            "settings": {name: dict(texts) for name, texts in self.settings.items()},
        }

    @classmethod
    def from_description(cls, described: Any) -> Self:
        """The trials that a report holds.

        Raises
        ------
        TrialError
            They are none, or not those whose hash is recorded with them.
        """
        names = ("strategy", "code", "count", "keys", "keys_hash", "not_searched", "settings")
        if not isinstance(described, Mapping) or set(described) != set(names):
            raise TrialError("trials", f"was {shown(described)}, expected {', '.join(names)}")
        listed, settings = described["keys"], described["settings"]
        strategy, code = described["strategy"], described["code"]
        if not isinstance(strategy, str) or not _HEX.fullmatch(str(code)):
            raise TrialError("trials", f"was {shown(code)}, expected a digest", "code")
        if (
            not isinstance(listed, list)
            or not 0 < len(listed) <= _MOST
            or not all(
                isinstance(key, list)
                and len(key) == 4
                and all(isinstance(part, str) for part in key)
                and all(_HEX.fullmatch(key[k]) for k in (0, 2, 3))
                for key in listed
            )
        ):
            raise TrialError("trials", f"was {shown(listed)}, expected keys of trials", "keys")
        if not isinstance(settings, Mapping) or not all(
            _HEX.fullmatch(str(name))
            and isinstance(texts, Mapping)
            and all(isinstance(text, str) for text in texts.values())
            for name, texts in settings.items()
        ):
            raise TrialError("trials", f"was {shown(settings)}, expected settings", "settings")
        found = cls(strategy, str(code), tuple(TrialKey(*key) for key in listed), settings)
        if list(found.keys) != sorted(set(found.keys)) or described["count"] != len(listed):
            raise TrialError("trials", "are not sorted, each once, and counted", "keys")
        if found.keys_hash != described["keys_hash"]:
            raise TrialError(
                "trials",
                f"was {shown(described['keys_hash'])}, the keys give {found.keys_hash}",
                "keys_hash",
            )
        return found
