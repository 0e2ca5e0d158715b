# Two commands: `make demo` and `make test`.  Both make a virtual environment first.
# `make oldest` tests the backends with the oldest supported versions of everything.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= 2

.PHONY: demo test oldest trust lint unit format clean

demo: $(INSTALLED)
	$(BIN)/tiledsl demo

test: lint unit

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS)

OLDEST := $(VENV)-oldest
OLDEST_VERSIONS := 'numpy==2.0.*' 'ml_dtypes==0.5.*' 'lark==1.2.*' 'llvmlite==0.45.*' \
	'platformdirs==4.0.*' 'filelock==3.12.*' 'triton==3.6.*' 'rich==13.*' 'click==8.1.*'

$(OLDEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--editable . $(OLDEST_VERSIONS) pytest pytest-xdist hypothesis
	touch $@

oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest --numprocesses $(WORKERS) \
		tests/backends tests/kernels tests/runtime

# programs, planted faults, mutants, the sanitizer's classes, coverage: on one page
trust: $(INSTALLED)
	$(BIN)/python -m tests.trust

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(OLDEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis
