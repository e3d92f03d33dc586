"""The thresholds that gates read: a general part, and one table of settings for each gate."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar

from quantlaxmi.canonical import canonical_digest, canonical_json
from quantlaxmi.errors import EngineError
from quantlaxmi.settings import Bounds, Settings

__all__ = ["General", "NoSettings", "Thresholds"]

S = TypeVar("S", bound=Settings)


class General(Settings, frozen=True, kw_only=True):
    """Thresholds that several gates share.

    Attributes
    ----------
    alpha : Decimal
        Level of every test: it passes when p <= alpha.
    min_trades : int
        A run of fewer round trips is INCONCLUSIVE.
    min_arrangements : int
        A null distribution of fewer distinct arrangements is INCONCLUSIVE.
    accept_premium : bool
        Whether a run passes that earns funding or spread without timing.
    extend_factor : int
        Once, where the Clopper-Pearson interval of b/m holds alpha, draws grow by this factor;
        1 never grows them.
    early : {"off", "guards"}
        Whether dear gates are SKIPPED once a guard has failed. The verdict is FAIL either way, and
        draws do not depend on it.
    """

    alpha: Annotated[Decimal, Bounds(ge="0.000001", le="0.5")] = Decimal("0.05")
    min_trades: Annotated[int, Bounds(ge=2, le=10**9)] = 30
    min_arrangements: Annotated[int, Bounds(ge=1, le=10**6)] = 1000
    accept_premium: bool = True
    extend_factor: Annotated[int, Bounds(ge=1, le=100)] = 10
    early: Literal["off", "guards"] = "off"

    def to_json(self) -> dict[str, Any]:
        """Every threshold; ``early`` where it is on, so that policies from before it stay equal."""
        plain = super().to_json()
        if self.early == "off":
            del plain["early"]
        return plain


class NoSettings(Settings, frozen=True, kw_only=True):
    """The table of a gate that has nothing to set."""


@dataclass(frozen=True)
class Thresholds:
    """What a gate reads of the policy.

    Attributes
    ----------
    general : General
    suites : mapping of str to tuple of str
        The gates that each suite runs.
    tables : mapping of str to Settings
        By gate.
    """

    general: General
    suites: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Settings]

    def __hash__(self) -> int:
        return hash(canonical_json(self.to_json()))

    def settings(self, kind: type[S]) -> S:
        """The settings of this class: those of the gate that declares it.

        Raises
        ------
        EngineError
            When no gate of the policy declares it.
        """
        for table in self.tables.values():
            if type(table) is kind:
                return table
        raise EngineError(f"the policy has no table of {kind.__module__}.{kind.__qualname__}")

    def to_json(self) -> dict[str, Any]:
        """Every threshold with its effective value; decimals as plain text."""
        return {
            **self.general.to_json(),
            "suites": {suite: list(names) for suite, names in self.suites.items()},
            **{name: table.to_json() for name, table in self.tables.items()},
        }

    @functools.cached_property
    def policy_hash(self) -> str:
        """SHA-256 of the canonical text of `to_json`, hexadecimal."""
        return canonical_digest("quantlaxmi.gate-policy.v2", self.to_json()).hex()

    @functools.cached_property
    def draws_hash(self) -> str:
        """`policy_hash` of the same thresholds with ``early`` off: the seed of draws needs it."""
        plain = {key: value for key, value in self.to_json().items() if key != "early"}
        return canonical_digest("quantlaxmi.gate-policy.v2", plain).hex()

    @property
    def skips_early(self) -> bool:
        """Whether dear gates are skipped once a guard has failed."""
        return self.general.early == "guards"

    @property
    def alpha(self) -> Decimal:
        """Level of every test."""
        return self.general.alpha

    @property
    def level(self) -> Fraction:
        """`alpha` as an exact fraction."""
        return Fraction(self.general.alpha)

    @property
    def min_trades(self) -> int:
        """Fewest round trips that are judged."""
        return self.general.min_trades

    @property
    def min_arrangements(self) -> int:
        """Fewest distinct arrangements that are judged."""
        return self.general.min_arrangements

    @property
    def accept_premium(self) -> bool:
        """Whether a premium passes."""
        return self.general.accept_premium

    @property
    def extend_factor(self) -> int:
        """By how much draws grow, once."""
        return self.general.extend_factor
