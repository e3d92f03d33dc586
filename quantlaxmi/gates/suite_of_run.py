"""What the suites have in common: they are made from a run, and asked with other settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.policy import GatePolicy

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["SuiteOfRun"]


@dataclass(frozen=True, slots=True)
class SuiteOfRun:
    """The gates of one suite for one strategy, configuration and segment.

    Attributes
    ----------
    context : GateContext
    """

    context: GateContext

    @classmethod
    def from_run(
        cls,
        run: Run,
        *,
        policy: GatePolicy | None = None,
        seed: int | None = None,
        threads: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        checkpoint: Checkpoint | None = None,
        maker: Callable[[Any], Any] | None = None,
    ) -> Self:
        """Prepare the suite for a finished run; see `context_of` for the parameters.

        Raises
        ------
        ConfigError
            For a seed out of range.
        """
        context = context_of(
            run,
            policy or GatePolicy(),
            seed=seed,
            threads=threads,
            progress=progress,
            checkpoint=checkpoint,
            maker=maker,
        )
        return cls(context)

    def _with_policy(self, **changes: Any) -> GateContext:
        """The context with other values in the policy, where any is given.

        What the checkpoint holds was counted with the suite's own policy and seed, so gates that
        are asked for others neither read nor change it.
        """
        if not changes:
            return self.context
        policy = GatePolicy(**self.context.policy.to_json()).replace(**changes)
        return replace(self.context, policy=policy, checkpoint=None)
