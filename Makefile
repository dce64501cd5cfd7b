# Everything one types here. The machine needs python3 (3.11+), python3-venv and make.
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint fix bench shots lighthouse audit sbom pins python

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: python ## start the panel on http://127.0.0.1:8000 (PANEL_… settings: docs/settings.md)
	@$(PYTHON) -I app/bootstrap.py requirements.txt
	@.venv/bin/python -m app.launch

test: python ## set up what the tests need and run them all (ARGS="tests/ledger -x" for some)
	@$(PYTHON) -I tests/packages.py
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

lint: python ## style, types and the rules between rooms
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

fix: python ## let ruff repair what it can
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: python ## measure, JSON lines on standard output (SIZE=100k|1M|10M DB=sqlite|mariadb|postgresql)
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m tests.bench

shots: python ## pictures of every screen into docs/images/screens/
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m tests.browser.shots

lighthouse: python ## judge every screen (RUNS=5; needs npm install --prefix /tmp/lh lighthouse@13.5.0)
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m tests.browser.lighthouse

texts: python ## gather the texts of all screens for translators (app/translations/messages.pot)
	@$(PYTHON) -I app/bootstrap.py requirements.txt
	@.venv/bin/python -I tests/texts.py

audit: python ## ask whether a pinned package is known to be vulnerable (0 none, 1 some, 2 unknown)
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m tests.audit $(ARGS)

sbom: python ## write what the panel runs on as CycloneDX JSON (ARGS=file; var/sbom.json)
	@$(PYTHON) -I app/bootstrap.py requirements.txt tests/requirements.txt
	@.venv/bin/python -m tests.sbom $(ARGS)

pins: python ## write both requirement files anew with the newest versions that fit
	@$(PYTHON) -I app/bootstrap.py requirements.txt
	@.venv/bin/python -I tests/pins.py

python:
	@command -v $(PYTHON) >/dev/null || \
	{ echo "Python 3.11+ is missing. Install it with: apt-get install python3 python3-venv" >&2; exit 1; }
