# Everything starts here; `make help` lists it. Each target installs what it needs into .venv first.
PORT ?=
ARGS ?=
URL ?=
DOCS ?=
IMAGE ?= mock-flow-service
# Not the scripts beside it: those stop working when the checkout moves.
PYTHON_M := .venv/bin/python -m

# Where containers set it, every start would compile the whole program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: FORCE pictures dist lint release-check docs reference fidelity drift fuzz audit sbom run test coverage install check format contract broken wire-mutants clients bench peers edge mutation torture image lock clean help

run: .venv/.run ## start the server (PORT=8090, ARGS="--strict ...")
	@echo 'The command for everything else: .venv/bin/mockserver --help   (or: . .venv/bin/activate)' >&2
	@exec $(PYTHON_M) mockserver serve $(if $(PORT),--port $(PORT)) $(ARGS)

# Clients and linters of others come from package indexes, once. CLIENTS=no does without them and their tests; they are
# not installed either for chosen folders that have no such tests.
OTHERS = tests/clients% tests/intercept% tests/publishing%
WITH_OTHERS = $(if $(filter tests/%,$(ARGS)),$(filter $(OTHERS),$(ARGS)),yes)
test: .venv/.test $(if $(filter no,$(CLIENTS)),,$(if $(WITH_OTHERS),.venv-clients/.clients build/lint/.installed)) ## run every test (ARGS="-n 0 -k etag", CLIENTS=no)
	@$(PYTHON_M) pytest -q -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: .venv/.test ## run every test with coverage; list lines that no test reaches, and fail below the target
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(PYTHON_M) coverage run -m pytest -q -n auto $(ARGS); tests=$$?; \
	$(PYTHON_M) coverage combine -q && $(PYTHON_M) coverage report && exit $$tests

install: .venv/.run .venv/.test ## make .venv with everything the other targets need

check: .venv/.test ## check lint, format, types, the structure of the code, and, with a network, known vulnerabilities
	$(PYTHON_M) ruff check --quiet .
	$(PYTHON_M) ruff format --check --quiet --diff .
	$(PYTHON_M) mypy
	$(PYTHON_M) pytest -q tests/test_architecture.py tests/test_repository.py tests/test_names.py
	@collected=$$($(PYTHON_M) pytest --collect-only -qq 2>&1) || { echo "$$collected"; exit 1; }
	@AUDIT="$(AUDIT)" sh requirements/audit.sh

format: .venv/.test ## rewrite the code as `make check` wants it
	$(PYTHON_M) ruff check --quiet --fix .
	$(PYTHON_M) ruff format --quiet .

contract: .venv/.test ## run the contract suite against any server (URL=https://..., ARGS="--header ...")
	@test -n "$(URL)" || { echo 'Say which server: make contract URL=http://127.0.0.1:8080' >&2; exit 2; }
	@$(PYTHON_M) mockserver contract $(URL) $(ARGS)

clients: .venv/.test .venv-clients/.orval ## run Adobe's own Python client, aepp, and judge it; seven generated ones; Redocly and Prism
	@$(PYTHON_M) mockserver exec $(ARGS) -- .venv-clients/bin/python contracts/clients/programs/with_aepp.py
	@GENERATORS=all $(PYTHON_M) pytest -q -n 0 tests/clients/test_generated_clients.py \
		tests/clients/test_tools_that_read_the_contract.py

broken: .venv/.test ## prove the suite: every faulty server is caught, the correct one passes with ten seeds (ARGS="--seeds 3")
	@$(PYTHON_M) contracts.broken $(ARGS)

pictures: .venv/.test ## take the pictures of docs/console.md from a seeded server (needs chromium)
	@$(PYTHON_M) tests.pictures

fidelity: .venv/.test ## replay every documented and recorded sample; write docs/fidelity.md
	@$(PYTHON_M) mockserver fidelity --write . $(ARGS)

drift: .venv/.test ## compare Adobe's OpenAPI documents with those this was made from (DOCS=folder)
	@test -n "$(DOCS)" || { echo 'Say where the documents are: make drift DOCS=folder' >&2; exit 2; }
	@$(PYTHON_M) mockserver drift $(DOCS) $(ARGS)

