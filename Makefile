# Every target sets up what it needs; a fresh clone needs git, make, Python >= 3.11 and its venv module.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait for other processes more than they compute: twice as many workers as the two cores that CI has.
WORKERS ?= 4
TESTS ?=
STAMP := $(VENV)/.ready

.PHONY: run test demo check bench soak properties fmt lint types imports wheel-gate bundle boxes lock docs pictures catalogue clean

run: $(STAMP)            ## open the office screen on a demo school, everything embedded
	$(BIN)/kurabako demo office

test: $(STAMP)           ## all tests, WORKERS at a time (the tests of a file one after the other); TESTS=tests/sync
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

demo: $(STAMP)           ## play an outage and write build/demo.json
	$(BIN)/kurabako demo outage --out build/demo.json

check: $(STAMP) lint types imports wheel-gate test   ## what CI runs

bench: $(STAMP)          ## measure; writes build/bench.json
	$(BIN)/python -m tests.benchmarks --out build/bench.json

soak: $(STAMP)           ## play every fault, print one table, write build/soak.json; SHORT=1 takes 15 minutes
	$(BIN)/python -m tests.soak $(if $(SHORT),--short) --out build/soak.json

boxes: $(STAMP)          ## boot real Debian machines, provision and break them (needs root); writes build/boxes.json; SHORT=1: one machine
	$(BIN)/python -m tests.boxes $(if $(SHORT),--short)

docs: $(STAMP)           ## rewrite the pages that are made from the code
	$(BIN)/python docs/make_errors.py

pictures: $(STAMP)       ## draw the tutorial's pictures anew from the screens
	$(BIN)/python -m docs.make_pictures
	$(BIN)/python -m docs.make_provision_pictures

catalogue: $(STAMP)      ## compile the English words of the screens
	$(BIN)/pybabel -q compile --domain kurabako --directory tui/locale

properties: $(STAMP)     ## draw 10^5 schedules of the log and 10^3 of three whole sites; an hour of one core
	$(BIN)/python -m pytest tests/sync/test_convergence.py tests/sync/test_three_sites.py \
	  --hypothesis-profile=long --hypothesis-show-statistics

fmt: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

wheel-gate: $(STAMP)     ## build the wheel, install it into an empty environment, try there what it can lack
	$(PYTHON) -I .ci/wheel_gate.py $(VENV)

bundle: $(STAMP)         ## what boxes without internet are set up and updated from; writes build/kurabako-bundle-VERSION.tar
	$(BIN)/kurabako bundle build --out build

lock: $(STAMP)           ## rewrite requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --extra region --group dev \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --no-config --quiet -o requirements.lock pyproject.toml

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Kurabako needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
