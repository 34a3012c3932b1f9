# The commands of a newcomer:
#   make demo    creates the environment, trains and evaluates a small network
#   make check   style, types and the fast tests
#   make test    installs what the tests need and runs them all
# PYTHON=/path/to/python3.12 chooses the interpreter; DATA=fer2013.csv trains the demo on real faces.

ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
DEMO_RUN := runs/demo
DATA ?=
# CMake, which the tests of lce_delegate call, may be the one from PyPI. One worker a core; tests of
# one file share what they build, so a worker takes whole files.
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --numprocesses auto --dist loadfile
# Networks that the tests of lce_delegate convert. What they use is in the extra "test"; what they
# declare beside it, an old protobuf and TensorFlow Datasets, TensorFlow 2.21 cannot have or nobody needs.
LARQ_ZOO := larq-zoo==2.4.0 zookeeper==1.4.0

.DEFAULT_GOAL := help
.PHONY: help environment tools demo check test lint format docs apk install aar web web-serve web-benchmark web-pictures clean

help:
	@echo "make demo          train and evaluate a BDNN2 of half the width on synthetic faces, or on DATA="
	@echo "make check         style, types and the fast tests"
	@echo "make test          all tests; as root on Debian or Ubuntu it installs what they need"
	@echo "make environment   only create $(ENVIRONMENT); then: . $(BIN)/activate"
	@echo "make format        mend the style of the code"
	@echo "make docs          the documentation site, in site/"
	@echo "make apk           the Android app, with the packaged model or MODEL=path.tflite"
	@echo "make install       put the app on the phone that adb sees"
	@echo "make aar           lce_delegate for Java and Android"
	@echo "make web           the page for browsers, in web_demo/dist; make web-serve opens it"
	@echo "make clean         remove $(ENVIRONMENT) and builds; runs/ stays"

environment: $(ENVIRONMENT)/ready

$(ENVIRONMENT)/ready: pyproject.toml requirements.txt
	@sh .ci/environment $(ENVIRONMENT) $(PYTHON)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(LARQ_ZOO)
	@touch $@

demo: environment
	rm -rf $(DEMO_RUN)
	$(BIN)/python -m fer_larq.train --recipe bdnn2 --width 0.5 --flip --epochs 5 --seed 0 \
	    --out $(DEMO_RUN) $(if $(DATA),--data $(DATA))
	$(BIN)/python -m fer_larq.evaluate $(DEMO_RUN) $(if $(DATA),--data $(DATA))
	@echo "The report is in $(DEMO_RUN)/evaluation-validation, the curve is $(DEMO_RUN)/curve.png"

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@sh .ci/actionlint
	@sh .ci/web_lint

format: environment
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint
	$(PYTEST) -m "not slow and not native and not android and not network and not web"

tools:
	@sh .ci/tools

test: lint tools
	$(PYTEST) --cov --cov-report=term

docs: environment
	$(BIN)/mkdocs build --strict

# What these need, and what of them has been tried: docs/android.md.
apk:
	python3 android_demo/build.py apk $(if $(MODEL),--model $(MODEL))

install:
	adb install -r android_demo/dist/ferlarq-demo-*-arm64-v8a.apk

aar:
	python3 lce_delegate/java/build_aar.py

# The page for browsers: web_demo/README.md.
web: web_demo/node_modules/.package-lock.json
	sh web_demo/lce-core/build.sh
	cd web_demo && npm run build

web_demo/node_modules/.package-lock.json: web_demo/package-lock.json
	cd web_demo && npm ci --no-audit --no-fund
	@touch $@

web-serve: web
	cd web_demo && npx --no-install vite preview --open

# Its size by part, its speed in Chromium beside the native library's.
web-benchmark: web environment
	cd web_demo && node tools/run.mjs benchmark

# The pictures of the documentation, and others to look at in build/web_pictures.
web-pictures: web environment
	mkdir -p build/web_pictures
	$(BIN)/python -c "import imageio.v3, skimage.data; \
	    imageio.v3.imwrite('build/web_pictures/astronaut.png', skimage.data.astronaut())"
	cd web_demo && node tools/run.mjs pictures ../build/web_pictures/astronaut.png ../build/web_pictures
	cp build/web_pictures/photograph_desktop_light.jpg web_demo/page.jpg

clean:
	rm -rf $(ENVIRONMENT) build dist site *.egg-info web_demo/dist web_demo/node_modules \
	    web_demo/lce-core/dist web_demo/lce-core/wasm
