"""The ordered list of ARCHITECTURE.md: a module imports only from entries above its own.

Imports inside functions count, and so do classes imported under ``if TYPE_CHECKING``: what a
module calls by its type it knows. Other names imported there (functions) do not run and do not
count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import quantlaxmi

#: Top-level names under quantlaxmi/, lowest first; imports go upwards only.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("version",),
    ("errors",),
    ("counted",),
    ("given",),
    ("system",),
    ("recent",),
    ("notebook",),
    ("progress",),
    ("schema",),
    ("instruments",),
    ("_ext",),
    ("fixed",),
    ("canonical",),
    ("files",),
    ("settings",),
    ("parallel",),
    ("_jit",),
    ("events",),
    ("stats",),
    ("segment",),
    ("bindings",),
    ("data_quality",),
    ("trace",),
    ("execution",),
    ("venues",),
    ("options",),
    ("importers",),
    ("features",),
    ("strategies",),
    ("trials",),
    ("run",),
    ("gates",),
    ("report",),
    ("batch",),
    ("calibrate",),
    ("cli",),
)
#: The same within packages that are a road of their own; each one's ``__init__`` comes last.
INNER: dict[str, tuple[str, ...]] = {
    package: tuple(text.split())
    for package, text in {
        "schema": "tables",
        "system": "flags signals locks folders positions memory processes",
        "files": "common chains named inside outputs temporary write",
        "settings": "place kinds base days",
        "events": "ids market outcomes decisions",
        "stats": """
            arrangements block_length clopper_pearson exact_permutation monte_carlo histogram
            integrated_autocorrelation stationary_bootstrap newey_west tost
            benjamini holm simes storey ledoit_wolf model_confidence_set stepm
            superior_predictive_ability
            sharpe_scaling sharpe_variance sharpe_at_benchmark probabilistic_sharpe
            deflated_sharpe min_track_record min_backtest cpcv cscv hall_t student_t cochran_q
            """,
        "segment": """
            rows horizon arrow_io wal manifest columns market_data shown
            read window unchanged depth_index snapshots tops
            seal recover write memory held split parts export books expiries
            """,
        "execution": """
            cost_keys impact fee_rate fee_components cost_components cost_file cost_bounds
            conversion ledger costs base_fees account_terms latency daily_volatility risk
            contract_terms run_terms bar_orders
            """,
        "options": """
            status scan_margin prices chain moment surface surface_filters calendar_terms
            calendar_rules calendar_tally recorded chain_history fair_variance
            """,
        "trace": "header objects file arrow decision_trace builder parity",
        "importers": """
            exponents tick_sizes traded_pair instrument_mapping quarantine bars.terms source
            missing_days pipeline
            delimited.layout delimited.zip_member delimited.text_source delimited.file_head
            delimited.merge delimited.line_feed delimited.streams delimited.announced
            delimited.mark_lines delimited.source
            binance.symbols binance.messages binance_stream binance_csv tardis
            bars.mapping_file bars.leg_instrument bars.text_form bars.mapping_leg bars.mapping
            bars.descending bars.spool bars.merged bars.table bars.csv bars.parquet
            bars.json_archive bars.json_table bars.feather_table bars.confirmed
            bars.value_cells bars.frame_table bars.frame_columns
            bars.timestamps bars.sessions bars.series bars.notes bars.cell_checks bars.columns
            bars.recognised bars.funding
            bars.premium_index bars.inputs bars.json_klines bars.field_readers bars.messages
            bars.read bars.source bars.klines_csv bars.vendor_files bars_csv_parquet frame
            klines_json ohlcv kraken lean okx bybit_book bybit binance_vision
            synthetic_depth synthetic synthetic_bars
            nse.contracts nse.weekdays nse.snapshot nse.day nse.chain nse.history nse_chain
            nse.udiff_mapping nse.bhavcopy nse.bhavcopy_days udiff
            feeds.instruments feeds.states feeds.source feeds.kite_packets kite_frames
            upstox_json nse.bar_file nse.bar_quotes india_bars
            synthetic_chain synthetic_session
            """,
        "trials": "records chain writer ledger merge holdout opening used",
        "run": """
            scan_terms config attribution bundle_costs capital message_times
            note_rounding records record_arrays feed bar_equity session accrued ledger_lines
            arrow_columns note_table ledger_table tables own_tables equity figure_text drawing
            margins picture waterfall sampled payoff chain_pictures plots
            position_changes round_trips trip_money result_table exact_run
            excursions equity_points money returns trades run_text
            run_statistics statistics
            summary.line summary.capital summary.margin summary.books summary.held summary.gaps
            summary.steps summary.orders summary.clocks summary.bundles summary.settled
            summary.base_fees summary.short_spot summary.sections result own_fills
            bucket_sums trial_lines
            decision_points replay rerun grid_market grid_runs setting_gross check_strategy
            """,
        "gates": """
            keys thresholds reasons results edge suite_result checkpoint path.session_days
            path.session_bundles
            path.base_fees path.round_trips path.regimes path.increments path.clock_buckets
            path.bucket_costs path.market_steps path.day_steps path.bounds path.snapshot_grid
            path.role_templates path.bundle_costs path.bundle_path context carried_by path.columns
            path.funding path.borrow path.trip_gross path.holding_periods path.placement
            path.net_terms path.bundle_places path.bundle_spans path.entry_filter gate kernels_ahead
            resampling.market_settings resampling.draws resampling.paired_bootstrap
            resampling.bar_flips resampling.moved_mids resampling.draw_parts
            resampling.market_replays resampling.market_passes
            resampling.grid_search resampling.grid_choice resampling.market_draws
            resampling.chain_replays resampling.chain_counts
            resampling.market_comparison resampling.market_counts resampling.first_exceedances
            resampling.selection_figures resampling.mirrored_pairs resampling.bundle_entry
            resampling.bundle_sweep resampling.bundle_labels resampling.bundle_turns
            resampling.bundle_sides resampling.lag_words resampling.bundle_lags
            net_positive look_ahead delay equity premium lag_profile ablation
            market_null random_entry label_permutation time_shift random_sides
            forward.folds forward.choice forward.training forward.neighbours forward.out_of_sample
            forward.forward_details forward.hall_test walk_forward selection
            regimes cost_sensitivity
            run_records observation suites policy suite_of_run g2_suite g3_suite
            """,
        "data_quality": "figures quantile chains measure",
        "report": """
            read_results verdict_words gate_rows found figures maps setting_map layout
            html.questions html.svg html.terms html.page
            pages gate_report binding differences compare html.compare_page known
            judged_rows holdout_question told tried run_gates verify plots
            """,
        "batch": """
            records rows journal folders rates terms plan figures report_files agreement
            parquet catalog compaction store export
            inference family survivors by_strategy other_trials summary page
            segment_cache tasks leases shared_queue family_draws stages worker interrupts
            options sweeper cluster_worker cluster sweep imports
            """,
        "calibrate": """
            random_streams markets
            rules.legs rules.schedule_kernel rules.reaction_kernel rules.sizing_kernel
            rules.maker_kernel rules.schedules rules.strategies rules.bundles
            worlds.world worlds.noise worlds.coins worlds.levels worlds.basis worlds.crash
            worlds.sizing worlds.jumps worlds.quotes worlds.makers worlds.carry worlds.planted
            worlds.reversion worlds.catalogue
            capture cheats selfcheck study robust fingerprint naive_tests experiments
            checkpoint result work rate_tables first_lines markdown
            """,
    }.items()
}
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
#: Compiled kernels and Numba kernels know nothing of one another.
FORBIDDEN = {("_ext", "_jit"), ("_jit", "_ext")}

ROOT = Path(quantlaxmi.__file__).parent
SOURCES = sorted(p for p in ROOT.rglob("*") if p.suffix in {".py", ".pyx", ".pxd"})

_PYX_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<base>[.\w]+)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
    r"|c?import[ \t]+(?P<plain>[\w.]+))",
    re.MULTILINE,
)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _walk(node: ast.AST, typing: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it stands under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for inner in child.body:
                yield inner, True
                yield from _walk(inner, True)
            for inner in child.orelse:
                yield inner, typing
                yield from _walk(inner, typing)
            continue
        yield child, typing
        yield from _walk(child, typing)


def _is_module(name: list[str]) -> bool:
    place = ROOT.joinpath(*name[1:])
    return place.is_dir() or any(
        place.with_suffix(suffix).exists() for suffix in (".py", ".pyx", ".pxd")
    )


def _from_names(package: list[str], base: str, names: list[str]) -> Iterator[str]:
    dots = len(base) - len(base.lstrip("."))
    anchor = package[: len(package) - (dots - 1)] if dots else []
    full = [*anchor, *[p for p in base.lstrip(".").split(".") if p]]
    if full[:1] != ["quantlaxmi"]:
        return
    for name in names:
        yield ".".join([*full, name] if _is_module([*full, name]) else full)


def imports(path: Path) -> Iterator[str]:
    """Dotted names that the source at ``path`` imports."""
    package = ["quantlaxmi", *path.relative_to(ROOT).parent.parts]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node, typing in _walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                names = [alias.name for alias in node.names]
                if typing:  # a class or a module counts, a function or a constant does not
                    names = [n for n in names if n[:1].isupper() and not n.isupper()]
                yield from _from_names(package, base, names)
        return
    for match in _PYX_IMPORT.finditer(text):
        if match["plain"]:
            yield match["plain"]
        else:
            names = [n.split(" as ")[0].strip() for n in match["names"].strip("()").split(",")]
            yield from _from_names(package, match["base"], [n for n in names if n])


def violations(path: Path) -> list[str]:
    """One text for each import of ``path`` that does not go upwards in the list."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    own = parts[0]
    if own == "__init__":
        return []  # the flat public API, at the very end of the list
    if own not in RANK:
        return [f"{path.name}: {own} does not stand in the list"]
    found = []
    for name in imports(path):
        target = name.split(".")
        if target[0] != "quantlaxmi":
            continue
        other = target[1] if len(target) > 1 else "the flat API"
        if other not in RANK:
            found.append(f"{own} imports {name}, which does not stand in the list")
        elif own == other and own in INNER:
            found += _inner_violations(own, parts[1:], tuple(target[2:]), name)
        elif own != other and (RANK[other] > RANK[own] or (own, other) in FORBIDDEN):
            found.append(f"{own} imports {name} from below")
    return found


