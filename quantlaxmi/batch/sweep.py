"""One call that plans a sweep, carries it out and gives its table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.folders import AnySegments
from quantlaxmi.batch.options import Cluster, Log, Progress, SweepOptions
from quantlaxmi.batch.plan import AnyConfigs, AnyGrid, AnyStrategy, Plan, plan
from quantlaxmi.batch.store import put_segment, store_at
from quantlaxmi.batch.sweeper import Sweep
from quantlaxmi.errors import ConfigError, SegmentCorrupt
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.result_table import ResultTable
from quantlaxmi.segment import open_segment
from quantlaxmi.trials.ledger import current_ledger, using

__all__ = ["Sweep", "catalog_for", "cluster_at", "sweep"]


@contextmanager
def cluster_at(scheduler: str | None, workers: int | None = None) -> Iterator[Cluster | None]:
    """The workers of a scheduler; None where none is named.

    Raises
    ------
    ConfigError
        As `DaskCluster`, and where a number of workers is named too.
    """
    if scheduler is None:
        yield None
        return
    if workers is not None:
        raise ConfigError("--workers", "is given with --scheduler, expected one of them")
    from quantlaxmi.batch.cluster import DaskCluster

    with DaskCluster(scheduler) as cluster:
        yield cluster


def catalog_for(made: Plan, catalog: Catalog | Path | str, options: SweepOptions) -> Catalog:
    """The catalog of a sweep, made where there is none and nothing refuses the sweep.

    A store that cannot be read, or lacks a segment and cannot take it, refuses a sweep before a
    folder is made.

    Raises
    ------
    CatalogError
        As `Catalog.create`.
    SegmentError
        The store cannot be read or written.
    """
    if isinstance(catalog, Catalog):
        return catalog
    if options.store is not None and not os.path.lexists(catalog):
        for item in made.items:
            if item.refused or options.store.has(item.manifest):
                continue
            with suppress(SegmentCorrupt):  # the sweep tells which of its items that refuses
                put_segment(options.store, open_segment(item.segment, verify="manifest"))
                if options.log is not None:
                    options.log({"event": "stored", "segment": item.planned.segment_id})
                break
    return Catalog.create(catalog)


def sweep(
    segments: AnySegments,
    strategies: AnyStrategy | Sequence[AnyStrategy],
    *,
    catalog: Catalog | Path | str | None = None,
    grid: AnyGrid | Sequence[AnyGrid] | None = None,
    configs: AnyConfigs = (),
    gates: str | Sequence[str] = ("g2",),
    policy: GatePolicy | None = None,
    run: RunConfig | None = None,
    full: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    item_seconds: float | None = None,
    item_memory: int | None = None,
    retry_failed: bool = False,
    trials: Path | str | None = None,
    store: str | None = None,
    cache_size: int | None = None,
    max_draws: int | None = None,
    progress: Progress | None = None,
    log: Log | None = None,
    convert: Sequence[str | Path] = (),
) -> ResultTable:
    """Run gates over many segments and strategies; what was done before is not done again.

    Parameters
    ----------
    segments, strategies, grid, configs, gates, policy, run, full, convert
        As for `plan`.
    catalog : Catalog, Path or str, optional
        Folder that keeps what is done; the same call goes on there after an interruption. Without
        it nothing is kept but the table.
    workers : int, optional
        Processes; as many as there are processors by default. No result depends on it.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers do the items in place of processes of this
        machine; they see the folders of catalog and segments under the same names.
    item_seconds : float, optional
        An item that takes longer has failed, as ``"timeout"``.
    item_memory : int, optional
        Bytes; an item that takes more has failed, as ``"memory"``.
    retry_failed : bool
        Try items again that failed before.
    trials : Path or str, optional
        Folder of a trial ledger: its seals hold, and what is tried is written to it. By default
        that of the environment's ``QUANTLAXMI_TRIALS``, where it is set.
    store : str, optional
        Folder or fsspec URL of segments. What it lacks is put there first; workers fetch from it
        by digest, check what arrives and keep it in a cache of their machine.
    cache_size : int, optional
        Most bytes of that cache, 10 GB by default; what was unused longest goes first.
    max_draws : int, optional
        Most draws of each kind of the market null for the family's p-values; by default as many
        as it takes to know every discovery (`quantlaxmi.batch.family`).
    progress : callable, optional
        Called with a `SweepState` after every item.
    log : callable, optional
        Called with a dict for every event.

    Returns
    -------
    ResultTable
        One row an item of this sweep, sorted by key.

    Raises
    ------
    ConfigError, StrategyError
        As for `plan`, and where a limit is below a second or 64 MB, no scheduler answers, or there
        is no such store.
    SegmentError
        The store cannot be read or written.
    CatalogError
        The catalog cannot be used or written.
    NondeterminismError
        An item gave other bytes than before; both are kept.
    WorkerError
        The script calls it without ``if __name__ == "__main__":``; its processes load the script.

    Examples
    --------
    >>> from quantlaxmi import GatePolicy
    >>> few = GatePolicy(suites={"g2": ["net_positive", "equity"]})
    >>> table = sweep(["data/planted"], ["basis_capture"], policy=few, workers=1)
    >>> table["status"], table["verdict"]
    (['done'], ['INCONCLUSIVE'])
    """
    with ExitStack() as stack:
        cluster = stack.enter_context(cluster_at(scheduler, workers))
        options = SweepOptions(
            workers=workers,
            item_seconds=item_seconds,
            item_memory=item_memory,
            retry_failed=retry_failed,
            max_draws=max_draws,
            progress=progress,
            log=log,
            cluster=cluster,
            store=None if store is None else store_at(store),
            cache_size=cache_size,
        )
        stack.enter_context(using(current_ledger(trials)))
        made = plan(
            segments,
            strategies,
            grid=grid,
            configs=configs,
            gates=gates,
            policy=policy,
            run=run,
            full=full,
            convert=convert,
        )
        if catalog is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="quantlaxmi-sweep-"))
            catalog = Path(folder)
        found = catalog_for(made, catalog, options)
        Sweep(made, found, options).run()
        return found.table_of(item.key for item in made.items)
