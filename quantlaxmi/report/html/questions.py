"""What every gate asks, in plain words, and what to do about an answer."""

from __future__ import annotations

from typing import Final

from quantlaxmi.gates.results import GateResult, Verdict

__all__ = ["QUESTIONS", "asked", "next_step"]

#: Gate -> (what it asks, what to do where it fails).
QUESTIONS: Final[dict[str, tuple[str, str]]] = {
    "net_positive": (
        "Did the strategy earn anything after every cost?",
        "Look at the money above: trade less, trade for more, or drop the idea.",
    ),
    "look_ahead": (
        "Does any decision change when the later part of the data is cut off?",
        "Find what the strategy reads from the future; every other figure is worthless until then.",
    ),
    "delay": (
        "Is enough of the profit left when every order arrives later?",
        "Measure the real latency of your orders, or hold positions longer.",
    ),
    "equity": (
        "Is the profit spread over time, or could a few lucky moments explain it?",
        "Test on more data, or look for an edge that works more often.",
    ),
    "premium": (
        "Would someone earn it who merely holds the position, without any timing?",
        "Nothing, where the strategy times the market; else hold the premium at least cost.",
    ),
    "random_entry": (
        "Do entries at random times, held as long, do as well?",
        "The moment of entry adds nothing: change the signal.",
    ),
    "market_null": (
        "Would the same rule have done as well on markets in which there is nothing to find?",
        "The rule finds profit in noise too: use fewer settings, or test on more data.",
    ),
    "label_permutation": (
        "Do the same positions in another order do as well?",
        "It decides nothing; read it with the tests.",
    ),
    "time_shift": (
        "Do the same positions at another time do as well?",
        "It decides nothing; read it with the tests.",
    ),
    "lag_profile": (
        "How does the gross change when positions are moved a little in time?",
        "A sharp fall next to zero means that the profit hangs on the latency: check it.",
    ),
    "random_sides": (
        "Does a coin that chooses long or short do as well?",
        "It decides nothing; read it with the tests.",
    ),
    "ablation": (
        "What is lost without this signal, or gained without this filter?",
        "Take away what does no good.",
    ),
    "walk_forward": (
        "Do settings chosen from the past alone earn on what came after?",
        "Search fewer settings, or test on more data: the choice does not carry over.",
    ),
    "selection": (
        "Is the best of all settings that were tried better than the best that chance would give?",
        "So many trials explain the result: test the one setting on data not used before.",
    ),
    "regimes": (
        "Is something left without the kind of market in which it did best?",
        "Trade in that kind of market alone, or test on data with more of the others.",
    ),
    "cost_sensitivity": (
        "Is something left when trading costs more than assumed?",
        "Trade less often, or for more.",
    ),
}
_UNKNOWN = ("What this gate asks stands in its own documentation.", "Read the answer.")


def asked(gate: str) -> str:
    """What a gate asks, in a sentence.

    Parameters
    ----------
    gate : str
        A result's name: the gate's, or that name, a dot and a part.
    """
    return QUESTIONS.get(gate.partition(".")[0], _UNKNOWN)[0]


def next_step(result: GateResult) -> str:
    """What to do about an answer.

    Parameters
    ----------
    result : GateResult
    """
    if result.verdict is Verdict.FAIL and result.role == "premium":
        return "Nothing, if the tests of timing pass: an edge is one or the other."
    if result.verdict in (Verdict.FAIL, Verdict.WARN):
        return QUESTIONS.get(result.gate.partition(".")[0], _UNKNOWN)[1]
    if result.verdict is Verdict.INCONCLUSIVE:
        return "Give what the answer asks for and run the gates again."
    if result.verdict is Verdict.SKIPPED:
        return "Mend what the guard found first."
    return "Nothing." if result.role != "diagnosis" else "Nothing: it is shown and decides nothing."