def _inner_violations(
    package: str, parts: tuple[str, ...], target: tuple[str, ...], name: str
) -> Iterator[str]:
    order = INNER[package]
    own, other = (".".join(p for p in names if p != "__init__") for names in (parts, target))
    for inner in (own, other):
        inside = any(entry.startswith(f"{inner}.") for entry in order)
        if inner and inner not in order and not inside:
            yield f"{package}.{inner} does not stand in the list"
            return

    def rank(inner: str) -> int:
        """An ``__init__`` comes after all that stands in its folder."""
        below = [k for k, e in enumerate(order) if not inner or f"{e}.".startswith(f"{inner}.")]
        return 2 * below[-1] + (inner not in order)

    if own != other and rank(other) >= rank(own):
        yield f"{package}.{own or '__init__'} imports {name} from below"


def circles() -> list[list[str]]:
    """Modules that import each other, directly or not; each circle once, from its first module."""
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        own = ["quantlaxmi", *path.relative_to(ROOT).with_suffix("").parts]
        name = ".".join(part for part in own if part != "__init__")
        graph.setdefault(name, set()).update(i for i in imports(path) if i != name)
    reached = {name: _reached(graph, name) for name in graph}
    found = {
        tuple(sorted(other for other in reached[name] if name in reached.get(other, ())))
        for name in graph
        if name in reached[name]
    }
    return sorted(map(list, found))


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph.get(waiting.pop(), set()) - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def test_layers_have_no_circle() -> None:
    assert circles() == []


