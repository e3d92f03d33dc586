"""Where each field of a report of version 1 stands today, and which were changed on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Gates and their results.
GATES = {
    "prefix": "look_ahead",
    "market_permutation": "market_null",
    "time_shift.lead": "lag_profile",
}
#: Keys of the policy: their table and name; without a table in the general part.
POLICY = {
    "fee_multiplier": "net_positive/fee_multiplier",
    "extra_slippage_bps": "net_positive/extra_slippage_bps",
    "n_prefixes": "look_ahead/n_beginnings",
    "n_sims": "random_entry/n_sims",
    "n_neutral_pairs": "random_entry/n_neutral_pairs",
    "tost_margin_bps": "random_entry/tost_margin_bps",
    "max_net_bundles": "random_entry/max_net_bundles",
    "n_perms": "label_permutation/n_perms",
    "permute_within": "label_permutation/within",
    "block_seconds": "label_permutation/block_seconds",
    "regime_steps": "label_permutation/regime_steps",
    "n_market_draws": "market_null/n_draws",
    "stop_exceedances": "market_null/stop_exceedances",
    "market_grid_search": "market_null/grid_search",
    "n_shifts": "time_shift/n_shifts",
    "min_decorrelations": "time_shift/min_decorrelations",
    "delays_ms": "delay/delays_ms",
    "delay_bars": "delay/delays_bars",
    "required_delay_ms": "delay/required_ms",
    "required_delay_bars": "delay/required_bars",
    "least_delay_share": "delay/least_share",
    "n_bootstrap": "ablation/n_bootstrap",
    "bootstrap_buckets": "ablation/max_buckets",
    "min_buckets": "ablation/min_buckets",
}
#: Fields of results.
FIELDS = {
    "label_permutation/details/runs": "label_permutation/details/spans",
    "label_permutation/details/runs_not_flat": "label_permutation/details/spans_not_flat",
    "time_shift/details/stretches": "time_shift/details/holding_periods",
    **{
        f"market_null/details/{name}": f"market_null/details/drifting/{name}"
        for name in (
            "basis_sd_bps", "markets_tried", "null_basis_sd_bps", "null_time_in_position",
            "null_trips", "positive_share", "shown_draws", "time_in_position",
        )
    },
}  # fmt: skip
#: Other fields: the general ones and those of the costs.
MOVED = {
    "costs/min_notional/perp.BTCUSDT-PERP": "costs/min_notional/perp",
    "costs/min_notional/spot.BTCUSDT": "costs/min_notional/spot",
}
#: Fields, as patterns of their place in version 1, that later issues changed, and why.
CHANGED = {
    # Version 2, and what it is made with.
    "version": "reports are version 2",
    "*_hash": "hashes cover renamed keys, the segment's new digest and the semantics",
    "header/cost_hash": "the costs name what a buy pays its fee in, and what a loan costs",
    "timestamp": "the clock",
    "run_id": "made of the trace's header",
    "g3_details/*": "a suite that did not run has no details",
    "header/semantics_version": "each change of traces counts it up",
    "header/segment_digest": "exponents of a capture come from tick and lot",
    "segment_id": "has the digest in it",
    "header/instruments/*": "exponents of a capture come from tick and lot",
    "seed": "follows from segment, strategy and settings where none is given",
    # Sentences.
    "*/reasons": "sentences are for people, and were written anew",
    # The policy.
    "policy/market_null/n_draws": "199 draws, 1,999 where they do not decide",
    "policy/market_null/stop_exceedances": "stopping follows from the level alone",
    # G2 decides by clock buckets and the market null; other tests only show.
    "*/role": "equity, market null and premium decide; the others guard timing or show",
    "label_permutation/verdict": "a diagnosis is shown",
    "time_shift/verdict": "a diagnosis is shown",
    "ablation.signals/verdict": "a diagnosis is shown",
    "*/details/coin_sides/*": "random sides are a result of their own",
    "*/details/market/*": "the market null is a result of its own",
    "*/details/market_unavailable": "the market null is a result of its own",
    "*/details/moved/*": "a result has one count, that of its own draws",
    "random_entry.matched/monte_carlo/*": "the count of its own draws, under a seed that follows",
    "label_permutation/monte_carlo/*": "the count of its own draws, under a seed that follows",
    "market_null/monte_carlo/*": "the count of its own draws, under a seed that follows",
    "market_null/details/driftless*": "markets without drift are drawn as those with it are",
    "market_null/details/rule": "markets count with however many round trips",
    "market_null/details/conditional_on_trips": "markets count with however many round trips",
    "market_null/details/draws_*": "markets count with however many round trips",
    "market_null/details/grid_search": "a sentence",
    "market_null/details/drifting/null_*": "drawn under a seed that follows",
    "market_null/details/statistic": "a sum over clock buckets, not over moves",
    "market_null/details/sum*": "a sum over clock buckets, not over moves",
    # Draws under a seed that follows from the run.
    "look_ahead/details/beginnings/*": "drawn under a seed that follows",
    "random_entry.neutral/details/*": "drawn under a seed that follows",
    "random_entry.matched/details/net/*": "drawn under a seed that follows",
    "ablation.*/details/lost_lower_limit": "drawn under a seed that follows",
    "ablation.*/details/harm_p_value": "drawn under a seed that follows",
    "ablation.*/details/gained_interval": "drawn under a seed that follows",
    # Money.
    "delay/details/curve/*": "a trim takes the latency of an order, too",
}
RESULTS = "suites/g2/results"


def results_of(g2: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of version 1, by today's names."""
    times = {one["kind"]: one for one in g2["time_shift_results"]}
    baseline = g2["random_entry_baseline"]
    found = [
        g2["net_positive"],
        g2["prefix"],
        {"kind": "matched", **baseline["matched"]},
        {"kind": "neutral", **baseline["neutral"]},
        *g2["permutation_results"],
        *(times[kind] for kind in ("circular", "lead", "delay")),
        *g2["ablation_results"],
    ]
    return [renamed(one) for one in found]


