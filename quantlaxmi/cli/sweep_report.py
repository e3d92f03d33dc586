"""``sweep-report``: which items of a catalog are discoveries, corrected for how many there are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from quantlaxmi.cli.ending import flush_output
from quantlaxmi.cli.output import print_facts, print_json, print_table
from quantlaxmi.cli.values import share
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

USAGE = """
Say which items of a catalog are discoveries, allowing for how many were tried.

Usage:
  {program} sweep-report --catalog DIR [--q Q] [--method NAME] [--version TEXT]
                 [--trials DIR] [--html FILE] [--json]

Options:
  --catalog DIR   Folder of the catalog.
  --q Q           Mean share of false ones among the discoveries [default: 0.1].
  --method NAME   bh, or by, which holds under any dependence [default: bh].
  --version TEXT  Of the package and engine whose items are judged; the newest by default.
  --trials DIR    Folder of the trial ledger: discoveries are told with the trials on their data.
                  By default that of QUANTLAXMI_TRIALS, where it is set.
  --html FILE     Write the result as a page that needs no other file and has no script.
  --json          One JSON document instead of text.

An item's p is the larger of its market null's and its equity test's. Items whose guard failed,
whose policy leaves out a gate that decides, that failed to run or are unfinished count with p = 1:
every planned item is in the family.

Exit codes: 0 done, 2 bad input.
"""
#: Rows of a table that are printed; --json has all.
_MOST_ROWS = 40


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.batch import Catalog, family
    from quantlaxmi.batch.summary import family_summary

    q = share("--q", args["--q"])
    if not 0 < q < 1:
        raise InputError("--q", f"was {args['--q'][:40]!r}, expected a rate between 0 and 1")
    if args["--html"]:
        _check_page(args["--html"])
    catalog = Catalog.open(args["--catalog"])
    found = family(catalog, q=Fraction(q), method=args["--method"], version=args["--version"])
    facts = family_summary(found, _others(catalog, found, args["--trials"]))
    print_json(facts) if args["--json"] else _print(facts)
    flush_output()
    if args["--html"]:
        from quantlaxmi.batch.page import save_sweep_page

        save_sweep_page(found, facts, args["--html"], catalog.folder)
    return 0


def _others(catalog: Any, found: Any, trials: str | None) -> Any:
    """What the ledger knows of the discoveries; None without one."""
    from quantlaxmi.trials.ledger import current_ledger

    ledger = current_ledger(trials)
    if ledger is None:
        return None
    from quantlaxmi.batch.other_trials import other_trials

    return other_trials(catalog, found, ledger)


def _check_page(name: str) -> None:
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.report.html.page import KIND

    check_output("--html", name, (".html",), KIND)


def _print(facts: dict[str, Any]) -> None:
    shown: dict[str, Any] = {"version": facts["version"] or "none"}
    if others := facts["other_versions"]:
        told = [f"{counted(n, 'item[s]')} of {version}" for version, n in others.items()]
        shown["not in this family"] = told
    method = {"bh": "Benjamini-Hochberg", "by": "Benjamini-Yekutieli"}[facts["method"]]
    shown |= {
        "items": facts["items"],
        "settings tried": facts["settings"],
        "other trials": "the ledger's" if facts["other_trials_known"] else "unknown: no ledger",
        "status": facts["status"],
        "first gate not passed": facts["funnel"],
        "correction": f"{method}, q {facts['q']:g}",
        "p at most 0.05 alone": facts["alone_at_5_percent"],
        "discoveries": len(facts["discoveries"]),
        "unresolved": len(facts["unresolved"]),
        "p that there is nothing at all (Simes)": f"{facts['global_p']:.4g}",
    }
    print_facts(shown | _remarks(facts))
    _print_discoveries(facts["discoveries"])
    _table(
        "UNRESOLVED: further draws decide; sweep-gates makes those that q = 0.1 asks for, unless "
        "max_draws ends them",
        ("segment", "strategy", "p", "draws", "would take"),
        [
            (one["segment"], one["strategy"], one["p_text"], one["draws"], one["would_take"])
            for one in facts["unresolved"]
        ],
    )
    _table(
        "Premiums: earned by anyone who holds the position; not corrected for their number",
        ("segment", "strategy"),
        [(one["segment"], one["strategy"]) for one in facts["premiums"]],
    )
    if len(facts["strategies"]) > 1:
        _print_strategies(facts["strategies"])
    _table(
        "Failed to run",
        ("segment", "strategy", "status", "reason"),
        [(one["segment"], one["strategy"], one["status"], one["error"]) for one in facts["failed"]],
    )


def _print_discoveries(found: list[dict[str, Any]]) -> None:
    _table(
        "Discoveries (net is selected, so too large; lower end allows for that; others: trials on "
        "these data that the item did not search)",
        ("segment", "strategy", "p", "net", "lower end", "shrunk", "trips", "others"),
        [
            (
                one["segment"],
                one["strategy"],
                one["p_text"],
                f"{one['net']:.6g} {one['currency']}",
                f"{one['net_lower']:.6g}",
                "" if one["net_shrunk"] is None else f"{one['net_shrunk']:.6g}",
                one["trips"],
                "unknown" if one["trials"] is None else one["trials"]["not_searched"],
            )
            for one in found
        ],
    )
    _table(
        "Their choice among settings: deflated Sharpe ratio over the settings of each grid, "
        "probability of backtest overfitting (gate selection)",
        ("segment", "strategy", "settings", "DSR", "PBO"),
        [
            (
                one["segment"],
                one["strategy"],
                one["settings"],
                _short(one["dsr"]),
                _short(one["pbo"]),
            )
            for one in found
            if one["dsr"] is not None or one["pbo"] is not None
        ],
    )


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _remarks(facts: dict[str, Any]) -> dict[str, str]:
    """What is not so in most families."""
    found = {}
    if n := facts["funnel"].get("policy"):
        found["policy"] = f"leaves out a gate that decides: p = 1 for {n:,} that passed all others"
    if facts["anytime"]:
        found["p-values"] = "anytime-valid: the family grew, or q fell, after draws were seen"
    return found


def _print_strategies(rows: list[dict[str, Any]]) -> None:
    _table(
        "Strategies: has any item an edge (Simes), and do they earn on average over disjoint times",
        ("strategy", "items", "p of none", "selected", "discoveries", "times", "mean t", "p"),
        [
            (
                one["strategy"],
                one["items"],
                f"{one['global_p']:.4g}",
                one["selected"],
                one["discoveries"],
                one["times"],
                "" if one["mean_t"] is None else f"{one['mean_t']:.3g}",
                "too few times" if one["mean_p"] is None else f"{one['mean_p']:.4g}",
            )
            for one in rows
        ],
    )


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    keys = 2 if heads[:2] == ("segment", "strategy") else 1
    print_table(heads, rows[:_MOST_ROWS], title=f"\n{title}", keys=keys)
    if len(rows) > _MOST_ROWS:
        print(f"and {len(rows) - _MOST_ROWS} more; --json has all")
