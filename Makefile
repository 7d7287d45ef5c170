# The verbs of the project. All but help and lock make .venv first, if it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'

.PHONY: help install demo run test test-browser soak pictures check fix lock

help: ## List these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.project ## Make .venv, with all that the other verbs need

demo: .venv/.project ## Try the bot in a browser: offline, without an account
	@$(BIN)/clonevoice demo $(if $(PORT),--port $(PORT))

run: .venv/.project ## Run the bot with the settings in .env
	@$(BIN)/clonevoice run

test: .venv/.project ## Run the tests that need no browser
	$(BIN)/pytest -n auto

test-browser: .venv/.project ## Run the tests that drive the demo page in Chromium
	$(BIN)/pytest -m browser

soak: .venv/.project ## Kill the bot at many more instants than the tests do, and print what came of it
	$(BIN)/pytest -m soak

pictures: .venv/.project ## Take the README's pictures of the demo page anew
	PYTHONPATH=tests $(BIN)/python docs/pictures.py

check: .venv/.project ## Judge style, types and the way imports run; change nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports

fix: .venv/.project ## Put right what ruff can put right by itself
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

lock: ## Renew the requirement files after a change of dependencies (needs uv)
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
