"""Shared settings: which package is under test, how deep the tests look, what runs first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

import quantlaxmi
from tests.browser import NAMES, Browser, find_browser
from tests.depth import examples

# Property tests that name no number of examples.
settings.register_profile("quantlaxmi", max_examples=examples(100))
settings.load_profile("quantlaxmi")

#: Files that take longest. Processes that test side by side begin with them, so that none is left
#: alone with one at the end.
LONGEST = (
    "tests/batch/test_sweep.py",
    "tests/calibrate/test_calibrate.py",
    "tests/jit/test_jit_cache.py",
    "tests/report/test_schema.py",
    "tests/batch/test_cluster.py",
    "tests/test_tutorial.py",
    "tests/test_interrupts.py",
    "tests/batch/test_sweep_command.py",
    "tests/test_without_posix.py",
    "tests/batch/test_session_family.py",
    "tests/importers/test_matrix.py",
    "tests/importers/test_memory.py",
    "tests/report/test_page.py",
    "tests/test_notebooks.py",
    "tests/batch/test_imports.py",
    "tests/calibrate/test_selfcheck.py",
    "tests/report/test_report.py",
    "tests/batch/test_examples.py",
    "tests/batch/test_recipes.py",
    "tests/importers/test_bars_real.py",
    "tests/test_fuzz.py",
    "tests/batch/test_proof.py",
    "tests/cli/test_named_files.py",
    "tests/options/test_fair_variance_mean.py",
    "tests/run/test_real_capture.py",
    "tests/segment/test_wal.py",
    "tests/gates/test_resume.py",
    "tests/batch/test_family_rates.py",
    "tests/gates/test_chain_sessions.py",
    "tests/batch/test_family.py",
    "tests/segment/test_memory.py",
    "tests/cli/test_edges.py",
    "tests/run/test_passive_maker.py",
    "tests/gates/test_market_passes.py",
    "tests/trials/test_ledger.py",
    "tests/batch/test_store.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were found."""
    rank = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(LONGEST)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """With QUANTLAXMI_TEST_INSTALLED set, refuse to test anything but the installed package."""
    place = Path(quantlaxmi.__file__).resolve()
    if os.environ.get("QUANTLAXMI_TEST_INSTALLED") and "site-packages" not in place.parts:
        raise pytest.UsageError(f"tests must run against the installed package, not {place}")
    # A shell's background ignores interrupts, and so would what the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless browser for a file of tests; they are skipped where there is none."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is on the path")
    opened = Browser(path, tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()
