# Every target that needs packages sets up .venv first (tools/setup_env.py): nothing to install by
# hand but Python 3.11, 3.12 or 3.13 and make. ARGS is handed on: make test ARGS="-k inflation".

VENV := .venv/bin/python

# The first supported Python wins, an existing .venv before all others. Name yours with PYTHON=...
CANDIDATES := $(VENV) python3.13 python3.12 python3.11 python3 python
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	"$$p" -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help setup book pdf accessibility test verify lab lint types lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' Makefile

setup:  ## create or update .venv from requirements.lock
	@test -n "$(PYTHON)" || { echo "setup: no Python 3.11, 3.12 or 3.13 found; install one or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" tools/setup_env.py

book: setup  ## build the book strictly and say where to open it
	@$(VENV) tools/build_book.py

pdf: book  ## print the book into one PDF (needs a Chromium)
	@$(VENV) tools/make_pdf.py

accessibility: book  ## run axe over every page, and measure it (needs a Chromium)
	@$(VENV) tools/check_accessibility.py

# A file of tests stays in one process: what its tests share is made once, the chapters' runs too.
test: setup  ## run the tests on all cores, the chapters included
	@$(VENV) -m pytest -n auto --dist loadfile $(ARGS)

# one study of each kind: training, training by another method, gap, exact worlds, graph
SPOT := failure-mode methods sprite-gap theory-predicts cifar-graph
verify: setup  ## repeat the beginning of one recorded run of five studies, and compare
	@$(VENV) -m adainf_core.cli study verify $(SPOT) --scale laptop --spot

lab: setup  ## open the chapters as notebooks in JupyterLab
	@JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter" JUPYTER_PATH="$(CURDIR)/tools/jupyter" $(VENV) -m jupyterlab --notebook-dir=book $(ARGS)

lint: setup  ## check style, imports and spelling
	@$(VENV) -m ruff format --check .
	@$(VENV) -m ruff check .
	@$(VENV) tools/lint_chapters.py
	@$(VENV) -m codespell_lib
	@$(dir $(VENV))lint-imports

types: setup  ## check the type hints
	@$(VENV) -m mypy

# Keeps every pin that still satisfies pyproject.toml; ARGS=--upgrade renews them all.
lock: setup  ## remake requirements.lock after a change of pyproject.toml
	@$(VENV) -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--fork-strategy fewest --custom-compile-command "make lock" --quiet \
		--output-file requirements.lock $(ARGS)

clean:  ## remove the built book, its notebook cache and all tool caches (.venv stays)
	@rm -rf _build .pytest_cache .mypy_cache .ruff_cache *.egg-info
