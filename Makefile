# Two commands do everything: `make surge` and `make test`. Both build their own environment in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCHEMATHESIS := .venv-schemathesis/.ready
MOTO := .venv-moto/.ready
ARGS ?=
WORKERS ?= 2
# Tests of sockets and processes wait more than they work; the long ones come first by name, and those that look at the machine itself, marked
# `alone`, at the end.
WAITERS ?= 3

# What a disk does for an fsync is nothing that a gate compares, and most of what an account would wait for.
MEMORY := $(shell test -w /dev/shm && echo /dev/shm || echo /tmp)

.PHONY: help surge full-surge smoke check test gate study-gates bench bench-generator bench-server bench-simulator confirm-plan lock packages clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) found; want Python 3.11 or newer (make PYTHON=python3.12 ...)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: python3 -m venv does not work here; want it (Debian: apt-get install python3-venv)" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Crowd 4 is a middling one: of 65 people counted in the last 45 minutes a seventh more or less is chance (docs/surge-model.md).
surge: $(READY)  ## replay the opening hour of 11 April 2020 against both sites (about 2½ minutes), and make the page
	@$(BIN)/gelombang run opening-hour --seed 4 $(ARGS)

# One for one the first evening keeps more than two cores busy; with 1/20 of the people the same 57 minutes take two fifths of one.
full-surge: $(READY)  ## 1,432,133 people one for one, 21 hours in 57 minutes, on the planned site; ARGS="--sample 1/20" fits everywhere
	@$(BIN)/gelombang run surge-2020 --sample 1 --speed 22 --bytes 0.04 --keep-bytes 20G --generator-processes 2 --profile planned $(ARGS)

smoke: $(READY)  ## 20 seconds against the hardened site, with the objectives that CI holds
	@$(BIN)/gelombang run smoke $(ARGS)

check: $(READY)  ## lint, types, import contracts, unit and law tests (under 2 minutes)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@found=$$($(BIN)/pytest --collect-only -qq tests) || { echo "$$found"; exit 1; }
	$(BIN)/pytest -q -n $(WORKERS) tests/unit tests/laws

# schemathesis does not run beside the urllib3 of grafana-client, so it has an environment of its own.
$(SCHEMATHESIS): tests/schemathesis.lock
	$(PYTHON) -m venv .venv-schemathesis
	.venv-schemathesis/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/schemathesis.lock
	@touch $@

# moto's botocore wants that urllib3 too.
$(MOTO): tests/moto.lock
	$(PYTHON) -m venv .venv-moto
	.venv-moto/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/moto.lock
	@touch $@

packages:  ## system packages that some tests use (Debian, as root; otherwise those tests are skipped with a reason)
	@sh tests/packages.sh

test: $(READY) packages $(SCHEMATHESIS) $(MOTO) check  ## everything
	$(BIN)/pytest -q -n $(WAITERS) --dist loadfile --no-loadscope-reorder -m "not alone" tests --ignore=tests/unit --ignore=tests/laws
	$(BIN)/pytest -q -m alone tests/system tests/twin

gate: $(READY)  ## has HEAD become slower than the revision in gates/base? (about 10 minutes at most; abstains aloud on a busy machine)
	@GELOMBANG=$(BIN)/gelombang .ci/gate $(ARGS)

study-gates: $(READY)  ## how often the gate is wrong: an hour more of measuring, then docs/gate-study.md; ARGS=--quick takes 8 minutes
	@TMPDIR=$(MEMORY) PYTHONPATH=benchmarks $(BIN)/python -m gate_study $(ARGS)

bench: $(READY)  ## the hot paths, by pytest-benchmark
	$(BIN)/pytest -q benchmarks --benchmark-only

bench-generator: $(READY)  ## the generator's CPU beside FastHttpUser and k6, its lateness and memory (about 4 minutes; K6=/path/to/k6)
	@PYTHONPATH=benchmarks $(BIN)/python -m generator_bench $(ARGS)

bench-server: $(READY)  ## the server beside nginx and @tus/server, small steps, whole registrations, slow uploads, goodput under overload (about 7 minutes)
	@PYTHONPATH=benchmarks $(BIN)/python -m server_bench $(ARGS)

bench-simulator: $(READY)  ## the simulator's CPU beside SimPy and Ciw on one small model; ARGS=--surge for the surge as well
	@PYTHONPATH=benchmarks $(BIN)/python -m simulator_bench $(ARGS)

confirm-plan: $(READY)  ## calibrate on six live runs, plan, run the planned site, score (about 10 minutes of a quiet machine)
	@GELOMBANG=$(BIN)/gelombang sh benchmarks/confirm_plan.sh $(ARGS)

lock: $(READY)  ## write requirements.lock and the locks in tests/ again (needs uv)
	echo schemathesis | uv pip compile -q - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o tests/schemathesis.lock
	echo 'moto[s3,server]' | uv pip compile -q - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o tests/moto.lock
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock

clean:  ## remove the environment and caches; runs/ stays
	rm -rf $(VENV) .venv-schemathesis .venv-moto .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks dist
