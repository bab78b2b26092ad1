# Quadrat: `make help` lists what there is. All state lies under .quadrat/; nothing else of yours is touched.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/sh

PYTHON ?= python3
export QUADRAT_HOME := $(CURDIR)/.quadrat
TOOLS := resources/tools
PINS := resources/engine
BIN := .quadrat/test-engine/bin

.PHONY: help setup system demo test lint bench package compat qgis test-environments clean

help: ## this list
	@echo "Quadrat: maps taught by a few labels. Commands:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r a b; do printf '%-16s %s\n' "$$a" "$$b"; done

setup: system ## install what is missing: QGIS (apt), the light engine (in .quadrat/)
	@$(PYTHON) __main__.py setup --size light

system:
	@sh $(TOOLS)/system_packages.sh "$(QUADRAT_HOME)/logs"

demo: setup ## embed, train, map and assess on a Sentinel-2 sample, in real QGIS
	@$(PYTHON) resources/demo/demo.py

test: test-environments ## everything: linters, engine with and without PyTorch, plugin in QGIS
	@$(PYTHON) $(TOOLS)/suites.py

lint: .quadrat/test-engine/stamp ## ruff, mypy, import-linter, house rules
	@$(PYTHON) $(TOOLS)/suites.py lint types

bench: .quadrat/test-engine/stamp ## measure speed and memory (tests/benchmarks)
	@set -e; export QUADRAT_DATA="$${QUADRAT_DATA:-$(abspath $(wildcard ../shared/data))}"; \
	for bench in "embed overhead" "embed memory" "heads scaling" "heads storage"; do \
	  set -- $$bench; echo "== bench_$$1.py $$2"; $(BIN)/python tests/benchmarks/bench_$$1.py $$2; done

package: .quadrat/test-engine/stamp ## the plugin as ZIP in dist/, checked by the plugin repository's rules
	@$(PYTHON) $(TOOLS)/package.py --bin $(BIN)

compat: ## the tests under QGIS 3.40 and 3.44, and the Qt 6 lint (root, Debian; 10 minutes the first time)
	@bash $(TOOLS)/compat.sh

qgis: setup ## open QGIS with the plugin, in a profile of its own
	@$(PYTHON) $(TOOLS)/qgis_profile.py qgis --noversioncheck

clean: ## delete .quadrat/ and dist/: engine, test environments, demo results, profile
	@rm -rf .quadrat dist

test-environments: system .quadrat/test-engine/stamp .quadrat/test-light/stamp .quadrat/test-qgis/stamp

.quadrat/test-engine/stamp: $(PINS)/light.txt $(PINS)/full.txt $(PINS)/test.txt
	@echo "Making the tests' engine with PyTorch (some minutes the first time)"
	@$(PYTHON) $(TOOLS)/test_environment.py full "$(dir $@)"
	@touch $@

.quadrat/test-light/stamp: $(PINS)/light.txt $(PINS)/test.txt
	@echo "Making the tests' engine without PyTorch"
	@$(PYTHON) $(TOOLS)/test_environment.py light "$(dir $@)"
	@touch $@

.quadrat/test-qgis/stamp: $(PINS)/test-qgis.txt | system
	@echo "Making the tests' environment beside QGIS"
	@$(PYTHON) $(TOOLS)/test_environment.py qgis "$(dir $@)"
	@touch $@
