"""``sweep-gates``: gates over many segments and strategies, kept in a catalog."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from quantlaxmi.cli.output import Progress, print_facts, print_json, print_note
from quantlaxmi.cli.run_options import run_keywords
from quantlaxmi.cli.values import whole_number
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from quantlaxmi.batch.options import SweepState
    from quantlaxmi.batch.plan import Plan
    from quantlaxmi.batch.sweep import Sweep

USAGE = """
Run gates over many segments and strategies; what a catalog has is not done again.

Usage:
  {program} sweep-gates --segments GLOB [FOLDER]... --strategies LIST --catalog DIR
                 [--gates LIST] [--grid TOML]... [--config TOML]... [--policy TOML]
                 [--costs TOML] [--risk TOML] [--latency-ns N | --latency TOML]
                 [--leg-latency-ns N] [--settle-at WHAT] [--run-seed N]
                 [--convert FILE]... [--workers N]
                 [--scheduler ADDRESS] [--store PLACE] [--cache-size SIZE] [--item-seconds N]
                 [--item-memory SIZE] [--retry-failed] [--full]
                 [--trials DIR] [--dry-run] [--json-log FILE] [--json]

Options:
  --segments GLOB     Folders of segments: a pattern in quotes, or names that the shell made of it.
  --strategies LIST   Those that the strategies command lists, or path.py:Class; with commas.
  --catalog DIR       Folder that keeps what is done; it is made where there is none.
  --gates LIST        Suites to run, with commas [default: g2].
  --grid TOML         Settings to search inside an item; one file for each strategy.
  --config TOML       One setting; each makes an item of its own. For one strategy.
  --policy TOML       Thresholds and draws of the gates.
  --costs TOML        Commissions and least notionals.
  --risk TOML         Limits on positions, losses, orders and the age of books.
  --latency-ns N      Nanoseconds from a decision to its orders' arrival; by default a
                      millisecond, of a chain session one interval between snapshots.
  --latency TOML      Latencies of entry and response.
  --leg-latency-ns N  Nanoseconds from the arrival of one leg of a bundle to that of the next
                      [default: 0].
  --settle-at WHAT    What a position past its expiry takes: price, or mark [default: price].
  --run-seed N        Seed of the runs' own draws: of latencies [default: 0].
  --convert FILE      Rates for segments of several currencies, CURRENCY=FILE; a segment takes those
                      of its currencies; may be repeated.
  --workers N         Processes; as many as processors by default.
  --scheduler ADDRESS
                      Dask scheduler whose workers do the items, such as tcp://10.0.0.1:8786;
                      they see catalog and segments under the same names.
  --store PLACE       Folder, or URL of fsspec, from which workers fetch segments by digest; what
                      it lacks is put there first.
  --cache-size SIZE   Most that a machine keeps of what was fetched; 10GB by default.
  --item-seconds N    Longest time of an item.
  --item-memory SIZE  Most memory of an item: bytes, or 512MB, 2GB.
  --retry-failed      Try items again that failed before.
  --full              Ask dear gates also of an item that a guard has failed.
  --trials DIR        Folder of the trial ledger: its seals hold, and what is tried is
                      written there. By default that of QUANTLAXMI_TRIALS, where it is set.
  --dry-run           Say what would be done, and do nothing.
  --json-log FILE     Append one JSON object for each event.
  --json              One JSON document instead of text.

An item is a segment, a strategy and its grid. Ctrl-C lets running items end for ten seconds; the
same command goes on where it stopped.

Exit codes: 0 all items done, 1 some failed to run, 2 bad input, 130 interrupted.
"""
_SIZE = re.compile(r"([0-9]{1,15})(B|KB|MB|GB|TB)?", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
#: Failed items that are named; the table has all.
_MOST_NAMED = 10


def memory_size(option: str, text: str) -> int:
    """Bytes of a text such as ``512MB``.

    Raises
    ------
    InputError
        It is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InputError(option, f"was {text[:40]!r}, expected bytes, or a size such as 512MB")
    return int(found[1]) * _UNITS[(found[2] or "").upper()]


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.batch import Catalog
    from quantlaxmi.batch.sweep import Sweep, catalog_for, cluster_at
    from quantlaxmi.trials.ledger import current_ledger, using

    with ExitStack() as stack:
        log = _log(args["--json-log"], stack)
        progress = stack.enter_context(Progress("sweep"))
        scheduler = None if args["--dry-run"] else args["--scheduler"]
        options = _options(args, log, progress)
        stack.enter_context(using(current_ledger(args["--trials"])))
        made = _plan(args)
        name = args["--catalog"]
        if args["--dry-run"] and not Path(name).exists():
            return _say_plan(Sweep(made, _nothing(), options), args)
        if args["--dry-run"]:
            return _say_plan(Sweep(made, Catalog.open(name), options), args)
        cluster = stack.enter_context(cluster_at(scheduler, options.workers))
        options = replace(options, cluster=cluster)
        sweep = Sweep(made, catalog_for(made, name, options), options)
        sweep.run()
    return _say(sweep, args)


