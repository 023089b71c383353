# `make help` lists what there is. A target sets up what it needs: nothing but Python 3.11+ and make is asked for.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNS   := $(VENV)/.runs
READY  := $(VENV)/.ready
BENCH  := $(VENV)/.bench
# Python compiles what is imported, not all that comes along.
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# What starts a hundred times is compiled once, whatever the environment says of bytecode.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo check test bench load bar docs map lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## ?/\t/' | expand -t 10

$(RUNS): requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(READY): $(RUNS) requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(BENCH): $(READY) requirements-bench.lock
	$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

demo: $(RUNS)  ## the demo shop, the proxy and the admin page, with links to open
	$(BIN)/tailorbird demo

check: $(READY)  ## format, lint, types, layers, mirror, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py tests/test_mirror.py tests/test_docs.py
	$(BIN)/tailorbird check rules

test: $(BENCH)  ## all tests, on the real components, rivals included
	@./tests/browser/install-chromium
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder || { echo "Once more, alone: what failed beside others"; \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

bench: $(BENCH)  ## the decision core and whole pages beside their rivals
	$(BIN)/python -m loadtests.decide
	$(BIN)/python -m loadtests.pages

load: $(BENCH)  ## Locust, headless and bounded, personalised beside pass-through
	$(BIN)/python -m loadtests.load

bar: $(BENCH)  ## one acceptance bar in its full form: make bar BAR=A9
	$(BIN)/python -m loadtests.bars $(BAR)

docs: $(RUNS)  ## regenerate docs/reference
	$(BIN)/tailorbird docs docs/reference

map:  ## every module, with what it is
	@grep -rm1 '^"""' --include='*.py' proxy | sed -E 's/:"""/\t/; s/"""$$//' | sort | expand -t 44

COMPILE = .cache/lock/bin/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

lock:  ## renew the lock files from pyproject.toml
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/python -m pip install --quiet pip-tools
	$(COMPILE) --extra codings --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --all-build-deps --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --only-build-deps --build-deps-for editable --constraint requirements-dev.lock --output-file requirements-build.lock pyproject.toml
	$(COMPILE) --extra bench --constraint requirements-dev.lock --output-file requirements-bench.lock pyproject.toml

clean:  ## remove what was built here
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
