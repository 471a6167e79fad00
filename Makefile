# The same commands for people, hooks and CI. `make ci` starts from nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: setup format lint types test coverage benchmarks lock ci

setup:  ## make the virtual environment with the pinned versions
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -r requirements.lock -e .

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

test:
	$(BIN)/pytest

coverage:  ## a plugin is imported before a coverage plugin could start, so pytest runs under coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

benchmarks:
	$(BIN)/pytest --mlexp benchmarks

lock:  ## pin what the newest allowed versions resolve to
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -e '.[dev]'
	sed -n '/^#/p' requirements.lock > requirements.lock.new
	$(VENV)-lock/bin/pip freeze --exclude-editable | grep -v ' @ ' | sed 's/+cpu$$//' >> requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf $(VENV)-lock

ci:
	.ci/run
