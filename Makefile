# make demo   fit the sleep study, print the summary, write a report with pictures
# make test   build and run every test
# Both create .venv first. Other targets: lint, types, docs, bench, dist-check, clean.

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
endif

VENV   := .venv
BIN    := $(VENV)/bin
CORE   := $(wildcard core/*.cpp core/*.hpp) CMakeLists.txt pyproject.toml
REPORT := build/demo.html
# Quiet twice: pip's warnings are about its own settings; errors still show.
# Without build isolation CMake's tree survives between calls, so that an edited kernel recompiles alone.
INSTALL := $(BIN)/python -m pip install --quiet --quiet --no-build-isolation --config-settings=build-dir=build/cmake --editable

.PHONY: demo test lint types docs bench dist-check clean

demo: $(VENV)/.demo
	@mkdir -p $(dir $(REPORT))
	$(BIN)/henderson fit sleepstudy "Reaction ~ Days + (Days | Subject)" --report $(REPORT)

test: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTEST)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going --quiet --builder html docs docs/_build/html
	@echo "The pages are at file://$(CURDIR)/docs/_build/html/index.html"

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/run.py

dist-check:
	.ci/dist-check "$(PYTHON)"

clean:
	rm -rf $(VENV) build dist docs/_build

$(VENV)/.tools:
	@test -n "$(PYTHON)" || { echo "henderson needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --quiet "scikit-build-core>=0.11" "nanobind>=2.4" cmake ninja
	@touch $@

$(VENV)/.demo: $(VENV)/.tools $(CORE)
	$(INSTALL) ".[plot,cli]"
	@touch $@

$(VENV)/.test: $(VENV)/.tools $(CORE)
	$(INSTALL) ".[test]"
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.tools $(CORE)
	$(INSTALL) ".[docs]"
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.tools $(CORE)
	$(INSTALL) ".[bench]"
	@touch $@
