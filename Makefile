# What can be done here: `make demo`, `make run`, `make test`, `make check`, `make bench`, `make soak`.

PYTHON ?= python3
PORT ?= 8000
TENANT_PORT ?= 9000
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo run test check bench soak reference format lock audit sbom release

help:
	@echo "make demo    everything on one machine, for practice: portal, practice tenant, practice people"
	@echo "make run     the portal for real use; prints a one-time link for the first administrator"
	@echo "make test    all tests"
	@echo "make check   linters, types, templates, migrations, deploy check"
	@echo "make bench   sign-ins beside stock mozilla-django-oidc, and the list of a million people; docs/performance.md explains"
	@echo "make audit   known advisories about what Gatehouse runs on; ADVISORIES=FILE for a dump, without a network"
	@echo "make release source archive, bill of materials (CycloneDX) and checksums in dist/; make sbom: the bill alone"
	@echo "make soak    sign-ins while instances are killed and Redis, PostgreSQL and the provider fail"
	@echo "make reference  docs/reference, anew from the code"

$(BIN)/python:
	@command -v '$(PYTHON)' >/dev/null || { \
		echo "$(PYTHON) was not found. Gatehouse needs Python 3.11 or newer. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Gatehouse needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		rm -rf .venv; echo "Python's venv module is incomplete. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

.venv/.runtime: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/.runtime
	@$(BIN)/python -m tests.demo --port='$(PORT)' --tenant-port='$(TENANT_PORT)'

run: .venv/.runtime
	@$(BIN)/python -m portal.environment --port='$(PORT)'
	@$(BIN)/python manage.py run --bind='127.0.0.1:$(PORT)'

test: .venv/.development
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.servers
	@$(BIN)/python -m pytest -q -n 2 $(ARGS)

check: .venv/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ENV_FILE=/dev/null SECRET_KEY=none ENCRYPTION_KEYS= $(BIN)/mypy .
	$(BIN)/djlint templates --check --lint --quiet
	@$(BIN)/python -m tests.environment makemigrations --check --dry-run
	@$(BIN)/python -m tests.environment check --deploy --fail-level WARNING

bench: .venv/.development
	@$(BIN)/python -m bench $(ARGS)

audit: .venv/.development
	@$(BIN)/python -m tests.supply.audit $(if $(ADVISORIES),--advisories '$(ADVISORIES)') $(ARGS)

sbom: .venv/.development
	@$(BIN)/python -m tests.supply.release --bill-only

release: .venv/.development
	@$(BIN)/python -m tests.supply.release

# Private servers on free ports: nginx, PostgreSQL, Redis and the instances themselves.
soak: .venv/.development
	@DATABASE_URL=postgres:// CI=true $(BIN)/python -m tests.servers
	@$(BIN)/python -m tests.soak $(ARGS)

# docs/reference, from the code; a test compares.
reference: .venv/.development
	@$(BIN)/python -m tests.environment reference docs/reference

format: .venv/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint templates --reformat --quiet

# Needs uv. The lock is universal: one file for Python 3.11 to 3.13 on every platform.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --output-file requirements.txt
	uv pip compile pyproject.toml --extra dev --constraint requirements.txt --universal --python-version 3.11 --no-header --output-file requirements-dev.txt
