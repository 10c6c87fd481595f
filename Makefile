# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP := .venv/bin/python -m pip --disable-pip-version-check
EXAMPLES := --reddit examples/reddit --stackexchange examples/stackexchange --quora examples/quora

.PHONY: help demo test lint clean

help: ## List the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/core ## Install the program and build the example dumps into demo/
	.venv/bin/gather build -o demo --overwrite $(EXAMPLES)
	@echo
	.venv/bin/gather show demo
	@echo
	@echo "The Parquet is in demo/, the numbers in demo/manifest.json, the rejected rows in demo.local/."
	@echo "Next: put your own dumps in the place of $(EXAMPLES)"

test: .venv/tests ## Install with what the tests need, and run all of them
	.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: .venv/tests ## Check style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

clean: ## Remove the virtual environment and what the demo has made
	rm -rf .venv demo demo.local

# A stamp says that this set of packages is installed. Without an interpreter that runs, or a program that belongs
# to this folder (a checkout may have been moved), the stamps mean nothing, and .venv is made anew.
ifneq ($(shell .venv/bin/python -c '' 2>/dev/null && grep -q '$(CURDIR)/.venv' .venv/bin/gather 2>/dev/null && echo whole),whole)
$(shell rm -f .venv/core .venv/tests)
endif

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv
	@echo "Installing the program (about a minute at first) ..."
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

.venv/tests: .venv/core
	@echo "Installing what the tests need ..."
	$(PIP) install --quiet -c constraints.txt -e '.[test]'
	@touch $@
