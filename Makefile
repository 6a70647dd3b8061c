# make demo: set up and run the main job on the shipped corpus; make test: set up and run the tests.
# Both need nothing but Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SETUP := $(VENV)/.set-up
BENCHMARKS := encoding serving peers index store scaling retrieval duplicates axes axes_intervals axes_options proposing \
	placing plotting sheep_spider screening filtering explorer

.PHONY: demo test lint types docs bench setup clean

demo: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: setup
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

docs: setup
	$(BIN)/python -m pytest tests/test_docs.py

bench: setup
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/write_tables.py

setup: $(SETUP)

# constraints.txt pins the CPU build of torch where one is at hand, so that no CUDA libraries are pulled in.
$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "embedsearch needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once; a few minutes where packages must be downloaded)..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[weights,parquet,references,office,explore,fast,map,plot,serve]" --group test --group lint
	@touch $(SETUP)

clean:
	rm -rf $(VENV) indexes/*/ relevant.jsonl .pytest_cache .mypy_cache .ruff_cache .hypothesis
