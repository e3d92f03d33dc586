"""The road of ``demo``: a generated segment, backtest, replay, parity and gates, told in lines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.gate_table import report_lines
from quantlaxmi.cli.run_files import check_new_folder
from quantlaxmi.cli.steps import Steps
from quantlaxmi.counted import counted

if TYPE_CHECKING:
    from quantlaxmi.gates import GatePolicy
    from quantlaxmi.report import GateReport
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import Segment
    from quantlaxmi.strategies.sdk import Strategy

__all__ = ["Sample", "walk_all"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A segment to generate, and what runs over it.

    Attributes
    ----------
    name : str
        Of its folder and its files.
    story : str
        What was planted, in a sentence.
    seed : int
    generate : callable
        Writes the segment into a folder.
    strategy : Strategy
    settings : str
        How its settings are named.
    currency : str
    policy : GatePolicy or None
        None: the default.
    said : callable
        Lines beneath the verdict, from the report.
    """

    name: str
    story: str
    seed: int
    generate: Callable[[Path], Segment]
    strategy: Strategy
    settings: str
    currency: str
    policy: GatePolicy | None = None
    said: Callable[[GateReport], Sequence[str]] = lambda _: ()


def walk_all(
    samples: Sequence[Sample],
    args: Mapping[str, Any],
    threads: int | None,
) -> dict[str, str]:
    """Walk the road on each sample, print what came of it, and return the verdicts by name.

    Parameters
    ----------
    samples : sequence of Sample
    args : mapping
        ``--out`` and ``--verbose``.
    threads : int or None
    """
    from quantlaxmi.trials.ledger import without_ledger

    with ExitStack() as stack:
        if args["--out"]:
            check_new_folder("--out", args["--out"])
            out = Path(args["--out"])
            out.mkdir()
        else:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quantlaxmi-demo-")))
        with without_ledger(), Steps() as steps:
            walks = [
                _walk(sample, out, threads, steps, verbose=args["--verbose"]) for sample in samples
            ]
    for sample, (_, lines) in zip(samples, walks, strict=True):
        print(f"{sample.name}: {sample.story}")
        print("\n".join(lines))
        print()
    return {sample.name: verdict for sample, (verdict, _) in zip(samples, walks, strict=True)}


def _walk(
    sample: Sample, out: Path, threads: int | None, steps: Steps, *, verbose: bool
) -> tuple[str, list[str]]:
    """Verdict of a segment, and the lines that say how it came about."""
    from quantlaxmi.report import bind_report, report_of
    from quantlaxmi.run.replay import backtest, replay
    from quantlaxmi.trace.parity import verify_replay_parity

    name, strategy = sample.name, sample.strategy
    steps(f"{name}: generate the segment")
    segment = sample.generate(out / name)
    steps(f"{name}: backtest")
    run = backtest(segment, strategy)
    steps(f"{name}: replay")
    again = replay(segment, strategy)
    for route, trace in (("backtest", run.trace), ("replay", again.trace)):
        trace.save(out / f"{name}-{route}.json")
    parity = verify_replay_parity(run.trace, again.trace)
    report = report_of(run, threads=threads, policy=sample.policy, progress=steps.named(name))
    report.save(out / f"{name}-g2.json")
    bind_report(report, segment, out)
    verdict = report.verdict if parity.matched else "PARITY_BROKEN"
    sentence = report.verdict_text if parity.matched else verdict
    return verdict, [
        f"  segment   {counted(segment.n_messages, 'message[s]')}, seed {sample.seed}, "
        f"digest {segment.digest[:16]}",
        f"  backtest  {strategy.strategy_id}, {sample.settings}: "
        f"{counted(run.n_decisions, 'decision[s]')}, "
        f"{counted(run.n_fills, 'fill[s]')}",
        *(f"            {line}" for line in _money_lines(run, sample.currency)),
        f"  replay    {parity.text()}",
        *report_lines(report, verbose=verbose, indent=2),
        f"  verdict   {sentence}",
        *([f"  unseen    {unseen}"] if (unseen := report.unseen_text) else []),
        *(f"  {line}" for line in sample.said(report)),
        f"  report    {report.report_hash[:16]}",
    ]


def _money_lines(run: Run, currency: str) -> tuple[str, str]:
    """Gross and what was paid on the way, then what was received, and net: they add up to it."""
    found = {
        name: getattr(run, name)
        for name in ("gross", "slippage", "fees", "funding", "interest", "rounding", "net")
    }
    words = {
        name: f"{name} {value.normalize():f}"
        for name, value in found.items()
        if value or name in ("gross", "slippage", "fees", "net")
    }
    paid = [words.pop(name) for name in ("gross", "slippage", "fees")]
    return f"{', '.join(paid)},", f"{', '.join(words.values())} {currency}"