def renamed(result: dict[str, Any]) -> dict[str, Any]:
    """A result as version 2 has its parts."""
    labels = {name: result[name] for name in ("kind", "removed") if name in result}
    kept = {name: value for name, value in result.items() if name not in labels}
    return {**kept, "labels": labels, "gate": GATES.get(result["gate"], result["gate"])}


def fields_of(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no table, with its place."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from fields_of(one, f"{place}/{name}" if place else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for k, one in enumerate(value):
            yield from fields_of(one, f"{place}/{k}")
    else:
        yield place, value


def fields_of_version_1(report: dict[str, Any]) -> dict[str, Any]:
    """Every field of a report of version 1 by its place today; of a result from its name on."""
    old = dict(report)
    g2, policy = old.pop("g2_details"), old.pop("policy")
    del old["suites"], policy["g2_gates"]  # the gates of a suite are listed in the policy
    found = {MOVED.get(place, place): value for place, value in fields_of(old)}
    for name, value in policy.items():
        found[f"policy/{POLICY.get(name, name)}"] = value
    for one in results_of(g2):
        for place, value in fields_of(one, one["gate"]):
            found[FIELDS.get(place, place)] = value
    return found | {"g2_passed": old["g2_passed"], "verdict of g2": g2["verdict"]}


def fields_of_version_2(report: dict[str, Any]) -> dict[str, Any]:
    """Every field of a report by its place; of a result of G2 from its name on."""
    new = dict(report)
    suite = new.pop("suites")["g2"]
    found = dict(fields_of(new))
    for one in suite["results"]:
        found |= fields_of(one, one["gate"])
    return found | {"g2_passed": suite["passed"], "verdict of g2": suite["verdict"]}
