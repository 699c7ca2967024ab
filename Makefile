# `make preview` and `make test` need Python 3.11 or newer and nothing else; `make engine` and
# `make lab` need Go 1.26 or newer.
PYTHON ?= python3
STACK ?= dev
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
INSTALL := $(BIN)/python -m pip install

.PHONY: help preview test check engine lab lab-build lab-operators lab-ci docs bench mutants pack-dist release
.PHONY: pins clean

help:  ## This list.
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

preview: .venv/.preview  ## Preview the bundled stack; STACK=idle shows one that fails.
	$(BIN)/zerofloor preview . --stack $(STACK)

test: .venv/.dev  ## All tests; those that need the engine or the lab are skipped if not built.
	$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not long"

check: .venv/.dev  ## Lint, types, import contracts, generated docs and data.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs --check
	$(BIN)/python -m tools.docs_components --check
	$(BIN)/python -m tools.docs_lab --check
	$(BIN)/python -m tools.docs_reads --check
	$(BIN)/python -m tools.docs_architecture --check
	$(BIN)/python -m tools.snapshot verify

engine:  ## Build the real Pulumi engine and Kubernetes provider for tests.
	@$(MAKE) --no-print-directory -C tools/engine

lab-build:  ## Build the real Kubernetes control plane for tests.
	@$(MAKE) --no-print-directory -C tools/lab

lab-operators:  ## Build the vendors' own controllers for the lab.
	@$(MAKE) --no-print-directory -C tools/lab operators

lab: .venv/.dev engine lab-build lab-operators  ## Run all lab scenarios and trials, and compare with what is said.
	$(BIN)/python -m tests.lab.run --all
	$(BIN)/python -m tests.lab.trials
	$(BIN)/python -m pytest -q tests/lab

lab-ci: .venv/.dev lab-build  ## The part of the lab that CI runs.
	$(BIN)/python -m tests.lab.run --ci

docs: .venv/.dev  ## Write the generated docs.
	$(BIN)/python -m tools.docs
	$(BIN)/python -m tools.docs_components
	$(BIN)/python -m tools.docs_lab
	$(BIN)/python -m tools.docs_architecture
	$(BIN)/python -m tools.docs_reads

bench: .venv/.dev engine  ## Print speed and memory beside what is asked; LARGE=1 adds 100,000 resources.
	$(BIN)/python -m benchmarks $(if $(LARGE),--large)

mutants: .venv/.dev  ## Try small wrong changes against the tests and print the share killed (an hour; not in CI).
	$(BIN)/python -m tools.mutants

pack-dist: .venv/.dev  ## Make dist/pack, a pack folder for `pulumi policy publish`.
	$(BIN)/python -m tools.pack_dist

release: .venv/.dev  ## Build and check sdist and wheel in dist/; try the wheel; uploads nothing.
	$(BIN)/python -m tools.release

pins:  ## Pin Python packages with hashes; UPGRADE=--upgrade takes the newest.
	@rm -rf .work/pins && $(PYTHON) -m venv .work/pins
	@tools/attempt.sh pins .work/pins/bin/python -m pip install \
	  $$(sed -n 's/^# made with //p' requirements-dev.in)
	@tools/attempt.sh pins sh -c 'echo "setuptools>=77" | \
	  $(PIN) --extra pulumi pyproject.toml - -o requirements.txt'
	@tools/attempt.sh pins $(PIN) --extra pulumi --extra html pyproject.toml requirements-dev.in \
	  -c requirements.txt -o requirements-dev.txt

PIN := .work/pins/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
  $(UPGRADE) --no-annotate --no-header

# The stamps are newer than what they were made from, or pip runs again.
.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "zerofloor needs Python 3.11 or newer, and there is no $(PYTHON) on PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "zerofloor needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1):" \
	    "make PYTHON=python3.12 …" >&2; exit 1; }
	@tools/attempt.sh "make .venv" $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.preview: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what a preview needs into .venv ($$(grep -c == $<) packages;" \
	  "half a minute the first time)." >&2
	@tools/attempt.sh "install $<" $(INSTALL) --require-hashes -r $<
	@$(ITSELF)
	@touch $@

.venv/.dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	@echo "Installing what tests and checks need into .venv ($$(grep -c == $<) packages;" \
	  "a minute the first time)." >&2
	@tools/attempt.sh "install $<" $(INSTALL) --require-hashes -r $<
	@$(ITSELF)
	@touch $@ .venv/.preview

# With the pinned setuptools, so nothing else is downloaded. Compiled, since containers and CI
# images often forbid Python to do it at run time.
ITSELF = tools/attempt.sh "install zerofloor" $(INSTALL) --no-deps --no-build-isolation -e . \
  && $(BIN)/python -m compileall -q zerofloor

clean:  ## Remove what make has made here.
	rm -rf .venv .work build dist *.egg-info
