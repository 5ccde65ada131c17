# Deskhand. `make run` and `make test` are all the set-up there is; both work on a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where the development data lies; see `make eval` and `make models`.
DATA ?= ../shared/data

.PHONY: run test lint bench eval models lock clean

run: $(VENV)/.installed ## Serve the demo shop on port 8000 (PORT=9000 make run for another)
	@exec $(BIN)/deskhand demo

test: $(VENV)/.installed-dev ## All checks and tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

bench: $(VENV)/.installed-dev ## Speed, memory and start, through the real server; writes var/bench.json
	$(BIN)/python -m tests.bench

lock: $(VENV)/.uv ## Pin what pyproject.toml asks for
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml --group dev -o requirements-dev.lock

clean: ## Remove the virtual environment and everything the demo kept
	rm -rf $(VENV) var

# uv resolves and installs in seconds what takes pip minutes; pip is only used to get it.
$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Deskhand needs Python 3.11 or newer: PYTHON=/path/to/python3.12 make run"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.uv
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	touch $@
