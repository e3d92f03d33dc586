"""What a world's runs are made of, as a hash: kept batches of a world are used while it is equal.

A hash of the sources would throw kept runs away for a comment. This one is of what a run of the
world does: its segment, decisions, fills and money, and what the gates find in it, with few draws.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from quantlaxmi.calibrate import study
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.robust import judge_both
from quantlaxmi.calibrate.worlds.world import World
from quantlaxmi.canonical import canonical_json
from quantlaxmi.gates import equity, market_null, walk_forward

__all__ = ["fingerprint"]

#: Draws of the market null.
_DRAWS = 19
_DOMAIN = b"quantlaxmi.calibration-world.v1\0"


def fingerprint(world: World) -> str:
    """The hash of a run of a world, of 16 hexadecimal digits.

    A change of the code that changes neither a decision, a fill, an amount, a count nor a statistic
    of this run leaves it as it is.

    Parameters
    ----------
    world : World
    """
    digest = hashlib.sha256(_DOMAIN + world.name.encode())
    policy = study.Settings(0, _DRAWS, _DRAWS).policy()
    run = study.run_case(world.make(Draws(run_key(0, world.name, 0)), False), costs="paid")
    digest.update(run.header.segment_digest + run.trace.trace_hash + run.trace.outcome_hash)
    # Whole counts: what a study leaves out of them changes no letter.
    context = replace(study.context_of(run, policy), describes=True)
    for gate in (equity.GATE, market_null.GATE, walk_forward.GATE):
        for found in gate.judge(context):
            drawn = found.monte_carlo.to_json() if found.monte_carlo else None
            shown = [found.verdict.value, drawn, found.details.get("statistic")]
            digest.update(canonical_json(shown))
    digest.update(canonical_json(judge_both(run, policy)))
    search = world.make(Draws(run_key(0, world.name, 0)), True).strategy
    for one in study.grid_strategies(search):
        digest.update(one.config_hash)
    return digest.hexdigest()[:16]
