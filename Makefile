# What a person types. Each target sets up what it needs and is quick when nothing changed.
#   make run      everything up, in sandbox mode, at http://localhost:8000
#   make test     the whole test suite
#   make help     the rest

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PORT ?= 8000
DATA ?= .data
ARGS ?=
TEST_WORKERS ?= 2

BIN := .venv/bin
UV := UV_NO_PROGRESS=1 $(BIN)/uv --quiet
SANDBOX_NPM := backend/tidegate/sandbox/npm
PAGE := backend/tidegate/web/index.html
GENERATOR := .cache/generator
PYTHON_CODE := backend tests migrations bench tools
say = @printf '\033[1m· %s\033[0m\n' "$(1)"

# ---------------------------------------------------------------- set-up
# A stamp lies inside what it vouches for, so that removing the thing removes the stamp.

RUN_DEPS := .venv/.stamp-run
DEV_DEPS := .venv/.stamp-dev
APP_DEPS := frontend/node_modules/.stamp
SANDBOX_DEPS := $(SANDBOX_NPM)/node_modules/.stamp
PAGE_SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -type f -not -name '*.test.*' -print 2>/dev/null)

.venv/.stamp-uv: requirements/uv.txt tools/make-venv
	$(call say,Python: a virtual environment with a pinned installer)
	@tools/make-venv .venv requirements/uv.txt
	@touch $@

$(RUN_DEPS): .venv/.stamp-uv requirements/run.txt pyproject.toml
	$(call say,Python: the pinned libraries of the server)
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_DEPS): $(RUN_DEPS) requirements/dev.txt
	$(call say,Python: the pinned tools of the tests)
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/run.txt -r requirements/dev.txt
	@touch $@

$(APP_DEPS): frontend/package-lock.json | node
	$(call say,Node: the pinned libraries of the page)
	@cd frontend && npm ci --loglevel=error --no-progress >/dev/null
	@touch $@

