# `make preview` and `make test` need Python 3.11 or newer and nothing else; `make engine` and `make lab` need Go 1.26 or newer.
PYTHON ?= python3
STACK ?= dev
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: preview test check engine lab lab-build lab-ci docs bench pack-dist clean

preview: .venv/.preview  ## Preview the bundled stack: cost, verdict, what to change. STACK=idle shows one that fails.
	$(BIN)/zerofloor preview . --stack $(STACK)

test: .venv/.dev  ## All tests. Those that need the real engine or the lab say why they are skipped where those are not built.
	$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not long"

check: .venv/.dev  ## Lint, types, import contracts, generated docs and data.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs --check
	$(BIN)/python -m tools.docs_components --check
	$(BIN)/python -m tools.docs_lab --check
	$(BIN)/python -m tools.snapshot verify

engine:  ## Build the real Pulumi engine for tests.
	$(MAKE) -C tools/engine

lab-build:  ## Build the real Kubernetes control plane for tests.
	$(MAKE) -C tools/lab

lab: .venv/.dev lab-build  ## Run all lab scenarios and compare what happens with what zerofloor predicts.
	$(BIN)/python -m tests.lab.run --all
	$(BIN)/python -m pytest -q tests/lab

lab-ci: .venv/.dev lab-build  ## The part of the lab that CI runs.
	$(BIN)/python -m tests.lab.run --ci

docs: .venv/.dev  ## Write the generated docs.
	$(BIN)/python -m tools.docs
	$(BIN)/python -m tools.docs_components
	$(BIN)/python -m tools.docs_lab

bench: .venv/.dev engine  ## Print what speed and memory are.
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.judging
	$(BIN)/python -m benchmarks.pack

pack-dist: .venv/.dev  ## dist/pack: a pack folder with the wheel beside it, for `pulumi policy publish`.
	$(BIN)/python -m tools.pack_dist

# The stamps are newer than what they were made from, or pip runs again.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "zerofloor needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.preview: requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

.venv/.dev: requirements.txt requirements-dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@ .venv/.preview

clean:
	rm -rf .venv .work build dist *.egg-info
