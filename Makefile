# What a contributor does. `make run` and `make test` need Python 3.11 or newer (with venv) and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Every package comes from a lock file, by hash; what is built (feedgen, and our own) is built with those, too.
LOCKED := install --require-hashes --no-deps --no-build-isolation -r

# Python of a distribution refuses packages from elsewhere (PEP 668), unless it is told to break itself.
define IS_OURS
import os, sys, sysconfig
marked = os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
sys.exit(marked and sys.prefix == sys.base_prefix and "PIP_BREAK_SYSTEM_PACKAGES" not in os.environ)
endef
define NOT_OURS
$(PYTHON) belongs to the system and takes no packages from elsewhere (PEP 668). Nothing was installed. One of these works:
  pipx install .                  the command `aggregator` for you (apt install pipx), or: uv tool install .
  $(PYTHON) -m venv ~/aggregator && make install PYTHON=~/aggregator/bin/python
                                  ~/aggregator/bin/aggregator, with the very packages of the lock file
  make run                        without installing, from this folder
endef
export IS_OURS NOT_OURS

.PHONY: run demo demo-ports test attacks faults postgres cluster soak check coverage mutants bench sbom docs man screenshots lock install clean

run: .venv/runtime aggregator/tag/language.tables
	$(BIN)/aggregator run

# make demo PORT=8090: the daemon's port; the newsroom takes the next one. Looked at before anything is installed.
PORT := 8080
demo: demo-ports .venv/runtime aggregator/tag/language.tables
	$(BIN)/aggregator demo --port $(PORT)

define PORTS_ARE_FREE
import socket, sys
for port in (int(sys.argv[1]), int(sys.argv[1]) + 1):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            sys.exit("port %d can't be used for the demo (%s); choose another: make demo PORT=8090" % (port, error))
endef
export PORTS_ARE_FREE

demo-ports:
	@$(PYTHON) -c "$$PORTS_ARE_FREE" $(PORT)

# Pages in a real browser come last, in one process: the site is made once, and nothing else runs meanwhile that could delay it.
test: .venv/dev
	$(BIN)/pytest -n auto --dist worksteal --ignore=tests/browser
	$(BIN)/pytest tests/browser

# What one hostile feed, page or stranger can try, in full length; `make test` has the short forms.
attacks: .venv/dev
	$(BIN)/pytest tests/attacks --long

# The faults of a year, the long ones included: half an hour.
faults: .venv/dev
	$(BIN)/pytest tests/faults --long

# The store, the chain and the flows on PostgreSQL (`apt-get install postgresql`); `make test` runs the store's and three flows.
postgres: .venv/dev
	$(BIN)/pytest tests/unit/store tests/unit/tag tests/unit/chain -k postgres --long
	FLOW_DATABASE=postgres $(BIN)/pytest tests/flow

# A cluster of six nodes under 200 faults, judged: two hours; cluster ARGS="--rounds 20" for less. Needs the internet beside the project.
cluster: .venv/dev
	$(BIN)/python -m tests.faults.chaos $(ARGS)

# The daemon for half an hour at the pace of a second, judged; soak ARGS="--minutes 120 --feeds 2000 --every 10" for more.
soak: .venv/dev
	$(BIN)/python -m tests.faults.soak $(ARGS)

check: .venv/dev
	$(BIN)/ruff check aggregator tests
	$(BIN)/ruff format --check aggregator tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/uv pip check --quiet
	$(BIN)/python deploy/audit.py requirements.lock requirements-build.lock requirements-extras.lock

# What the tests run, the daemons that they start included.
coverage: .venv/dev
	rm -rf .coverage && mkdir .coverage
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Breaks lines one by one and tells which break no test notices; mutants ARGS='aggregator.dedup.*' for a part. Hours for all; no gate.
mutants: .venv/dev
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

bench: .venv/dev
	$(BIN)/python -m tests.bench

# For use rather than for development: the command in the environment of $(PYTHON), with the locked packages.
install:
	@$(PYTHON) -c "$$IS_OURS" || { echo "$$NOT_OURS" >&2; exit 1; }
	$(PYTHON) -m pip $(LOCKED) requirements-build.lock
	$(PYTHON) -m pip $(LOCKED) requirements.lock
	$(PYTHON) -m pip install --no-deps --no-build-isolation .
	cd / && $(PYTHON) -m aggregator.tag.language_model

# What the runtime is made of, as a CycloneDX document.
sbom: .venv/runtime
	$(BIN)/python deploy/sbom.py requirements.lock

# The documentation as a site with search, in build/docs/site. Fails on a broken link and on a request to another host.
docs: .venv/docs
	rm -rf build/docs
	$(BIN)/python docs/tools/site.py lay-out build/docs/pages
	NO_COLOR=1 $(BIN)/zensical build --clean --strict --config-file zensical.toml
	$(BIN)/python docs/tools/site.py check build/docs/site
	$(BIN)/python docs/tools/man.py build/docs/aggregator.1

# The manual page, from the commands' own help. It is kept in the repository, since the wheel brings it; a test compares.
man: .venv/runtime
	$(BIN)/python docs/tools/man.py docs/man/aggregator.1

# The pictures of the guide, made anew in Chromium of the demo's newsroom. Needs pngquant and optipng.
screenshots: .venv/dev
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "aggregator needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.12 run" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "no virtual environment could be made; on Debian or Ubuntu: apt install python3-venv" >&2; rm -rf .venv; exit 1; }
	@touch $@

.venv/runtime: .venv/python requirements.lock requirements-build.lock pyproject.toml
	$(PIP) $(LOCKED) requirements-build.lock
	$(PIP) $(LOCKED) requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# What tells languages, as it is looked up: made once, because each start would take a second for it.
aggregator/tag/language.tables: .venv/runtime aggregator/tag/language_model.py aggregator/tag/language_tables.py
	$(BIN)/python -m aggregator.tag.language_model

.venv/dev: .venv/runtime aggregator/tag/language.tables requirements-dev.lock
	$(PIP) $(LOCKED) requirements-dev.lock
	@touch $@

# What builds the documentation; its versions agree with those of .venv/dev, so both can be in one environment.
.venv/docs: .venv/runtime requirements-docs.lock
	$(PIP) $(LOCKED) requirements-docs.lock
	@touch $@

# Lock files carry hashes and no addresses of registries.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
lock: .venv/dev
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) pyproject.toml --all-extras --constraint requirements.lock --constraint requirements-build.lock \
	  --output-file requirements-extras.lock
	$(COMPILE) pyproject.toml --all-extras --group dev --constraint requirements-extras.lock --constraint requirements-build.lock \
	  --output-file requirements-dev.lock
	$(COMPILE) --group docs --constraint requirements-dev.lock --output-file requirements-docs.lock

# Leaves data/, with the database and the published feeds.
clean:
	rm -rf .venv build dist mutants *.egg-info aggregator/tag/language.tables \
	  .coverage .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find aggregator tests docs deploy -name __pycache__ -prune -exec rm -rf {} +
