"""``calibrate``: false-pass rates and power of the gates' tests, by simulation."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.ending import flush_output
from quantlaxmi.cli.output import Progress, print_json, print_table
from quantlaxmi.cli.values import whole_number

if TYPE_CHECKING:
    from quantlaxmi.calibrate.result import Calibration

USAGE = """
Simulate strategies without an edge and with one, run the gates' tests on them, show the rates.

Usage:
  {program} calibrate [--runs N] [--scenarios LIST] [--draws N] [--seed N]
                 [{segment} DIR] [--threads N] [--out FILE] [--checkpoint DIR] [--json]

Options:
  --runs N          Runs of each false-pass rate; rates only shown take a quarter [default: 4000].
  --scenarios LIST  Names of scenarios, separated by commas; all by default.
  --draws N         Draws of each test; one less than a multiple of 20 [default: 99].
  --seed N          Seed of all random streams [default: 1].
  {segment} DIR  A real capture, traded with random sides; left out by default.
  --threads N       Number of processes; the rates do not depend on it. All cores by default.
  --out FILE        Write the page, a .md file.
  --checkpoint DIR  Keep finished runs in this folder, and go on from what it has, also after
                    Ctrl-C or SIGTERM.
  --json            Print the counts instead of the rates.

Exits 0 where every false-pass rate keeps to the level, 1 where one does not.
"""


def _command(args: dict[str, Any], program: str) -> str:
    """The command line that makes the same tables."""
    words = [program, "calibrate"]
    for name in ("--runs", "--draws", "--seed", "--scenarios"):
        if args[name] is not None:
            words += [name, args[name]]
    if args["--segment-dir"] is not None:
        words += ["--segment-dir", "CAPTURE"]
    return " ".join(words)


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.calibrate import calibrate, open_capture
    from quantlaxmi.calibrate.markdown import KIND, page
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.cli.run_gates import threads_of
    from quantlaxmi.errors import InputError
    from quantlaxmi.files import write_output

    runs = whole_number("--runs", args["--runs"], 1, 10**7)
    draws = whole_number("--draws", args["--draws"], 19, 10**6)
    if (draws + 1) % 20:
        raise InputError("--draws", f"was {draws}, expected one less than a multiple of 20")
    seed = whole_number("--seed", args["--seed"], 0)
    threads = threads_of(args)
    if args["--out"]:
        check_output("--out", args["--out"], (".md",), KIND)
    capture = None if args["--segment-dir"] is None else open_capture(args["--segment-dir"])
    names = args["--scenarios"]
    begun = time.monotonic()
    with Progress("calibration") as progress:
        found = calibrate(
            runs=runs,
            draws=draws,
            seed=seed,
            scenarios=None if names is None else [name.strip() for name in names.split(",")],
            capture=capture,
            threads=threads,
            checkpoint=Path(args["--checkpoint"]) if args["--checkpoint"] else None,
            progress=progress,
        )
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    # Said before it is written: a full disk does not take the rates with it.
    if args["--json"]:
        print_json(found.to_json())
    else:
        _print_rates(found, capture is not None)
    flush_output()
    if args["--out"]:
        took = f"It took {minutes} min {seconds} s on {platform.machine()}."
        if args["--checkpoint"]:  # which may contain some or all of it
            took = ""
        text = page(found, _command(args, "quantlaxmi-crypto"), took)
        write_output(Path(args["--out"]), (text.encode(),), KIND, InputError)
    return 0 if found.holds else 1


def _print_rates(found: Calibration, with_capture: bool) -> None:
    """Print the rates of every test, and whether each keeps to its level."""
    rows = [
        (one.group, one.label, test, f"{one.runs:,}", *_percents(counts))
        for one in found.experiments
        for test, counts in found.outcomes[one.key].items()
    ]
    print_table(
        ("table", "scenario", "test", "runs", "passed of judged, %", "of all, %", "not judged, %"),
        rows,
    )
    if not with_capture:
        print("No real capture was given (--segment-dir), so the scenario real is left out.")
    for check in found.size_checks():
        scenario, p = min(check.p_values.items(), key=lambda item: item[1])
        said = "keeps to" if check.holds else "IS ABOVE"
        print(f"{check.test} {said} 5 %: smallest adjusted p {p:.3g}, on {scenario}.")


def _percents(counts: dict[str, int]) -> tuple[str, str, str]:
    judged = counts["P"] + counts["F"]
    runs = judged + counts["I"]
    of_judged = f"{100 * counts['P'] / judged:.2f}" if judged else "none judged"
    return of_judged, f"{100 * counts['P'] / runs:.2f}", f"{100 * counts['I'] / runs:.1f}"
