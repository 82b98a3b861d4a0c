# `make run` shows the program, `make test` checks it, `make help` lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := setup
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python

# An environment holds absolute paths, so a stamp counts only for the folder that it was made in.
here := $(shell pwd | cksum | cut -d' ' -f1)
run_ready := .venv/.ready-run-$(here)
dev_ready := .venv/.ready-dev-$(here)
code := $(wildcard bench src tests tools)
inputs := pyproject.toml src/wua/_version.py tools/bootstrap.sh tools/setup_env.py

$(run_ready): $(inputs) requirements/runtime.txt requirements/build.txt
	@PYTHON="$(PYTHON)" sh tools/bootstrap.sh run
	@touch $@

$(dev_ready): $(inputs) requirements/dev.txt
	@PYTHON="$(PYTHON)" sh tools/bootstrap.sh dev
	@touch $(run_ready) $@

.PHONY: setup run test test-all lint types format docs native com soak bench wheel wheels lock clean help

setup: $(dev_ready) ## make .venv with everything that working on wua needs (the default)

run: $(run_ready) ## show what wua does with this machine's updates, in a shadow of it
	@$(PY) tools/demo.py

# Its tests wait for disks and children half of the time.
test: JOBS ?= 4
test: lint types ## the suite that fits five minutes; WUA_TEST_HOST=1 adds the tests that change this host
	@$(PY) -m pytest -n $(JOBS) $(ARGS)

test-all: JOBS ?= 2
test-all: lint types ## everything, slow tests and packaging included
	@$(PY) -m pytest -n $(JOBS) --all $(ARGS)

lint: $(dev_ready)
	@$(PY) -m ruff check --quiet $(code)
	@$(PY) -m ruff format --check --quiet $(code)

types: $(dev_ready)
	@$(PY) -m mypy

format: $(dev_ready) ## put the sources into the project's layout
	@$(PY) -m ruff check --quiet --fix $(code)
	@$(PY) -m ruff format --quiet $(code)

docs: $(dev_ready) ## write the generated pages of docs/reference anew
	@$(PY) tools/generate_docs.py

native: $(run_ready) ## build the COM DLL, its type library and header into build/native, where mingw and widl are
	@$(PY) tools/build_native.py build/native

com: native ## a C++ program installs a package through COM in Wine, and is called back
	@$(PY) examples/com/run.py

soak: $(run_ready) ## thousands of killed jobs; goes on where it was stopped
	@$(PY) tools/soak.py $(ARGS)

bench: $(run_ready) ## measure, and write docs/benchmarks.md
	@$(PY) -m bench $(ARGS)

wheel: $(dev_ready) ## build wheel and sdist into dist/, the same bytes every time
	@$(PY) tools/build_dist.py dist

wheels: $(dev_ready) ## fetch every locked package, and what tests run, into wheels/ for a machine with no network
	@$(PY) -m pip --quiet --quiet download --require-hashes --dest wheels -r requirements/dev.txt
	@$(PY) tools/salt_source.py wheels
	@$(PY) tools/pywin32_source.py wheels
	@$(PY) tools/windows_python.py wheels

lock: ## write requirements/*.txt anew (needs uv)
	@python3 tools/lock.py $(ARGS)

clean: ## remove everything that was built, .venv and wheels/ excepted
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find $(code) -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' Makefile
