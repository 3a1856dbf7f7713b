# Ordergate. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEER := $(VENV)-peer
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo run test chaos bench check contract openapi lock clean servers

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make the virtual environment from the lock file (hashes checked)

# Idempotent: nothing happens unless the lock file or the project file changed.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Ordergate needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "[1/3] virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/3] dependencies, pinned and hash-checked (about half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@echo "[3/3] the project itself"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

servers:  # PostgreSQL, Redis and promtool: what the tests start by themselves
	@tests/servers.sh

demo: setup  ## start sandbox and gateway, walk the main job, check every claim, stop
	@$(BIN)/ordergate demo

run: setup  ## start sandbox and gateway and keep them up
	@$(BIN)/ordergate run

test: setup servers  ## run every test, four files at a time (ARGS="-k isolation -x")
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile $(ARGS)

chaos: setup servers  ## convert quotes while everything breaks, then ask the neighbours (ARGS="--conversions 1000", --help)
	@$(BIN)/python -m benchmarks.chaos $(ARGS)

bench: setup servers $(PEER)/.installed  ## the gateway beside the same composition by hand, about five minutes (ARGS="--rounds 1", --help)
	@$(BIN)/python -m benchmarks.speed --peer-python $(PEER)/bin/python $(ARGS)

# What the gateway is compared with has an environment of its own: nothing of it reaches the product or its tests.
$(PEER)/.installed: benchmarks/requirements.lock
	@echo "the peer's dependencies, pinned and hash-checked, in $(PEER)"
	@$(PYTHON) -m venv $(PEER)
	@$(PEER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/requirements.lock
	@touch $@

check: setup  ## format, lint, types, import contracts, OpenAPI drift
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/ordergate openapi --check
	@$(BIN)/ordergate access --check docs/access.md

openapi: setup  ## write openapi/ and docs/access.md from the routes
	@$(BIN)/ordergate openapi
	@$(BIN)/ordergate access --write docs/access.md

contract:  ## lint the OpenAPI documents with what others use (needs Node 20)
	@cd openapi/lint && npm ci --silent --no-fund --no-audit --ignore-scripts
	@cd openapi/lint && REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --no-install redocly lint ../v1.json ../v1-3.0.json ../internal-v1.json ../scheduler-v1.json

lock: ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-dev.lock
	echo 'hatchling>=1.27' | uv pip compile - --constraint requirements-dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-build.lock
	uv pip compile benchmarks/requirements.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file benchmarks/requirements.lock

clean:  ## remove what set-up and runs left behind
	rm -rf $(VENV) $(PEER) .mypy_cache .ruff_cache .pytest_cache var
