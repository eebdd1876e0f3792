# The single task runner. `make help` lists what it does.
# ARGS passes arguments on: make run ARGS="--employees 50", make test ARGS="tests/unit -k decay".
# PYTHON names the Python to build .venv with, where the search would find another.

SHELL := /bin/sh
.DEFAULT_GOAL := help
export PYTHON

.PHONY: help run test lint format coverage docs fuzz guards lock wheel env dev-env clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@ls benchmarks/*.py 2>/dev/null | sed -n 's#benchmarks/\([a-z][a-z_]*\)\.py#  benchmark:        make bench-\1#p'

run: env ## Install what is missing, then start the demo at http://127.0.0.1:8080
	@.venv/bin/carrythrough demo $(ARGS)

test: ## Install what is missing, then run every check and every test
	@tools/check.sh all $(ARGS)

lint: ## The checks without the tests: style, types, import contracts
	@tools/check.sh lint

format: dev-env ## Put the source into the one format, with the safe fixes
	@.venv/bin/ruff check --fix-only --quiet . ; .venv/bin/ruff format .

docs: dev-env ## Generate docs/reference/ from the code
	@.venv/bin/python tools/reference.py

coverage: dev-env ## Tests with branch coverage of the product: make coverage ARGS="tests/unit tests/property"
	@.venv/bin/coverage run -m pytest $(ARGS); .venv/bin/coverage combine --quiet; .venv/bin/coverage report

bench-%: dev-env ## Run one benchmark: make bench-intake, make bench-memory
	@.venv/bin/python benchmarks/$(subst -,_,$*).py $(ARGS)

fuzz: dev-env ## Mutated statements through admission: make fuzz ARGS="--statements 1000000"
	@.venv/bin/python tools/fuzz.py $(ARGS)

guards: dev-env ## A million simulated decisions held against a calendar oracle: make guards ARGS="--seed 2"
	@.venv/bin/python tools/guards.py $(ARGS)

lock: ## Resolve the dependencies anew into requirements.lock and requirements-dev.lock
	@tools/lock.sh $(ARGS)

wheel: dev-env ## Build the wheel into dist/
	@.venv/bin/python -m hatchling build -t wheel

env: ## Make .venv with what the product needs
	@tools/set_up.sh run

dev-env: ## Make .venv with tests and linters too
	@tools/set_up.sh dev

clean: ## Remove .venv, caches and build results
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