wire-mutants: .venv/.test ## prove the suite by thousands of small faults on the wire (ARGS="--sample 100", "--only etag")
	@$(PYTHON_M) contracts.mutants $(ARGS)

bench: .venv/.test ## measure the server against a bare Flask application and other tools (ARGS="--quick --json out.json")
	@$(PYTHON_M) bench $(ARGS)

peers: build/peers/pip/.installed build/peers/npm/.installed ## install the tools that `make bench` measures beside ours, into build/peers (800 MB)

build/peers/pip/.installed: requirements/peers.txt | .venv/.test
	@echo "Installing the tools of the Python index into build/peers ..." >&2
	@$(PYTHON_M) venv --clear build/peers/pip
	@build/peers/pip/bin/python -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

# Some need Java to run; `make bench` leaves out those that lack their program.
build/peers/npm/.installed: requirements/peers/package-lock.json
	@command -v npm >/dev/null || { echo 'No npm here: the tools of npm cannot be installed.' >&2; exit 1; }
	@echo "Installing the tools of npm into build/peers ..." >&2
	@mkdir -p build/peers/npm && cp requirements/peers/*.json build/peers/npm
	@npm ci --prefix build/peers/npm --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# Apart from .venv, for the same reason as below.
EDGE := build/edge/bin/python -m
build/edge/.installed: requirements/edge.txt requirements/run.txt | .venv/.test
	@echo "Installing the HTTP servers to compare into build/edge ..." >&2
	@$(PYTHON_M) venv --clear build/edge
	@$(EDGE) pip --disable-pip-version-check --no-input -qq install --require-hashes -r $< -r requirements/run.txt
	@touch $@

edge: build/edge/.installed ## compare HTTP servers: speed, and what slow and hostile clients do to them (ARGS="--rounds 1")
	@$(EDGE) bench.edge --timeouts $(ARGS)

torture: .venv/.test ## run the long tests of kills, races, full disks and cut connections (ARGS="--short" or names)
	@$(PYTHON_M) tests.torture $(ARGS)

mutation: .venv/.test build/mutation/.installed ## put small faults into the code and count how many its tests notice (ARGS="listing")
	@$(PYTHON_M) tests.mutation $(ARGS)

build/mutation/.installed: requirements/mutation.txt | .venv/.test
	@$(PYTHON_M) venv --clear build/mutation
	@build/mutation/bin/python -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

fuzz: .venv/.test ## fuzz parsers and requests (ARGS="--seconds 600 patch http")
	@$(PYTHON_M) tests.fuzz $(ARGS)

# Tools of their own environment: what they bring along would change what the server imports.
AUDITING := build/audit/bin/python -m
build/audit/.installed: requirements/audit.txt | .venv/.test
	@$(PYTHON_M) venv --clear build/audit
	@$(AUDITING) pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

reference: .venv/.test ## write docs/reference from the tables of rules, scenarios and faults
	@$(PYTHON_M) docs.site --reference

docs: .venv/.test build/docs-venv/.installed ## build the documentation as a site into build/site (ARGS="--serve" serves it)
	@$(PYTHON_M) docs.site $(ARGS)

build/docs-venv/.installed: requirements/docs.txt | .venv/.test
	@$(PYTHON_M) venv --clear build/docs-venv
	@build/docs-venv/bin/python -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

audit: build/audit/.installed ## ask the vulnerability service about every pinned package (needs a network)
	@$(AUDITING) pip_audit --strict --vulnerability-service osv --disable-pip --require-hashes $(foreach file,image test build,-r requirements/$(file).txt)

sbom: build/audit/.installed ## write build/sbom.json: the packages of the server with their licences, as CycloneDX
	@$(AUDITING) venv --clear --without-pip build/sbom # licences stand in what is installed: nothing but the server here
	@$(AUDITING) pip --python build/sbom/bin/python install --quiet --no-deps --require-hashes -r requirements/run.txt
	@$(AUDITING) cyclonedx_py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.json \
		build/sbom/bin/python && echo build/sbom.json

# Of their own environment too: linters of others, and twine.
LINTING := build/lint/bin/python -m
build/lint/.installed: requirements/lint.txt | .venv/.test
	@echo "Installing linters into build/lint (about 20 s) ..." >&2
	@$(PYTHON_M) venv --clear build/lint
	@$(LINTING) pip --disable-pip-version-check --no-input -qq install --require-hashes -r $<
	@touch $@

lint: .venv/.test build/lint/.installed ## lint workflows, jobs, action, Dockerfile, compositions and spelling
	@$(PYTHON_M) pytest -q -n 0 --no-skips tests/publishing/test_linters.py

dist: .venv/.test build/lint/.installed ## build and check the wheel and the source archive, into build/dist
	@rm -rf build/dist && $(PYTHON_M) hatchling build -d build/dist
	@$(LINTING) twine check --strict build/dist/*

release-check: ## check that TAG is the version, and that the changelog describes it (TAG=v0.1.0)
	@version=$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' mockserver/__init__.py); \
	[ "$$TAG" = "v$$version" ] || { echo "The tag is '$$TAG', the version is $$version." >&2; exit 1; }; \
	grep -qF "## [$$version]" CHANGELOG.md || { echo "CHANGELOG.md has no section for $$version." >&2; exit 1; }

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' mockserver/__init__.py)
# The default format of podman has no HEALTHCHECK.
image: ## build the container image (IMAGE=mock-flow-service)
	@engine=$$(command -v docker || command -v podman) || { echo 'No docker or podman here.' >&2; exit 1; }; \
	case $$engine in *podman) form="--format docker" ;; esac; \
	"$$engine" build $$form -t $(IMAGE) -t $(IMAGE):$(VERSION) .

# Hashes cover every platform and carry no host name. The package index is the one that pip is set to use.
LOCK = index=$${PIP_INDEX_URL:-$$($(PYTHON_M) pip config get global.index-url 2>/dev/null)}; \
	UV_DEFAULT_INDEX="$${index:-$${UV_DEFAULT_INDEX:-}}" UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 \
	$(PYTHON_M) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-header --annotation-style line

lock: .venv/.lock ## resolve requirements/*.txt again from pyproject.toml (ARGS="--upgrade")
	@$(LOCK) $(ARGS) --extra dev -o requirements/test.txt pyproject.toml
	@$(LOCK) -c requirements/test.txt -o requirements/run.txt pyproject.toml
	@$(LOCK) -c requirements/test.txt --extra postgres -o requirements/image.txt pyproject.toml
	@$(LOCK) $(ARGS) -c requirements/test.txt -o requirements/build.txt --group build
	@$(LOCK) $(ARGS) -c requirements/test.txt --excludes requirements/clients-without.txt \
		-o requirements/clients.txt --group clients
	@$(LOCK) $(ARGS) -c requirements/test.txt -c requirements/clients.txt -o requirements/generators.txt --group generators
	@$(LOCK) $(ARGS) -c requirements/test.txt -o requirements/mutation.txt --group mutation
	@$(LOCK) $(ARGS) -o requirements/audit.txt --group audit
	@$(LOCK) $(ARGS) -o requirements/docs.txt --group docs
	@$(LOCK) $(ARGS) -o requirements/lint.txt --group lint
	@$(LOCK) $(ARGS) -c requirements/test.txt -o requirements/edge.txt --group edge
	@$(LOCK) $(ARGS) -o requirements/peers.txt --group peers
	@$(LOCK) $(ARGS) -o requirements/lock.txt --group lock
	@for folder in requirements requirements/orval requirements/peers; do npm install --prefix $$folder --package-lock-only --ignore-scripts \
		--omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error || exit; done

clean: ## remove .venv, caches, builds and reports
	rm -rf .venv .venv-clients .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov build dist flow-report contract-report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.run .venv/.test .venv/.lock: .venv/.%: FORCE
	@PYTHON="$(PYTHON)" sh requirements/install.sh $*

# Apart from .venv: what others' clients bring along would change what the server imports.
.venv-clients/.clients: .venv/.test FORCE
	@PYTHON="$(PYTHON)" sh requirements/install.sh clients

.venv-clients/.orval: .venv-clients/.clients FORCE
	@PYTHON="$(PYTHON)" sh requirements/install.sh orval

FORCE:
