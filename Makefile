# `make` alone lists the targets. Most of them first create the environment, which takes no time if it is up to date.

STUDY = demo

# The packages are in .venv or, if it is active, in the conda environment of environment.yml.
ifeq ($(NETLENS_ENV),conda)
ENV = $(CONDA_PREFIX)
else
ENV = .venv
endif
BIN = $(ENV)/bin
# Files with many tests are not those that take long: tests/conftest.py has the order. Where an image forbids Python to
# keep what it compiles, each of the hundreds of processes that tests start would compile the package again. One worker
# more than there are cores, up to four: pages wait for the browser and killed runs for their processes.
WORKERS = $$(n=$$(nproc); if [ "$$n" -lt 4 ]; then echo $$((n + 1)); else echo 4; fi)
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL = help
.PHONY: help env tex paper test lint docs gallery pins clean distclean

help: ## list the targets
	@echo 'make TARGET  [STUDY=demo] [CACHE=folder|zip|address] [PYTHON=...] [NETLENS_DEVICE=cpu|gpu]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14
	@echo 'List the items, make single ones, run one notebook or a benchmark: .venv/bin/netlens --help'

# Any Python since 3.6 can run install.py, which finds one that netlens supports, or says what is wrong.
env: ## create or update the environment in .venv (4 GB of disk space; about 2 minutes the first time)
	@for python in "$(BIN)/python" "$$PYTHON" python3 python3.11 python3.12 python3.13 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then \
	    exec "$$python" -I requirements/install.py; \
	  fi; \
	done; \
	echo 'netlens: error: no Python was found: install Python 3.11, 3.12 or 3.13, or specify it: make env PYTHON=...' >&2; \
	exit 2

tex: env ## install TeX with apt if it is missing and you are root on Debian or Ubuntu
	@$(BIN)/python -m netlens.workflow.tex

paper: env tex ## run the study: every figure, number and page, and the paper paper/$(STUDY).pdf
	@$(BIN)/netlens paper --study '$(STUDY)' $(if $(CACHE),--cache '$(CACHE)')

test: env ## run the tests (COVERAGE=1: more slowly, and print how much of the code they cover)
	@$(PYTEST) $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

lint: env ## check style, types, rules and notebooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/snakefmt --check Snakefile rules
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python .ci/lint_rules.py
	@$(BIN)/python .ci/lint_numbers.py
	@find notebooks docs/tutorials -name .ipynb_checkpoints -prune -o -name '*.ipynb' -exec $(BIN)/nbstripout --verify --keep-id {} +
	@$(BIN)/codespell
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run requirements/pins.sh; fi

docs: env ## build the documentation in build/docs, including the tutorials (NETLENS_RUN_TUTORIALS=0: without running them)
	@mkdir -p build  # With --quiet, MkDocs does not count warnings.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build >build/docs.log 2>&1 || { grep -v '^INFO' build/docs.log; exit 1; }
	@$(BIN)/python .ci/lint_docs.py build/docs

gallery: paper ## update the figures, numbers and claims in the README
	@$(BIN)/netlens gallery --study '$(STUDY)'

pins: ## resolve the dependencies in pyproject.toml and write requirements/*.txt (UPGRADE=1: newest versions)
	@UPGRADE='$(UPGRADE)' sh requirements/pins.sh

clean: ## remove the outputs of all studies; keep the environment, downloads and published models
	@rm -rf results site figures/*/ export_defs/*/ paper/*.pdf .snakemake

distclean: clean ## also remove the environment
	@rm -rf .venv .venv.lock build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
