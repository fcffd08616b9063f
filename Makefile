# EchoTune: everything a person or CI runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HISTORY ?=
LISTENER ?=
MINUTES ?= 10
DRIVERS ?=
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
export HISTORY LISTENER
# Every process would compile EchoTune's modules again where an environment, as of containers, sets this.
export PYTHONDONTWRITEBYTECODE :=
export ECHOTUNE_HOME ?= $(CURDIR)/.echotune
export ECHOTUNE_KAFKA_LIBS ?= $(CURDIR)/.echotune/kafka-4.3.1/libs

.DEFAULT_GOAL := help
.PHONY: help preflight setup run test test-unit test-integration test-faults test-soak test-mutations test-browser test-clients screenshots fuzz check bench bench-model bench-reliability openapi lock clean

help:  ## Lists what can be made
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /  \1\t/' | expand -t 20

preflight:
	@$(PYTHON) infra/preflight.py "$(VENV)" "$(ECHOTUNE_KAFKA_LIBS)" $(if $(filter file,$(origin PYTHON)),,--chosen)

setup: preflight  ## Installs everything that is needed (once)
	@$(MAKE) --no-print-directory $(COMPILED)

# The path to this folder is relative, because Python before 3.13 reads it as text of the locale.
$(STAMP): requirements.lock pyproject.toml
	@echo "installing Python packages into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@for path in $(VENV)/lib/python3.*/site-packages/*echotune*.pth; do printf '%s\n' ../../../.. ../../../../streams/cli/entry > "$$path"; done
	@touch $(STAMP)

$(COMPILED): $(STAMP) $(shell find online_models -name '*.py') streams/folding/window_kernels.py
	@$(BIN)/python -m infra.setup "$(ECHOTUNE_KAFKA_LIBS)"
	@$(BIN)/python -m streams.generation.warm_up
	@touch $(COMPILED)

run: setup  ## Starts everything and feeds it; HISTORY="my_spotify_data.zip" feeds yours (LISTENER=me)
	@if [ -e "$$HISTORY" ]; then set -- "$$HISTORY"; else eval "set -- $$HISTORY"; fi; \
		exec $(BIN)/echotune run "$$@" $${LISTENER:+--listener "$$LISTENER"}

test: setup  ## Runs all tests, on real servers, two files at a time, and prints branch coverage
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

test-unit: setup  ## Runs the tests that need no server
	@$(BIN)/python -m pytest tests/unit tests/property

test-integration: setup  ## Runs the tests on real servers
	@$(BIN)/python -m pytest tests/contract tests/integration tests/e2e

test-faults: setup  ## Breaks real servers and workers in every way of docs/reliability.md (25 minutes)
	@$(BIN)/python -m tests.faults

test-soak: setup  ## Overload for a minute, and steady load for half an hour; nothing may grow
	@$(BIN)/python -m pytest tests/faults -m soak -s

BROWSER := .echotune/browser

$(BROWSER):
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(BROWSER) playwright axe-playwright-python

test-browser: setup $(BROWSER)  ## Tries the console in a real Chromium, which has to be installed
	@PYTHONPATH=$(BROWSER) $(BIN)/python -m pytest tests/browser/console_in_chromium.py

test-clients: setup  ## Drives real players against the service: make test-clients DRIVERS=folder
	@test -d "$(DRIVERS)" || { echo "DRIVERS=folder names a folder of drivers; tests/clients/real_clients.py says what a driver is"; exit 2; }
	@if [ -x "$(DRIVERS)/install" ]; then "$(DRIVERS)/install"; fi
	@if [ -f "$(DRIVERS)/vectors.jsonl" ]; then \
		ECHOTUNE_CLIENT_VECTORS="$(DRIVERS)/vectors.jsonl" $(BIN)/python -m pytest tests/clients/recorded_requests.py; fi
	@ECHOTUNE_CLIENT_DRIVERS="$(DRIVERS)" $(BIN)/python -m pytest -rs --timeout 600 tests/clients/real_clients.py

screenshots: export ECHOTUNE_SCREENSHOTS = docs/images
screenshots: test-browser  ## Makes the images of the console in docs/images

fuzz: setup  ## Fuzzes what reads other people's bytes, for ten minutes (MINUTES=10)
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: atheris==3.0.0 || echo "atheris has no wheel here: inputs are random"
	@$(BIN)/python -m tests.fuzzing --minutes $(MINUTES)

test-mutations: setup  ## Takes each safeguard away and shows which test notices
	@$(BIN)/python -m tests.faults.mutations

check: setup  ## Lints, types, import rules, doctests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest --doctest-modules topics online_models streams infra

bench: setup  ## Measures speed and memory beside peers (some minutes); see docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks

bench-model: setup  ## Measures models (half an hour): make bench-model DATA=history.parquet
	@$(BIN)/python -m tests.benchmarks model model-speed model-peers model-start model-growth model-memory $(if $(DATA),--data "$(DATA)")

bench-reliability: setup  ## Measures recovery, pauses by snapshots and reads at a million events of state
	@$(BIN)/python -m tests.benchmarks recovery snapshots reads

openapi: setup  ## Writes the OpenAPI document of the HTTP service to docs/openapi.json
	@ECHOTUNE_WRITE_OPENAPI=1 $(BIN)/python -m pytest tests/unit/streams/serving/test_openapi.py

lock:  ## Resolves the packages of pyproject.toml anew into requirements.lock
	@$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras \
		--allow-unsafe --extra embedded --extra dev --output-file requirements.lock pyproject.toml

clean:  ## Removes what was installed and built, but no data
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .coverage
