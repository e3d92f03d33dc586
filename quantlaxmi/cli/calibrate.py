"""``calibrate``: false-pass rates and power of the verdict, by simulation."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.ending import flush_output
from quantlaxmi.cli.output import Progress, print_json, print_table
from quantlaxmi.cli.values import whole_number

if TYPE_CHECKING:
    from quantlaxmi.calibrate import Calibration

USAGE = """
Simulate worlds without an edge and with one, judge runs in them by the whole suite, show the rates.

Usage:
  {program} calibrate [--runs N] [--scenarios LIST] [--groups LIST] [--draws N]
                 [--extended N] [--market-every N] [--seed N] [{segment} DIR]
                 [--threads N] [--out FILE] [--checkpoint DIR] [--kept] [--json]

Options:
  --runs N           Runs of each false-pass rate; power, simpler tests and the best of fifty take a
                     quarter to a sixteenth [default: 4000].
  --scenarios LIST   Names of worlds, separated by commas; all by default.
  --groups LIST      Of size, paid, power, robust, lasting, search, chosen, naive; all by default.
  --draws N          Draws of each kind of the market null; one less than a multiple of 20
                     [default: 199].
  --extended N       The same, where the first draws leave the level open [default: 1999].
  --market-every N   Ask the market null of edgeless runs in every Nth alone, and where the verdict
                     depends on it: three times as fast at 4 [default: 1].
  --seed N           Seed of all random streams [default: 1].
  {segment} DIR  A real capture, traded with random sides; left out by default.
  --threads N        Number of processes; the rates do not depend on it. All cores by default.
  --out FILE         Write the page, a .md file.
  --checkpoint DIR   Keep finished runs in this folder, and go on from what it has, also after
                     Ctrl-C or SIGTERM.
  --kept             Make no run: show what the checkpoint has.
  --json             Print the counts instead of the rates.

Exits 0 where false-pass rates keep to the level and power to what was measured before, else 1.
"""


def _command(args: dict[str, Any], program: str) -> str:
    """The command line that makes the same tables."""
    words = [program, "calibrate"]
    for name in (
        "--runs",
        "--draws",
        "--extended",
        "--market-every",
        "--seed",
        "--scenarios",
        "--groups",
    ):
        if args[name] is not None:
            words += [name, args[name]]
    if args["--segment-dir"] is not None:
        words += ["--segment-dir", "CAPTURE"]
    if args["--kept"]:
        words += ["--checkpoint", "DIR", "--kept"]
    return " ".join(words)


def _draws(args: dict[str, Any], option: str) -> int:
    """A number of draws at which the level 5 % is exact."""
    from quantlaxmi.errors import InputError

    found = whole_number(option, args[option], 19, 10**6)
    if (found + 1) % 20:
        raise InputError(option, f"was {found}, expected one less than a multiple of 20")
    return found


def _names(args: dict[str, Any], option: str) -> list[str] | None:
    given = args[option]
    return None if given is None else [name.strip() for name in given.split(",")]


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.calibrate import calibrate, open_capture
    from quantlaxmi.calibrate.markdown import KIND, kept_section, page
    from quantlaxmi.cli.run_files import check_output
    from quantlaxmi.cli.run_gates import threads_of
    from quantlaxmi.errors import InputError
    from quantlaxmi.files import write_output

    runs = whole_number("--runs", args["--runs"], 1, 10**7)
    draws, extended = _draws(args, "--draws"), _draws(args, "--extended")
    seed = whole_number("--seed", args["--seed"], 0)
    threads = threads_of(args)
    if args["--out"]:
        check_output("--out", args["--out"], (".md",), KIND)
    capture = None if args["--segment-dir"] is None else open_capture(args["--segment-dir"])
    begun = time.monotonic()
    with Progress("calibration") as progress:
        found = calibrate(
            runs=runs,
            draws=draws,
            extended=extended,
            market_every=whole_number("--market-every", args["--market-every"], 1, 10**6),
            seed=seed,
            scenarios=_names(args, "--scenarios"),
            groups=_names(args, "--groups"),
            capture=capture,
            threads=threads,
            checkpoint=Path(args["--checkpoint"]) if args["--checkpoint"] else None,
            kept=args["--kept"],
            progress=progress,
        )
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    # Said before it is written: a full disk does not take the rates with it.
    if args["--json"]:
        print_json(found.to_json())
    else:
        _print_rates(found)
    flush_output()
    if args["--out"]:
        took = f"It took {minutes} min {seconds} s on {platform.machine()}."
        if args["--checkpoint"]:  # which may contain some or all of it
            took = ""
        kept = kept_section(Path(args["--out"]))
        text = page(found, _command(args, "quantlaxmi-crypto"), took, kept)
        write_output(Path(args["--out"]), (text.encode(),), KIND, InputError)
    return 0 if found.holds else 1


def _print_rates(found: Calibration) -> None:
    """Print the rates of every result, and whether each is where it should be."""
    from quantlaxmi.calibrate.markdown import HEADS

    rows = [
        (one.group, one.scenario, HEADS.get(test, test), f"{one.runs:,}", *_percents(counts))
        for one in found.experiments
        for test, counts in found.outcomes[one.key].items()
    ]
    print_table(
        ("table", "world", "result", "runs", "passed of judged, %", "of all, %", "not judged, %"),
        rows,
    )
    if found.capture is None:
        print("No real capture was given (--segment-dir), so the world real is left out.")
    for check in found.size_checks():
        said = "keeps to" if check.holds else "IS ABOVE"
        p, name = check.p_values[check.worst], HEADS[check.test]
        least = f"smallest adjusted p {p:.3g}, in {check.worst}"
        print(f"{check.group}, {name}: {said} 5 %: {least}.")
    power = found.power_check()
    if power is not None and not power.holds:
        print(f"Power IS BELOW what was measured in {', '.join(power.outside)}.")


def _percents(counts: dict[str, int]) -> tuple[str, str, str]:
    judged = counts["P"] + counts["F"]
    runs = judged + counts["I"]
    of_judged = f"{100 * counts['P'] / judged:.2f}" if judged else "none judged"
    return of_judged, f"{100 * counts['P'] / runs:.2f}", f"{100 * counts['I'] / runs:.1f}"