def _options(args: dict[str, Any], log: Any, progress: Progress) -> Any:
    from quantlaxmi.batch.options import SweepOptions
    from quantlaxmi.batch.store import store_at

    def show(state: SweepState) -> None:
        made = state.done + state.failed
        rate = made / state.seconds if state.seconds else 0.0
        progress(
            made,
            state.items - state.known,
            f" {state.done:,} done, {state.failed:,} failed, {state.known:,} known, {rate:.2g}/s",
        )

    seconds, memory, workers = (args[f"--{k}"] for k in ("item-seconds", "item-memory", "workers"))
    store, cache = args["--store"], args["--cache-size"]
    return SweepOptions(
        workers=None if workers is None else whole_number("--workers", workers, 1, 1024),
        item_seconds=(
            None if seconds is None else whole_number("--item-seconds", seconds, 1, 10**7)
        ),
        item_memory=None if memory is None else memory_size("--item-memory", memory),
        retry_failed=args["--retry-failed"],
        progress=show,
        log=log,
        store=None if store is None else store_at(store),
        cache_size=None if cache is None else memory_size("--cache-size", cache),
    )


def _plan(args: dict[str, Any]) -> Any:
    from quantlaxmi.batch import plan
    from quantlaxmi.gates import load_policy
    from quantlaxmi.run.config import RunConfig

    return plan(
        [args["--segments"], *args["FOLDER"]],
        [name.strip() for name in args["--strategies"].split(",")],
        grid=args["--grid"] or None,
        configs=args["--config"],
        gates=args["--gates"],
        policy=None if args["--policy"] is None else load_policy(args["--policy"]),
        run=RunConfig.of(**run_keywords(args, "--run-seed")),
        full=args["--full"],
        convert=args["--convert"],
    )


def _nothing() -> Any:
    """A catalog that knows nothing, for a dry run where there is none yet."""
    from quantlaxmi.batch import Catalog

    return Catalog(Path(), "")


def _log(name: str | None, stack: ExitStack) -> Callable[[dict[str, Any]], None] | None:
    """What appends events to a file, each a line; the first makes it.

    So a command that is refused leaves none.

    Raises
    ------
    InputError
        The file cannot be written, or is there and is no log of events.
    """
    if name is None:
        return None
    import json

    from quantlaxmi.files import FileKind, check_file, one_line_errors

    # It is appended to, and so only to a log of a sweep: whichever event was its first.
    check_file(Path(name), FileKind("a log of events", b'{"event": "', first=True))
    if not os.access(name if Path(name).exists() else Path(name).parent, os.W_OK):
        raise InputError(name, "cannot be written: you may not")
    files: list[TextIO] = []

    def write(event: dict[str, Any]) -> None:
        with one_line_errors(name, "cannot be written", InputError):
            if not files:
                file = Path(name).open("a", encoding="utf-8")  # noqa: SIM115
                files.append(stack.enter_context(file))
            files[0].write(json.dumps(event, ensure_ascii=False) + "\n")
            files[0].flush()

    return write


def _say_plan(sweep: Sweep, args: dict[str, Any]) -> int:
    seconds = sweep.predicted_cpu_s()
    facts: dict[str, Any] = {
        "items": sweep.state.items,
        "known": sweep.state.known,
        "to_do": len(sweep.waiting),
        "refused": sum(bool(item.refused) for item in sweep.waiting),
        "cpu_hours": None if seconds is None else float(f"{seconds / 3600:.3g}"),
    }
    if args["--json"]:
        print_json({**facts, "left_out": _left_out(sweep.plan)})
    else:
        print_facts(
            {**facts, "cpu_hours": "not known: no item of each strategy is done"}
            if seconds is None
            else facts
        )
        _note_left_out(sweep.plan)
    return 0


def _left_out(plan: Plan) -> list[str]:
    """Gates that decide and that the policy leaves out: with any, every item has p = 1."""
    from quantlaxmi.gates.suites import left_out

    return [name for suite in plan.gates for name in left_out(suite, plan.policy.suites[suite])]


def _note_left_out(plan: Plan) -> None:
    if names := ", ".join(_left_out(plan)):
        print_note(f"policy: leaves out {names}; so every item counts with p = 1 in the family")


def _say(sweep: Sweep, args: dict[str, Any]) -> int:
    rows = [sweep.catalog.rows[item.key] for item in sweep.plan.items]
    statuses: dict[str, int] = {}
    verdicts: dict[str, int] = {}
    failed = []
    for row in rows:
        statuses[row.status] = statuses.get(row.status, 0) + 1
        finished = row.finished
        if finished is not None and finished.figures is not None:
            verdict = finished.figures.verdict
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
        elif finished is not None:
            failed.append(
                {
                    "segment": row.planned.segment_id,
                    "strategy": row.planned.strategy_id,
                    "status": row.status,
                    "error": finished.error,
                    "key": row.key,
                }
            )
    facts: dict[str, Any] = {
        "items": len(rows),
        "known": sweep.state.known,
        "status": dict(sorted(statuses.items())),
        "verdicts": dict(sorted(verdicts.items())),
        "catalog": str(sweep.catalog.folder),
    }
    if args["--json"]:
        print_json({**facts, "left_out": _left_out(sweep.plan), "failed": failed})
    else:
        print_facts(facts)
        _note_left_out(sweep.plan)
        for one in failed[:_MOST_NAMED]:
            print_note(f"{one['segment']} {one['strategy']}: {one['status']}: {one['error']}")
        if len(failed) > _MOST_NAMED:
            print_note(f"and {len(failed) - _MOST_NAMED} more; sweep-report names them")
    return int(bool(failed))
