# Concord: everything one does with a checkout. `make help` lists it.
# Needs only Python 3.11 or newer and make; everything else is installed into .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==/torch==/p' requirements/constraints.txt | cut -d' ' -f1)
# Where torch comes from, if not from pip's own index: on a machine without a GPU, PyTorch's index of CPU builds saves
# some gigabytes (TORCH_INDEX=address).
TORCH_INDEX ?=
# Test workers: one per core up to two; torch inside each keeps to one thread.
TEST_WORKERS ?= 2
ARGS ?=

.PHONY: help setup run login admin test e2e lint types bench screenshots lock clean

help: ## List what can be made
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup: $(VENV)/.development ## Install everything for development into .venv

run: $(VENV)/.site ## Start the site on http://127.0.0.1:8000 until Ctrl-C (PORT=... for another port, DEMO=no without the demo)
	@exec $(BIN)/python -m config.site $(if $(filter no,$(DEMO)),--no-demo)

login: $(VENV)/.site ## Print a link that signs the demo's manager in once (WHO=name for somebody else)
	@$(BIN)/python manage.py one_time_login $(WHO)

admin: $(VENV)/.site ## Create an administrator's account
	@$(BIN)/python manage.py createsuperuser

test: $(VENV)/.development ## Run all tests (ARGS=... goes to pytest)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup $(ARGS)

e2e: $(VENV)/.development ## Run the tests that drive a real browser
	OMP_NUM_THREADS=1 CONCORD_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser $(ARGS)

lint: $(VENV)/.development ## Check style, formatting and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.development ## Check types
	@# The Django plugin loads the settings; nothing is connected to.
	CONCORD_MODE=local DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost \
		$(BIN)/mypy annotation trainingruns config rewardmodel rltrainer

bench: $(VENV)/.development ## Run the benchmarks the README quotes (on an idle machine)
	$(BIN)/python benchmarks/measure.py $(ARGS)

screenshots: $(VENV)/.development ## Take pictures of every page of a running site, to look at
	$(BIN)/python tools/screenshots.py $(ARGS)

lock: ## Write requirements/constraints.txt anew (needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras -o requirements/constraints.txt pyproject.toml

clean: ## Remove caches and .venv; keeps var/, where the data are
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache htmlcov .coverage

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Concord needs Python 3.11 or newer, and none is on the PATH. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; name a newer one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch goes first and alone: an index of its own, left on for all the other packages, would be asked for each of them.
$(VENV)/.torch: $(VENV)/.created requirements/constraints.txt
	$(PIP) install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@touch $@

$(VENV)/.site: $(VENV)/.torch pyproject.toml
	@echo "Installing the site into $(VENV) (a few minutes the first time)"
	$(PIP) install --quiet -c requirements/constraints.txt -e '.[embedded,training]'
	@touch $@

# What tests compare with and cannot live in the environment itself: plain files, some 20 MB, no dependencies.
$(VENV)/.oracles: $(VENV)/.created requirements/oracles.txt
	$(PIP) install --quiet --no-deps --upgrade --target $(VENV)/oracles -r requirements/oracles.txt
	@touch $@

$(VENV)/.development: $(VENV)/.torch $(VENV)/.oracles pyproject.toml
	$(PIP) install --quiet -c requirements/constraints.txt -e '.[embedded,training,dev]'
	@touch $(VENV)/.site $@
