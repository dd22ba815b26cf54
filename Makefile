# 'make' alone lists the targets. CI calls the same ones.

PYTHON       ?=
SERVICE_PORT ?= 8000
APP_PORT     ?= 8090
PHOTOS       ?= ../shared/data/photos

# Libraries in the environments below are compiled once, and not in each of the hundreds of programs that tests start.
unexport PYTHONDONTWRITEBYTECODE

# Environments, each exactly what its locks say: what runs, what checks and tests without training, and everything.
RUN   := .venv
CHECK := build/check
DEV   := build/dev

MODEL   := models/muffin-v-chihuahua
BUNDLE  := $(MODEL)/bundle
SERVICE := $(DEV)/bin/muffin-v-chihuahua-ml-service

# A line with its seconds and megabytes for a step; its own words where it fails.
STEP  = @"$$(cat build/python)" tools/step.py
PORTS = --service-port $(SERVICE_PORT) --page-port $(APP_PORT)

# Folders too: theirs is the date that changes when a file is deleted.
sources = $(shell find $(1) -not -path '*/__pycache__*' -not -path '*/.*')

.DEFAULT_GOAL := help
.PHONY: help demo ports test test-serving check audit bench bench-demo bench-page wheels images up down model suspects schema words drawings screenshots imagenet imagenet-bundle inception-bundle evaluate locks clean FORCE

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

demo: ports $(RUN)/.wheels ## Run both services from nothing; Ctrl-C stops both
	@$(RUN)/bin/python tools/demo.py run $(PORTS)

ports: build/python
	@"$$(cat build/python)" tools/demo.py ports $(PORTS)

test: $(DEV)/.wheels $(DEV)/.model ## Test the installed wheels; PHOTOS_DIR=… adds the tests on photographs
	$(DEV)/bin/pytest $(or $(ARGS),$(ALL) $(if $(CI),--cov --cov-report=term:skip-covered))

test-serving: $(CHECK)/.wheels ## The same without TensorFlow and what needs it, which installs half as much
	$(CHECK)/bin/pytest $(or $(ARGS),$(ALL) --without tensorflow)
# In CI one process measures coverage as well, and a test that is left out for want of a tool is a failure: what may
# be missing stands in tests/left_out.py.
ALL := $(if $(CI),--no-skips,--numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder)

check: $(CHECK)/.locked ## ruff, mypy --strict, import-linter, hadolint
	$(CHECK)/bin/ruff check
	$(CHECK)/bin/ruff format --check
	$(CHECK)/bin/mypy frontend/src frontend/screenshots.py ml_service/src tests benchmarks tools
	MYPYPATH=$(MODEL)/drawings $(CHECK)/bin/mypy $(MODEL)/drawings
	PYTHONPATH=frontend/src:ml_service/src $(CHECK)/bin/lint-imports
	$(CHECK)/bin/hadolint app-dockerfile ml-web-service-dockerfile

bench: $(RUN)/.wheels build/bench/ours/.installed build/bench/plain/.installed build/bench/litserve/.installed ## Measure the service beside two others: a quarter of an hour; ARGS=--quick, ARGS="--only soak"
	$(RUN)/bin/python -m benchmarks.run --photos $(PHOTOS) $(ARGS)

bench-demo: $(RUN)/.wheels ## Measure `make demo` in a fresh clone beside another commit's: ARGS="--against COMMIT"
	$(RUN)/bin/python -m benchmarks.front_door $(ARGS)

bench-page: $(CHECK)/.wheels ## Measure 200 pictures on the page beside the command line, and the page's memory
	$(CHECK)/bin/python -m benchmarks.page --photos $(PHOTOS) $(ARGS)

wheels: dist/.frontend dist/.service dist/.model ## Build the three wheels into dist/

images: ## Build both container images
	docker compose build

up: ## Start both containers and wait until they are healthy
	docker compose up --detach --wait

down: ## Stop and remove both containers
	docker compose down

evaluate: $(DEV)/.wheels ## Measure the model on the test split of PHOTOS, a folder with full/ and thumbnails/
	$(SERVICE) evaluate $(BUNDLE) $(PHOTOS)/full $(PHOTOS)/thumbnails --between chihuahua muffin --out build/evaluation

model: $(DEV)/.wheels build/imagenet.keras build/drawings build/golden build/outside ## Train the default model again from PHOTOS and drawings
	$(SERVICE) train $(PHOTOS)/full $(PHOTOS)/thumbnails build/drawings --config $(MODEL)/training.yaml --out build/source --work build/training
	$(SERVICE) build build/source --out $(BUNDLE) --engine onnxruntime --engine openvino
	$(SERVICE) evaluate $(BUNDLE) $(PHOTOS)/full $(PHOTOS)/thumbnails --between chihuahua muffin --corrections $(MODEL)/corrections.csv --out build/evaluation
	mkdir -p $(MODEL)/evaluation
	cp build/evaluation/confusion.png build/evaluation/reliability.png build/evaluation/coverage.png $(MODEL)/evaluation # the mistakes are photographs

