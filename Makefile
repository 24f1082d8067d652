# Passerelle. `make demo` and `make test` each work as the first command on a fresh machine.
PYTHON  ?= python3.11
VENV    := .venv
BIN     := $(VENV)/bin
STAMPS  := .stamps
DEMO_ARGS ?=
TEST_ARGS ?=
PACKAGES_ARGS ?=
JUDGE_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup system web demo test check bench soak judge packages clean lock

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMPS)/python  ## the Python environment in .venv, nothing else

$(STAMPS)/python: requirements.lock pyproject.toml scripts/setup-python
	@scripts/setup-python "$(PYTHON)" "$(VENV)"
	@mkdir -p $(STAMPS) && touch $@

system: $(STAMPS)/system-test  ## Debian packages that the tests and the demo use

$(STAMPS)/system-%: scripts/setup-system
	@scripts/setup-system $*
	@mkdir -p $(STAMPS) && touch $@

web: $(STAMPS)/web  ## scripts and styles of the pages, bundled by esbuild

WEB_SOURCES := $(wildcard fleet/web/package*.json fleet/web/build.mjs fleet/web/assets/* fleet/web/assets/*/*)
$(STAMPS)/web: $(STAMPS)/python $(WEB_SOURCES) scripts/build-web
	@scripts/build-web "$(VENV)"
	@mkdir -p $(STAMPS) && touch $@

# Bare Debians that the tests boot, below /var/cache/passerelle-build; a minute each, once.  Only root may.
$(STAMPS)/machines: $(STAMPS)/python $(STAMPS)/system-test tests/booted/base.py
	@[ "$$(id -u)" != 0 ] || $(BIN)/python -m tests.booted.base
	@mkdir -p $(STAMPS) && touch $@

packages: setup web  ## Debian packages of gateway, fleet and installer's laptop, in dist/
	@$(BIN)/python -m packages.build $(PACKAGES_ARGS)

demo: setup $(STAMPS)/system-demo web  ## eleven gateways, an LNS, a broker, the fleet manager and its page
	@$(BIN)/passerelle demo $(DEMO_ARGS)

test: setup $(STAMPS)/system-test $(STAMPS)/machines web  ## every test; under 10 minutes on 2 cores once set up: most of it waits, so four workers
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --ignore tests/soak $(TEST_ARGS)

check: setup  ## format, lint, strict types, import contracts, codes of reasons
	@$(BIN)/python -m tests.check

bench: setup web  ## the figures, measured here
	@$(BIN)/passerelle bench all

soak: setup $(STAMPS)/system-soak $(STAMPS)/machines web  ## long runs: properties explored, outages, kills, fuzzing
	@PASSERELLE_EXPLORE=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/golden
	@$(BIN)/python -m pytest -m soak -o addopts="" --import-mode=importlib -s tests

judge: setup $(STAMPS)/system-test  ## what each path to a ChirpStack loses; tests/judge/named.py says how to name a real one
	@$(BIN)/python -m tests.judge $(JUDGE_ARGS)

lock:  ## resolve requirements.lock again (needs uv), for Python 3.11 and later at once; versions and hashes, no address
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-emit-index-url --python-version 3.11 -q -o requirements.lock

clean:  ## remove what was built here
	rm -rf $(VENV) $(STAMPS) fleet/web/node_modules fleet/web/static/dist