def test_layers_lists_name_what_is_there() -> None:
    for package, order in INNER.items():
        assert len(set(order)) == len(order), package
        there = {
            ".".join(path.relative_to(ROOT / package).with_suffix("").parts)
            for path in SOURCES
            if path.is_relative_to(ROOT / package) and path.stem != "__init__"
        }
        assert there == set(order), package


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_imports_go_upwards(path: Path) -> None:
    assert violations(path) == []


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [
        ("fixed.py", "from quantlaxmi.segment import open_segment", 1),
        ("fixed.py", "def f():\n    from quantlaxmi import cli", 1),
        ("fixed.py", "if TYPE_CHECKING:\n    from quantlaxmi.cli import Command", 1),
        ("fixed.py", "if TYPE_CHECKING:\n    from quantlaxmi.cli import command", 0),
        ("fixed.py", "from quantlaxmi import Run", 1),
        ("gates/suites.py", "from ..run.replay import Run\nfrom . import keys", 0),
        ("gates/keys.py", "if TYPE_CHECKING:\n    from quantlaxmi.gates.suites import Suite", 1),
        ("gates/keys.py", "from quantlaxmi.gates.path import round_trips", 1),
        ("gates/keys.py", "from quantlaxmi.gates import Gate", 1),
        ("gates/path/columns.py", "from quantlaxmi.gates.path import round_trips", 0),
        ("gates/unheard_of.py", "from quantlaxmi.gates import keys", 1),
        ("_ext/x.pyx", "from quantlaxmi._jit.rng cimport draw", 1),
        ("_ext/x.pyx", "cimport quantlaxmi._ext.wide\nfrom quantlaxmi cimport run", 1),
        ("nowhere.py", "", 1),
    ],
)
def test_layers_check_sees_what_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, bad: int
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    for known in ("gates/keys.py", "gates/suites.py", "gates/path/round_trips.py"):
        (tmp_path / known).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / known).write_text("")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert len(violations(path)) == bad


def test_layers_check_sees_a_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "a.py": "from quantlaxmi.b import x",
        "b.py": "def f():\n    from quantlaxmi import c",
        "c.py": "if TYPE_CHECKING:\n    from quantlaxmi.a import Class",
        "d.py": "from quantlaxmi import a",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    monkeypatch.setattr(f"{__name__}.SOURCES", sorted(tmp_path.glob("*.py")))
    assert circles() == [["quantlaxmi.a", "quantlaxmi.b", "quantlaxmi.c"]]