suspects: $(DEV)/.wheels build/imagenet.keras build/drawings build/golden ## List the pictures of PHOTOS whose label is probably wrong
	$(SERVICE) suspects $(PHOTOS)/full $(PHOTOS)/thumbnails build/drawings --config $(MODEL)/training.yaml --out build/suspects.csv --work build/training

drawings: $(CHECK)/.locked ## Draw the gallery's pictures again
	$(CHECK)/bin/python $(MODEL)/drawings gallery --out frontend/src/muffin_v_chihuahua/pictures

screenshots: $(CHECK)/.wheels ## Take a picture of every page, and those in the READMEs; ARGS="--at URL" of a running one
	$(CHECK)/bin/python -m frontend.screenshots $(ARGS)

imagenet: build/imagenet.keras ## Bring the ImageNet weights into Keras and measure them on PHOTOS/full/other

imagenet-bundle: build/imagenet-efficientnet-lite0/model.json ## Build a bundle of that network with its 1000 classes

inception-bundle: build/imagenet-inception-v3/model.json ## Download Inception v3, which the original demo served, and build its bundle

schema: $(CHECK)/.locked ## Write the JSON schema of a bundle's manifest again
	PYTHONPATH=ml_service/src $(CHECK)/bin/python -c 'import json; from muffin_v_chihuahua_ml_service.model.bundle import manifest_schema; print(json.dumps(manifest_schema(), indent=2))' \
		> ml_service/src/muffin_v_chihuahua_ml_service/model/model.schema.json

