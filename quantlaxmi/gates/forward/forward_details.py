"""What is shown of walk-forward and decides nothing: folds, neighbours, what carries the net."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from fractions import Fraction

from quantlaxmi.gates.forward.neighbours import neighbours_of, varied
from quantlaxmi.gates.forward.out_of_sample import OutOfSample
from quantlaxmi.gates.forward.training import TrainedFolds
from quantlaxmi.gates.results import Json, decimal_text, rounded, studentised
from quantlaxmi.instruments import Instrument

__all__ = ["fold_rows", "shown_figures"]

#: A neighbour keeps the result where its statistic is at least this share of the setting's.
_KEEPS = 0.5
#: Settings of a larger grid are not listed one by one.
_MOST_LISTED = 2_500


def fold_rows(trained: TrainedFolds, found: OutOfSample, exponent: int) -> list[Json]:
    """A row a fold: its times, the setting chosen, what it earned in training and after.

    Parameters
    ----------
    trained : TrainedFolds
    found : OutOfSample
    exponent : int
        Of the amounts.
    """
    texts = [config.as_texts() for config in trained.settings]
    names = varied(texts)
    rows: list[Json] = []
    parts = (trained.folds, trained.purges, trained.choices, found.runs, found.nets)
    for fold, purge, choice, run, net in zip(*parts, strict=True):
        row: dict[str, Json] = {
            "fold": fold.number,
            "train_begin_ns": fold.train_begin_ns,
            "test_begin_ns": fold.test_begin_ns,
            "test_stop_ns": fold.test_stop_ns,
            "purge_ns": purge.ns,
            "longest_holding_ns": purge.longest_ns,
            "purge_capped": purge.capped,
            "chosen": None,
            "net": decimal_text(net, exponent),
            "fills": 0 if run is None else run.n_fills,
            "round_trips": 0 if run is None else run.trips.shape[1] + run.is_open,
            "left_open": run is not None and run.is_open,
        }
        if choice is not None:
            own = texts[choice.index]
            row["chosen"] = trained.settings[choice.index].config_hash.hex()
            row["values"] = {name: own[name] for name in names}
            row["in_sample"] = {
                "buckets": choice.buckets,
                "statistic": studentised(choice.total, choice.squares),
                "net": decimal_text(choice.total, exponent),
                "round_trips": choice.trips,
            }
        rows.append(row)
    return rows


def shown_figures(
    trained: TrainedFolds,
    found: OutOfSample,
    instruments: tuple[Instrument, ...],
    exponent: int,
) -> dict[str, Json]:
    """Figures over all folds.

    Parameters
    ----------
    trained : TrainedFolds
    found : OutOfSample
    instruments : tuple of Instrument
    exponent : int
        Of the amounts.
    """
    chosen = [one.index for one in trained.choices if one is not None]
    kept = sum(a == b for a, b in itertools.pairwise(chosen))
    traded = [net for net, active in zip(found.nets, found.traded, strict=True) if active]
    best_day = max(found.days, key=lambda day: (found.days[day], -day))
    best = max(range(len(instruments)), key=lambda i: (found.instruments[i], -i))
    total = sum(found.nets)
    return {
        "distinct_settings_chosen": len(set(chosen)),
        "choices_kept": f"{kept} of {max(len(chosen) - 1, 0)}",
        "profitable_folds": sum(net > 0 for net in traded),
        "efficiency": _efficiency(trained, found),
        "best_day": best_day,
        "net_without_best_day": decimal_text(total - found.days[best_day], exponent),
        "best_instrument": instruments[best].symbol,
        "net_without_best_instrument": decimal_text(total - found.instruments[best], exponent),
        "neighbours": _neighbours(trained),
    }


def _efficiency(trained: TrainedFolds, found: OutOfSample) -> Json:
    """Net per time after the choice over that before it; None where there was no net before."""
    before, after = Fraction(0), Fraction(0)
    parts = (trained.folds, trained.purges, trained.choices, found.nets)
    for fold, purge, choice, net in zip(*parts, strict=True):
        if choice is not None:
            before += Fraction(choice.total, max(fold.train_ns - purge.ns, 1))
            after += Fraction(net, fold.test_stop_ns - fold.test_begin_ns)
    return rounded(float(after / before)) if before > 0 else None


def _neighbours(trained: TrainedFolds) -> Json:
    """Statistics over all data: of the setting chosen most, of those next to it, and of all."""
    counted = Counter(one.index for one in trained.choices if one is not None)
    if not counted:
        return None
    index = min(counted, key=lambda k: (-counted[k], trained.settings[k].config_hash))
    texts = [config.as_texts() for config in trained.settings]
    near = neighbours_of(index, texts)
    values = [studentised(trained.whole[k].total, trained.whole[k].squares) for k in near]
    own = studentised(trained.whole[index].total, trained.whole[index].squares)
    shape: str | None = None
    if values and own > 0:
        shape = "plateau" if statistics.median(values) >= _KEEPS * own else "spike"
    names = varied(texts)
    every: list[Json] | None = None
    if len(texts) <= _MOST_LISTED:
        every = [
            {
                "values": {name: one[name] for name in names},
                "statistic": studentised(whole.total, whole.squares),
            }
            for one, whole in zip(texts, trained.whole, strict=True)
        ]
    return {
        "setting": {name: texts[index][name] for name in names},
        "statistic": own,
        "neighbours": [
            {"values": {name: texts[k][name] for name in names}, "statistic": value}
            for k, value in zip(near, values, strict=True)
        ],
        "median": rounded(statistics.median(values)) if values else None,
        "shape": shape,
        "settings": every,
    }
