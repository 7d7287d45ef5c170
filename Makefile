# All verbs but help and lock first create .venv if it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'

.PHONY: help install demo run test test-browser soak pictures check fix lock

help: ## List these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.project ## Create .venv with everything that the other verbs need

demo: .venv/.project ## Try the bot in a browser, offline and without an account
	@$(BIN)/clonevoice demo $(if $(PORT),--port $(PORT))

run: .venv/.project ## Run the bot with the settings in .env
	@$(BIN)/clonevoice run

test: .venv/.project ## Run the tests on all processors, and list the ten slowest
	$(BIN)/pytest -n auto --dist worksteal --durations 10

test-browser: .venv/.project ## Test the demo page in Chromium
	$(BIN)/pytest -m browser -n auto --dist worksteal --durations 10

soak: .venv/.project ## Kill the bot at many more moments than `make test` does
	$(BIN)/pytest -m soak

pictures: .venv/.project ## Take the pictures in docs/ again
	PYTHONPATH=tests $(BIN)/python docs/pictures.py

check: .venv/.project ## Check lint, format, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports

fix: .venv/.project ## Format, and fix what ruff can fix
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

lock: ## Update the requirement files after a change of dependencies (needs uv)
	$(COMPILE) --all-extras pyproject.toml --output-file requirements-dev.txt
	$(COMPILE) --constraint requirements-dev.txt pyproject.toml --output-file requirements.txt

.venv/.requirements: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Clonevoice needs Python 3.11 or newer: name one, as in "make install PYTHON=python3.12".' >&2; exit 1; }
	@echo 'Setting up .venv (once, about a minute) …'
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/.project: .venv/.requirements pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