# A catalogue keeps its own header: Babel drops it or makes thirteen lines of it.
words: $(CHECK)/.locked ## Write the pages' new words into their catalogues, to be translated there
	$(CHECK)/bin/pybabel -q extract -k tr -k mark -k tr_n:1,2 --no-location --omit-header -o build/pages.pot frontend/src/muffin_v_chihuahua
	for language in $(patsubst %.po,%,$(notdir $(wildcard $(WORDS)/*.po))); do \
		po=$(WORDS)/$$language.po; sed '/^$$/q' $$po > build/$$language.po && \
		$(CHECK)/bin/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header --width 110 -l $$language -i build/pages.pot -o $$po && \
		cat $$po >> build/$$language.po && mv build/$$language.po $$po || exit 1; \
	done
WORDS := frontend/src/muffin_v_chihuahua/locales

locks: build/uv/.installed ## Resolve the dependencies again and write requirements/*.txt
	$(LOCK) --upgrade -o requirements/dev.txt --extra tensorflow --extra onnxruntime --extra mlflow $(SERVED) requirements/dev.in frontend/pyproject.toml
	$(PART) -o requirements/check.txt --extra onnxruntime --extra mlflow $(SERVED) requirements/dev.in frontend/pyproject.toml
	$(PART) -o requirements/service.txt $(SERVED)
	$(PART) -o requirements/service-tensorflow.txt --extra tensorflow --extra onnxruntime ml_service/pyproject.toml
	$(PART) -o requirements/app.txt frontend/pyproject.toml
	$(PART) -o requirements/build.txt requirements/build.in
	$(LOCK) --upgrade -o requirements/installer.txt requirements/installer.in
	$(LOCK) --upgrade -o requirements/audit.txt requirements/audit.in
LOCK := tools/uv pip compile --quiet --constraint requirements/constraints.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make locks'
# What runs is what is tested: every other lock is a part of the largest.
PART := $(LOCK) --constraint requirements/dev.txt --no-annotate
SERVED := --extra s3 --extra otel --extra postgresql ml_service/pyproject.toml

audit: build/audit/.locked ## Look up what is known against the locks, and against the oldest versions that the wheels allow
	@rm -rf build/floors && mkdir -p build/floors # uv keeps to the versions of a file that it finds
	@$(FLOORS) -o build/floors/service.txt --all-extras ml_service/pyproject.toml
	@$(FLOORS) -o build/floors/app.txt frontend/pyproject.toml
	@tools/audit requirements/*.txt build/floors/*.txt
FLOORS := tools/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 --generate-hashes --no-annotate

clean: ## Remove everything that make made
	rm -rf $(RUN) build dist .coverage* tests/e2e/node_modules
	find . -path ./.git -prune -o \( -name __pycache__ -o -name '.*_cache' \) -prune -exec rm -rf {} +

# --- what the targets are made of ---------------------------------------------------------------------------------

# The Python of all environments: the one that is named, else the one that was found before, else the newest.
build/python: FORCE
	@mkdir -p build
	@if [ -n "$(PYTHON)" ]; then tools/find-python "$(PYTHON)"; else \
		tools/find-python "$$(cat $@ 2>/dev/null || echo none)" 2>/dev/null || tools/find-python; fi > $@.found
	@if cmp -s $@.found $@; then rm $@.found; else mv $@.found $@; fi

# pip before 23.3 takes the newest version of what is asked for with an extra, whatever a lock says, and then refuses
# it: uv needs nothing, so any pip can install it, and it installs everything else.
build/uv/.installed: requirements/installer.txt build/python
	$(STEP) --into build/uv "Installing uv, which installs the rest" sh -ec '"$$(cat build/python)" -m venv --clear build/uv; \
		build/uv/bin/python -m pip install --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: --require-hashes -r $<'
	@touch $@

$(RUN)/.locked: requirements/service.txt requirements/app.txt
$(CHECK)/.locked: requirements/check.txt
$(DEV)/.locked: requirements/dev.txt
build/audit/.locked: requirements/audit.txt
build/audit/.locked: WHAT := what looks locks up
$(RUN)/.locked: WHAT := what the service and the page need
$(CHECK)/.locked: WHAT := what checks and tests need
$(DEV)/.locked: WHAT := what tests and training need
%/.locked: build/uv/.installed
	$(STEP) --into $* "Installing $(WHAT)" sh -ec 'tools/uv venv --clear --python "$$(cat build/python)" $*; \
		tools/uv pip sync --python $* --require-hashes $(filter %.txt,$^)'
	@touch $@

# Wheels are zip files: with a fixed date, the same sources give the same bytes.
dist/.%: build/uv/.installed
	@mkdir -p dist
	@rm -f $(WHEEL)
	$(STEP) "Building the wheel of $(WHAT)" env SOURCE_DATE_EPOCH=1735689600 tools/uv build --wheel --out-dir dist \
		--python "$$(cat build/python)" --build-constraints requirements/build.txt --require-hashes $(PROJECT)
	@touch $@

dist/.frontend: PROJECT := ./frontend
dist/.frontend: WHAT := the page
dist/.frontend: WHEEL := dist/muffin_v_chihuahua_model_as_a_service-*.whl
dist/.frontend: $(call sources,frontend)

dist/.service: PROJECT := ./ml_service
dist/.service: WHAT := the service
dist/.service: WHEEL := dist/muffin_v_chihuahua_ml_service-*.whl
dist/.service: $(call sources,ml_service)

dist/.model: $(wildcard $(BUNDLE)/* $(BUNDLE)/golden/*) $(DEV)/.wheels
	@rm -f dist/muffin_v_chihuahua_model-*.whl dist/muffin-v-chihuahua-*.zip
	$(STEP) "Building the wheel of the model" $(SERVICE) package $(BUNDLE) --out dist
	@touch $@

%/.wheels: %/.locked dist/.frontend dist/.service
	$(STEP) "Installing both wheels" tools/uv pip install --python $* --no-deps --reinstall \
		dist/muffin_v_chihuahua_model_as_a_service-*.whl dist/muffin_v_chihuahua_ml_service-*.whl
	@touch $@

%/.model: %/.wheels dist/.model
	$(STEP) "Installing the model's wheel" tools/uv pip install --python $* --no-deps --reinstall dist/muffin_v_chihuahua_model-*.whl
	@touch $@

build/imagenet-%/model.json: models/imagenet-%/recipe.yaml | $(DEV)/.wheels
	$(SERVICE) build models/imagenet-$* --out build/imagenet-$*
	touch $@

build/imagenet-efficientnet-lite0/model.json: build/imagenet.keras

build/convert/.locked: requirements/service-tensorflow.txt
build/convert/.locked: WHAT := what converts weights
build/convert/.torch: build/convert/.locked dist/.service
	$(STEP) --into build/convert "Installing torch" tools/uv pip install --python build/convert --group ml_service/pyproject.toml:convert dist/muffin_v_chihuahua_ml_service-*.whl
	@touch $@

build/imagenet.keras: | build/convert/.torch
	build/convert/bin/muffin-v-chihuahua-ml-service import-imagenet $@ $(if $(wildcard $(PHOTOS)/full/other),--check $(PHOTOS)/full/other)

# Our service as a user installs it, from the wheel and its hashed lock.
build/bench/ours/.locked: requirements/service.txt
build/bench/ours/.locked: WHAT := the service
build/bench/ours/.installed: build/bench/ours/.locked dist/.service
	$(STEP) "Installing the service's wheel" tools/uv pip install --python build/bench/ours --no-deps --reinstall dist/muffin_v_chihuahua_ml_service-*.whl
	@touch $@

build/bench/%/.installed: benchmarks/peers/%/requirements.txt build/uv/.installed
	$(STEP) --into build/bench/$* "Installing $*" sh -ec 'tools/uv venv --clear --python "$$(cat build/python)" build/bench/$*; \
		tools/uv pip install --python build/bench/$* -r $<'
	@touch $@

build/drawings: | $(DEV)/.locked
	$(DEV)/bin/python $(MODEL)/drawings dataset --out $@ --count 400 --seed 1

build/outside: | $(DEV)/.wheels
	$(DEV)/bin/python $(MODEL)/drawings far --out $@/far
	$(DEV)/bin/python $(MODEL)/near_pictures.py $(PHOTOS) $@/near

build/golden: | $(DEV)/.locked
	$(DEV)/bin/python $(MODEL)/drawings dataset --out $@ --count 2 --seed 2