# Not `npm ci`: it refuses a lock without the binaries of other platforms, which cannot be had everywhere. The lock's
# versions and integrity count all the same, and it is not written.
$(SANDBOX_DEPS): $(SANDBOX_NPM)/package-lock.json | node
	$(call say,Node: the sandbox's Ethereum node and contract compiler)
	@cd $(SANDBOX_NPM) && npm install --no-save --loglevel=error --no-progress >/dev/null
	@touch $@

$(PAGE): $(APP_DEPS) $(PAGE_SOURCES)
	$(call say,the page)
	@cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

.PHONY: node
node:
	@tools/check-node

.PHONY: run-deps setup
run-deps:
	@$(MAKE) -s -j2 $(RUN_DEPS) $(SANDBOX_DEPS) $(PAGE)

setup: ## install everything that is pinned and build the page
	@$(MAKE) -s -j2 $(DEV_DEPS) $(SANDBOX_DEPS) $(PAGE)

# ---------------------------------------------------------------- run

.PHONY: run
run: run-deps ## start the whole system in sandbox mode (PORT=8000 DATA=.data)
	@exec $(BIN)/tidegate up --port $(PORT) --data $(DATA) $(ARGS)

# ---------------------------------------------------------------- test

.PHONY: test-deps test test-full crash bench soak
test-deps: setup
	@tools/get-chromium >/dev/null
	@tools/get-bitcoind >/dev/null

test: test-deps ## every test but the slow ones (ARGS= goes to pytest)
	$(call say,the page's own tests)
	@cd frontend && npm run --silent test
	$(call say,the server and the whole system and the page in Chromium)
	@TIDEGATE_CHROMIUM="$$(tools/get-chromium)" TIDEGATE_BITCOIND="$$(tools/get-bitcoind)" \
	  $(BIN)/pytest -q -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not slow" $(ARGS)

# What CI does small; a size that is given wins: make test-full TIDEGATE_KILLS=20
WHOLE := TIDEGATE_LEDGER_RUNS=$${TIDEGATE_LEDGER_RUNS:-5000} TIDEGATE_LEDGER_CLIENTS=$${TIDEGATE_LEDGER_CLIENTS:-64} \
  TIDEGATE_LEDGER_TRANSFERS=$${TIDEGATE_LEDGER_TRANSFERS:-30000} TIDEGATE_KILLS=$${TIDEGATE_KILLS:-200} \
  TIDEGATE_DATABASE_KILLS=$${TIDEGATE_DATABASE_KILLS:-10} TIDEGATE_MOVE_KILLS=$${TIDEGATE_MOVE_KILLS:-18} \
  TIDEGATE_SIGN_MUTATIONS=$${TIDEGATE_SIGN_MUTATIONS:-100000} \
  TIDEGATE_BENCH_SECTIONS=$${TIDEGATE_BENCH_SECTIONS:-posting,http,depth,quotes,conversions,waiting,route,streams,payouts,deposits} \
  TIDEGATE_EXAMPLES=$${TIDEGATE_EXAMPLES:-500} TIDEGATE_SCHEMATHESIS=$${TIDEGATE_SCHEMATHESIS:-200} \
  TIDEGATE_RESTORES=$${TIDEGATE_RESTORES:-20} TIDEGATE_RESTORE_PAYOUTS=$${TIDEGATE_RESTORE_PAYOUTS:-50} \
  TIDEGATE_CROWD=$${TIDEGATE_CROWD:-12} \
  TIDEGATE_DEPOSITS=$${TIDEGATE_DEPOSITS:-300} \
  TIDEGATE_BODIES=$${TIDEGATE_BODIES:-5000} TIDEGATE_VENUE_SEEDS=$${TIDEGATE_VENUE_SEEDS:-1000} \
  TIDEGATE_STREAM_SEEDS=$${TIDEGATE_STREAM_SEEDS:-200} \
  TIDEGATE_CONVERSIONS=$${TIDEGATE_CONVERSIONS:-10000} \
  TIDEGATE_CRASH_SEEDS=$${TIDEGATE_CRASH_SEEDS:-3} \
  TIDEGATE_SPLIT_ROUNDS=$${TIDEGATE_SPLIT_ROUNDS:-500} TIDEGATE_KILL_MINUTES=$${TIDEGATE_KILL_MINUTES:-10} \
  TIDEGATE_TEST_BATCH=$${TIDEGATE_TEST_BATCH:-100} TIDEGATE_TEST_PAYOUTS=$${TIDEGATE_TEST_PAYOUTS:-1000}

test-full: test-deps ## the slow tests too, and everything in its whole size
	@cd frontend && npm run --silent test
	@$(WHOLE) TIDEGATE_CHROMIUM="$$(tools/get-chromium)" TIDEGATE_BITCOIND="$$(tools/get-bitcoind)" \
	  $(BIN)/pytest -q -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

SEEDS ?= 1
FROM ?= 1
POINTS ?=
crash: setup ## kill at every failpoint times SEEDS=1, and write docs/reliability.* (FROM= goes on, POINTS=P13.send:after,… only there)
	@tools/get-bitcoind >/dev/null
	@TIDEGATE_BITCOIND="$$(tools/get-bitcoind)" $(BIN)/python -m tests.crash --seeds $(SEEDS) --from-seed $(FROM) \
	  --points "$(POINTS)" $(ARGS)

bench: setup ## measure, and write bench/results.json (ARGS="--only http", "--quick")
	@$(BIN)/python -m bench $(ARGS)

MINUTES ?= 10
soak: setup ## withdrawals and postings for MINUTES=10: rate and memory by minute
	@$(BIN)/python -m bench.soak --minutes $(MINUTES) $(ARGS)

# ---------------------------------------------------------------- lint

.PHONY: lint format
lint: ## ruff, mypy, import-linter, Biome, tsc
	@$(MAKE) -s -j2 $(DEV_DEPS) $(APP_DEPS)
	$(call say,ruff)
	@$(BIN)/ruff check --quiet $(PYTHON_CODE)
	@$(BIN)/ruff format --check --quiet $(PYTHON_CODE)
	$(call say,mypy)
	@$(BIN)/mypy
	$(call say,import-linter)
	@$(BIN)/lint-imports --no-logo
	$(call say,Biome)
	@cd frontend && npm run --silent lint
	$(call say,tsc)
	@cd frontend && npm run --silent typecheck
	@frontend/node_modules/.bin/tsc --noEmit -p tests/clients/tsconfig.json

format: ## put the code into the form that lint asks for
	@$(MAKE) -s -j2 $(DEV_DEPS) $(APP_DEPS)
	@$(BIN)/ruff check --quiet --fix $(PYTHON_CODE)
	@$(BIN)/ruff format --quiet $(PYTHON_CODE)
	@cd frontend && npm run --silent format

# ---------------------------------------------------------------- generated files

$(GENERATOR)/.stamp: .venv/.stamp-uv requirements/generator.txt
	$(call say,Python: the generator of the Python client)
	@$(UV) venv --clear --python $(BIN)/python $(GENERATOR)
	@$(UV) pip install --python $(GENERATOR)/bin/python --require-hashes -r requirements/generator.txt
	@touch $@

.PHONY: gen lock
gen: ## openapi.json, the TypeScript client, the Python client
	@$(MAKE) -s -j2 $(DEV_DEPS) $(APP_DEPS) $(GENERATOR)/.stamp
	$(call say,openapi.json)
	@$(BIN)/tidegate openapi --out clients/openapi.json
	$(call say,the TypeScript client)
	@cd frontend && npm run --silent gen
	$(call say,the Python client)
	@tools/generate-python-client $(GENERATOR)/bin clients/openapi.json clients/python

LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"
lock: .venv/.stamp-uv ## resolve every requirement anew (npm's locks are made by npm install)
	@$(UV) pip compile pyproject.toml --extra sandbox $(LOCK) -o requirements/run.txt >/dev/null
	@$(UV) pip compile --group dev -c requirements/run.txt $(LOCK) -o requirements/dev.txt >/dev/null
	@$(UV) pip compile requirements/uv.in -c requirements/dev.txt $(LOCK) -o requirements/uv.txt >/dev/null
	@$(UV) pip compile requirements/generator.in $(LOCK) -o requirements/generator.txt >/dev/null

# ---------------------------------------------------------------- images

.PHONY: image
image: ## build the container images without a container engine, and ask the api for a sign of life
	@tools/build-image $(ARGS)

# ---------------------------------------------------------------- the rest

.PHONY: clean help
clean: ## remove what the targets above made (not .data)
	@rm -rf .venv .cache frontend/node_modules $(SANDBOX_NPM)/node_modules backend/tidegate/web test-results \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20
