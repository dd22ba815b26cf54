# 'make' alone lists the targets. CI calls the same ones.

PYTHON       ?= python3.11
SERVICE_PORT ?= 8000
APP_PORT     ?= 8090
PHOTOS       ?= ../shared/data/photos

VENV    := .venv
BIN     := $(VENV)/bin
SERVICE := $(BIN)/muffin-v-chihuahua-ml-service
APP     := $(BIN)/muffin-v-chihuahua-model-as-a-service
MODEL   := models/muffin-v-chihuahua

# TensorFlow says a page about processors on every start; errors are still shown.
export TF_CPP_MIN_LOG_LEVEL := 3

# Folders too: theirs is the date that changes when a file is deleted.
sources = $(shell find $(1) -not -path '*/__pycache__*' -not -path '*/.*')
# Wheels are zip files: with a fixed date, the same sources give the same bytes.
wheel = SOURCE_DATE_EPOCH=1735689600 $(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist $(1)
install = $(BIN)/python -m pip install -q --no-deps --force-reinstall $(1)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-page wheels images up down model suspects schema words drawings screenshots imagenet imagenet-bundle inception-bundle evaluate locks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

demo: $(VENV)/.frontend $(VENV)/.service build/model/model.json ## Run both services from nothing; Ctrl-C stops both
	@for port in $(SERVICE_PORT) $(APP_PORT); do \
		$(BIN)/python -c "import socket; socket.create_server(('127.0.0.1', $$port))" 2>/dev/null \
			|| { echo "Port $$port is taken; choose others: make demo SERVICE_PORT=8001 APP_PORT=8091"; exit 1; }; \
	done
	@$(SERVICE) serve --model build/model --port $(SERVICE_PORT) & service=$$!; \
	INFERENCE_HOST=http://localhost:$(SERVICE_PORT) $(APP) run-demo --server.address localhost --server.port $(APP_PORT) & app=$$!; \
	trap 'kill $$service $$app 2>/dev/null; wait' EXIT; trap 'exit 0' INT TERM HUP; \
	until $(BIN)/python -c "import urllib.request as r; r.urlopen('http://localhost:$(SERVICE_PORT)/')" 2>/dev/null; do \
		kill -0 $$service $$app || exit 1; sleep 0.2; \
	done; \
	echo; \
	echo "  Page     http://localhost:$(APP_PORT)"; \
	echo "  Service  http://localhost:$(SERVICE_PORT)  (try /docs)"; \
	echo "  Ctrl-C stops both."; \
	echo; \
	while kill -0 $$service 2>/dev/null && kill -0 $$app 2>/dev/null; do sleep 0.5; done; \
	echo "One of the two has stopped, see above."; exit 1

test: $(VENV)/.frontend $(VENV)/.service $(VENV)/.model ## Test the installed wheels; PHOTOS_DIR=… adds the tests on photographs
	$(BIN)/pytest $(or $(ARGS),--cov --cov-report=term:skip-covered)

check: $(VENV)/.locked ## ruff, mypy --strict, import-linter, hadolint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy frontend/src frontend/screenshots.py ml_service/src tests benchmarks
	MYPYPATH=$(MODEL)/drawings $(BIN)/mypy $(MODEL)/drawings
	PYTHONPATH=frontend/src:ml_service/src $(BIN)/lint-imports
	$(BIN)/hadolint app-dockerfile ml-web-service-dockerfile

bench: build/bench/ours/.installed build/bench/plain/.installed build/bench/litserve/.installed build/model/model.json ## Measure the service beside two others: a quarter of an hour; ARGS=--quick, ARGS="--only soak"
	$(BIN)/python -m benchmarks.run --photos $(PHOTOS) $(ARGS)

bench-page: $(VENV)/.frontend $(VENV)/.service build/model/model.json ## Measure 200 pictures on the page beside the command line, and the page's memory
	$(BIN)/python -m benchmarks.page --photos $(PHOTOS) $(ARGS)

wheels: dist/.frontend dist/.service dist/.model ## Build the three wheels into dist/

images: ## Build both container images
	docker compose build

up: ## Start both containers and wait until they are healthy
	docker compose up --detach --wait

down: ## Stop and remove both containers
	docker compose down

evaluate: $(VENV)/.service build/model/model.json ## Measure the model on the test split of PHOTOS, a folder with full/ and thumbnails/
	$(SERVICE) evaluate build/model $(PHOTOS)/full $(PHOTOS)/thumbnails --between chihuahua muffin --out build/evaluation

model: $(VENV)/.service build/imagenet.keras build/drawings build/golden build/outside ## Train the default model again from PHOTOS and drawings
	$(SERVICE) train $(PHOTOS)/full $(PHOTOS)/thumbnails build/drawings --config $(MODEL)/training.yaml --out $(MODEL) --work build/training
	$(SERVICE) build $(MODEL) --out build/model
	$(SERVICE) evaluate build/model $(PHOTOS)/full $(PHOTOS)/thumbnails --between chihuahua muffin --corrections $(MODEL)/corrections.csv --out build/evaluation
	mkdir -p $(MODEL)/evaluation
	cp build/evaluation/confusion.png build/evaluation/reliability.png build/evaluation/coverage.png $(MODEL)/evaluation # the mistakes are photographs

suspects: $(VENV)/.service build/imagenet.keras build/drawings build/golden ## List the pictures of PHOTOS whose label is probably wrong
	$(SERVICE) suspects $(PHOTOS)/full $(PHOTOS)/thumbnails build/drawings --config $(MODEL)/training.yaml --out build/suspects.csv --work build/training

drawings: $(VENV)/.locked ## Draw the gallery's pictures again
	$(BIN)/python $(MODEL)/drawings gallery --out frontend/src/muffin_v_chihuahua/pictures

screenshots: $(VENV)/.frontend $(VENV)/.service $(VENV)/.model ## Take a picture of every page, and those in the READMEs; ARGS="--at URL" of a running one
	$(BIN)/python -m frontend.screenshots $(ARGS)

imagenet: build/imagenet.keras ## Bring the ImageNet weights into Keras and measure them on PHOTOS/full/other

imagenet-bundle: build/imagenet-efficientnet-lite0/model.json ## Build a bundle of that network with its 1000 classes

inception-bundle: build/imagenet-inception-v3/model.json ## Download Inception v3, which the original demo served, and build its bundle

schema: $(VENV)/.locked ## Write the JSON schema of a bundle's manifest again
	PYTHONPATH=ml_service/src $(BIN)/python -c 'import json; from muffin_v_chihuahua_ml_service.model.bundle import manifest_schema; print(json.dumps(manifest_schema(), indent=2))' \
		> ml_service/src/muffin_v_chihuahua_ml_service/model/model.schema.json

words: $(VENV)/.locked ## Write the pages' new words into their catalogues, to be translated there
	$(BIN)/pybabel -q extract -k tr -k mark -k tr_n:1,2 --no-location --omit-header -o build/pages.pot frontend/src/muffin_v_chihuahua
	for language in $(patsubst %.po,%,$(notdir $(wildcard $(WORDS)/*.po))); do \
		$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header --width 110 -l $$language -i build/pages.pot -o $(WORDS)/$$language.po; \
	done
WORDS := frontend/src/muffin_v_chihuahua/locales

locks: ## Resolve the dependencies again and write requirements/*.txt
	uv pip compile $(LOCK) -o requirements/build.txt requirements/build.in
	uv pip compile $(LOCK) -o requirements/service.txt --extra s3 --extra otel --extra postgresql ml_service/pyproject.toml
	uv pip compile $(LOCK) -o requirements/service-tensorflow.txt --extra tensorflow --extra onnxruntime ml_service/pyproject.toml
	uv pip compile $(LOCK) -o requirements/app.txt frontend/pyproject.toml
	uv pip compile $(LOCK) -o requirements/dev.txt --extra tensorflow --extra onnxruntime --extra s3 --extra mlflow --extra otel --extra postgresql requirements/dev.in ml_service/pyproject.toml frontend/pyproject.toml
LOCK := --quiet --upgrade --constraint requirements/constraints.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make locks'

clean: ## Remove everything that make made
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# --- what the targets are made of ---------------------------------------------------------------------------------

$(VENV)/.locked: requirements/dev.txt
	@echo "Installing into $(VENV): about two minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

dist/.%: $(VENV)/.locked
	mkdir -p dist
	rm -f $(WHEEL)
	$(call wheel,$(PROJECT))
	touch $@

dist/.frontend: PROJECT := ./frontend
dist/.frontend: WHEEL := dist/muffin_v_chihuahua_model_as_a_service-*.whl
dist/.frontend: $(call sources,frontend)

dist/.service: PROJECT := ./ml_service
dist/.service: WHEEL := dist/muffin_v_chihuahua_ml_service-*.whl
dist/.service: $(call sources,ml_service)

dist/.model: build/model/model.json
	rm -f dist/muffin_v_chihuahua_model-*.whl dist/muffin-v-chihuahua-*.zip
	$(SERVICE) package build/model --out dist
	touch $@

$(VENV)/.frontend: dist/.frontend
	$(call install,dist/muffin_v_chihuahua_model_as_a_service-*.whl)
	touch $@

$(VENV)/.service: dist/.service
	$(call install,dist/muffin_v_chihuahua_ml_service-*.whl)
	touch $@

$(VENV)/.model: dist/.model
	$(call install,dist/muffin_v_chihuahua_model-*.whl)
	touch $@

# What decides the bytes of a built bundle: an older build is built again.
EXPORTING := $(addprefix ml_service/src/muffin_v_chihuahua_ml_service/, \
	model/bundle.py model/engines/tensorflow.py training/checks.py training/export.py training/onnx_export.py)

build/model/model.json: $(MODEL)/model.json $(wildcard $(MODEL)/*.keras $(MODEL)/golden/*) \
		$(EXPORTING) | $(VENV)/.service
	$(SERVICE) build $(MODEL) --out build/model
	touch $@

build/imagenet-%/model.json: models/imagenet-%/recipe.yaml | $(VENV)/.service
	$(SERVICE) build models/imagenet-$* --out build/imagenet-$*
	touch $@

build/imagenet-efficientnet-lite0/model.json: build/imagenet.keras

build/imagenet.keras: | $(VENV)/.service
	$(PYTHON) -m venv build/convert
	build/convert/bin/python -m pip install -q 'pip>=25.1' # the first that installs a dependency group
	build/convert/bin/python -m pip install -q --require-hashes -r requirements/service-tensorflow.txt
	build/convert/bin/python -m pip install -q --group ml_service/pyproject.toml:convert
	build/convert/bin/python -m pip install -q --no-deps dist/muffin_v_chihuahua_ml_service-*.whl
	build/convert/bin/muffin-v-chihuahua-ml-service import-imagenet $@ $(if $(wildcard $(PHOTOS)/full/other),--check $(PHOTOS)/full/other)

# Our service as a user installs it, from the wheel and its hashed lock.
build/bench/ours/.installed: dist/.service requirements/service.txt
	$(PYTHON) -m venv --clear build/bench/ours
	build/bench/ours/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/service.txt
	build/bench/ours/bin/python -m pip install -q --disable-pip-version-check --no-deps dist/muffin_v_chihuahua_ml_service-*.whl
	touch $@

build/bench/%/.installed: benchmarks/peers/%/requirements.txt
	$(PYTHON) -m venv --clear build/bench/$*
	build/bench/$*/bin/python -m pip install -q --disable-pip-version-check -r $<
	touch $@

build/drawings: | $(VENV)/.locked
	$(BIN)/python $(MODEL)/drawings dataset --out $@ --count 400 --seed 1

build/outside: | $(VENV)/.service
	$(BIN)/python $(MODEL)/drawings far --out $@/far
	$(BIN)/python $(MODEL)/near_pictures.py $(PHOTOS) $@/near

build/golden: | $(VENV)/.locked
	$(BIN)/python $(MODEL)/drawings dataset --out $@ --count 2 --seed 2
