# Chatledger: everything a person or a machine does here, by name. `make` lists it.
#
# It needs Python 3.11 or newer with pip, and git. The rest is fetched once, locked by hash, into
# .venv and .tools; after that every target but `lock` works without a network.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

# Everything that is fetched stays in this folder, and nothing of this person's settings leaks in.
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export UV_NO_CONFIG := 1
export UV_PYTHON_DOWNLOADS := never
export PYTHONNOUSERSITE := 1
export SAM_CLI_TELEMETRY := 0
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV UV_PROJECT_ENVIRONMENT

UV := .tools/uv/bin/uv
DEV := .venv/.stamp
ENGINE := .tools/engine/.stamp
SAM := .tools/sam/.stamp
CHECKOV := .tools/checkov/.stamp
LAYER := .tools/layer/.stamp
BIN := .venv/bin

# Of each layer, by the group in uv.lock that it carries.
REQUIREMENTS_layer := layers/chatledger/requirements.txt
REQUIREMENTS_parquet := layers/chatledger/requirements-parquet.txt
EXPORT_LAYER = $(UV) export --quiet --locked --offline --no-annotate --no-header --only-group

##@ Use it
.PHONY: run
run: $(DEV) $(ENGINE) $(LAYER) ## Start Chatledger here, with sample conversations; Ctrl-C stops it and keeps the data
	@exec $(BIN)/python -m local.run

##@ Check it
.PHONY: test
test: lint unit functional e2e ## Every check and every test, as the continuous integration runs them

.PHONY: lint
lint: lint-python lint-lock lint-template ## Style, types, locked versions, the template

.PHONY: lint-python
lint-python: $(DEV)
	$(BIN)/ruff check --quiet --output-format=concise
	$(BIN)/ruff format --check --quiet
	$(BIN)/basedpyright --level error

.PHONY: lint-lock
lint-lock: $(DEV)
	$(UV) lock --check --offline --quiet
	@! grep -oE '(https?|file)://[^/"]*' uv.lock | grep -vxE 'https://(pypi\.org|files\.pythonhosted\.org)' \
		|| { echo 'uv.lock names another index than the public one: make lock' >&2; exit 1; }
	@diff <($(EXPORT_LAYER) layer) $(REQUIREMENTS_layer) && diff <($(EXPORT_LAYER) parquet) $(REQUIREMENTS_parquet) \
		|| { echo 'The requirements of a layer are not what uv.lock says: make lock' >&2; exit 1; }

.PHONY: lint-template
lint-template: $(DEV) $(SAM) $(CHECKOV)
	$(BIN)/cfn-lint template.yaml
	.tools/sam/bin/sam validate --lint --region us-east-1 --template template.yaml
	.tools/checkov/bin/checkov --file template.yaml --framework cloudformation --quiet --compact --skip-download

.PHONY: unit
unit: $(DEV) ## Tests of single modules, without any AWS
	$(BIN)/pytest -n auto tests/unit tests/privacy tests/model tests/machine

.PHONY: functional
functional: $(DEV) ## Tests of whole functions, against AWS in memory
	$(BIN)/pytest -n auto tests/functional

.PHONY: soak
soak: $(DEV) $(ENGINE) $(LAYER) ## A quarter of an hour and both cores: RUNS=5000 of the state machine, a minute of load
	PYTHONPATH=layers/chatledger $(BIN)/python -m tests.machine.soak $(or $(RUNS),5000) 2
	SOAK_SECONDS=60 $(BIN)/pytest tests/e2e/test_clear_under_load.py tests/e2e/test_readers_beside_writers.py

.PHONY: faults
faults: $(DEV) ## Every fault at every call of every operation; writes the table of docs/reliability.md
	FAULTS_EVERY=1 FAULTS_PAGE=1 $(BIN)/pytest tests/functional/faults -n 0

.PHONY: e2e
e2e: $(DEV) $(ENGINE) $(LAYER) ## Tests of the template, deployed to the local engine with its policies enforced
	$(BIN)/pytest tests/e2e

##@ Deploy it
.PHONY: build
build: $(SAM) ## Build the functions and the layers for AWS; then: .tools/sam/bin/sam deploy
	PYTHON="$$(local/find_python.sh)" .tools/sam/bin/sam build --cached

##@ Work on it
.PHONY: setup
setup: $(DEV) ## Make the development environment, .venv

.PHONY: format
format: $(DEV) ## Let ruff repair and format the code
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

.PHONY: lock
lock: $(UV) ## Bring uv.lock and the layers' requirements up to pyproject.toml
	$(UV) lock --default-index https://pypi.org/simple --python "$$(local/find_python.sh)"
	$(EXPORT_LAYER) layer > $(REQUIREMENTS_layer)
	$(EXPORT_LAYER) parquet > $(REQUIREMENTS_parquet)

.PHONY: clean
clean: ## Remove what was made here; the local run's data stays
	rm -rf .venv .tools .aws-sam .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Show this
	@awk -f local/help.awk $(firstword $(MAKEFILE_LIST))

# --- What the targets above stand on -----------------------------------------------------------------

# pip's --target needs no venv module and works where the system's Python is "externally managed".
$(UV): uv.txt
	@echo 'Fetching uv …'
	@rm -rf .tools/uv
	@"$$(local/find_python.sh)" -m pip install -qq --disable-pip-version-check \
		--require-hashes --target .tools/uv -r uv.txt
	@touch $@

# One lock file, four environments: tools that insist on versions of their own stay apart, and the
# engine's packages cannot hide one that is missing in the layer. .venv gets this project as well: the
# command `chatledger`, as it stands in cli/.
define environment
$(1)/.stamp: $(UV) uv.lock pyproject.toml
	@echo 'Making $(1) …'
	@UV_PROJECT_ENVIRONMENT=$(1) $(UV) sync --quiet --locked $(2) --python "$$$$(local/find_python.sh)"
	@touch $$@
endef
$(eval $(call environment,.venv,--group dev))
$(eval $(call environment,.tools/engine,--only-group engine))
$(eval $(call environment,.tools/sam,--only-group sam))
$(eval $(call environment,.tools/checkov,--only-group checkov))

# The layers for this machine, unpacked once: what the local engine's functions import.
UNPACK_LAYER = $(UV) pip install --quiet --python .tools/engine/bin/python \
	--require-hashes --no-deps --compile-bytecode
$(LAYER): $(ENGINE) $(REQUIREMENTS_layer) $(REQUIREMENTS_parquet)
	@rm -rf .tools/layer
	@$(UNPACK_LAYER) --target .tools/layer/chatledger --requirements $(REQUIREMENTS_layer)
	@$(UNPACK_LAYER) --target .tools/layer/parquet --requirements $(REQUIREMENTS_parquet)
	@touch $@
