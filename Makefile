# Every target does its own set-up: npm packages always, Debian packages through apt-get when root.
# LV06_NODE=/path/to/node chooses another Node (24.15 or newer).

NODE = $$(scripts/find-node)
BIN = $(NODE) node_modules/.bin
INSTALLED = node_modules/.package-lock.json
MODEL_DEVICE = build/firmware/lv06-model
# What the tests use besides: a real MQTT broker, an arm64 machine in emulation, and what checks the C core: two
# compilers, two linters, libFuzzer with zlib as its reference, WebAssembly, bare RISC-V and Cortex-M.
TEST_PACKAGES = mosquitto qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross \
	gcc libc6-dev clang lld clang-tidy cppcheck libclang-rt-dev zlib1g-dev python3 \
	gcc-riscv64-unknown-elf gcc-arm-none-eabi

.PHONY: help setup demo run test check test-node26 bench generate firmware clean \
	soak fuzz hil hil-score eval evidence test-train sbom install upgrade uninstall

help: ## this list
	@echo "LV06 edge appliance (research use only). make TARGET:"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

setup: $(INSTALLED) firmware ## npm packages (with a Node that fits) and the model device

$(INSTALLED): package.json package-lock.json .npmrc
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

firmware: ## the model device: the C device core built for this machine
	@$(MAKE) --no-print-directory -C firmware-spec

demo: setup ## eight real X-rays through the whole path, twice, their seals after them, and a contact sheet
	@$(NODE) test/demo/main.ts

run: setup ## the appliance, staying up: inbox, embedded broker, model device; Ctrl-C ends it
	@exec ./lv06 run --model-device

test: setup test-packages ## all tests, after lint and types
	@$(MAKE) --no-print-directory check
	@rm -rf build/test && mkdir -p build/test
	@$(BIN)/vitest run; status=$$?; $(NODE) scripts/test-summary.ts && exit $$status

check: $(INSTALLED) ## lint, format, types
	@node_modules/.bin/biome ci --error-on-warnings .
	@$(BIN)/tsc -p .

FUZZ_SECONDS = 1800
fuzz: setup test-packages ## both sides of the protocol and the Stratum bridge, FUZZ_SECONDS each (default 1800), one core each
	@mkdir -p build/fuzz
	@seed=$$(date +%s); \
	$(NODE) host/device/testing/fuzz-main.ts $(FUZZ_SECONDS) $$seed build/fuzz/host.json & host=$$!; \
	$(NODE) host/device/stratum/testing/fuzz-main.ts $(FUZZ_SECONDS) $$seed build/fuzz/stratum.json & stratum=$$!; \
	$(MAKE) --no-print-directory -C firmware-spec fuzz-long SECONDS=$(FUZZ_SECONDS); core=$$?; \
	wait $$host; host=$$?; wait $$stratum; stratum=$$?; \
	test "$$host$$stratum$$core" = 000

.PHONY: test-packages
test-packages:
	@scripts/debian-packages $(TEST_PACKAGES)

test-node26: setup test-packages ## the same tests on Node 26
	@scripts/node-26
	@LV06_NODE="$$(ls $$PWD/build/node-26/node_modules/node-linux-*/bin/node)" $(MAKE) --no-print-directory test

BENCH = all
TABLES = build/throughput.md
bench: setup ## speed and memory, as ratios of one run: a table, build/bench.json, whitepaper 7.1 and 7.3 in TABLES=FILE; BENCH=tables|store|outbox only these
	@$(NODE) test/bench/main.ts $(BENCH) --page "$(TABLES)"

generate: $(INSTALLED) ## files made from sources and recorded runs: configuration reference, schemas, error codes, reliability report
	@$(NODE) scripts/generate.ts
	@$(NODE) scripts/reliability-report.ts

sbom: $(INSTALLED) ## what it is made of, as build/sbom.cdx.json (CycloneDX), and what the registry knows against it
	@$(NODE) scripts/sbom.ts
	@$(NODE) scripts/audit.ts || test $$? = 2

clean: ## what was built, not node_modules
	rm -rf build

SOAK = all
AMOUNT =
SEED = 1
SOAK_FOLDER = build/soak
soak: setup test-packages ## the appliance at its worst, for hours: SOAK=kills|broker|device|clock|volume|hour|power|pool, AMOUNT=…, SEED=…, RESUME=1 goes on
	@$(NODE) test/reliability/main.ts $(SOAK) --amount "$(AMOUNT)" --seed "$(SEED)" --folder "$(SOAK_FOLDER)" $(if $(RESUME),--resume)

# What builds the C core for WebAssembly, in which it meets the host under virtual time; left out by name where it is not.
HIL_PACKAGES = clang lld
hil: setup ## the hardware-in-the-loop rig: HIL_TARGET=model|replay|real|all, HIL_PORT=…, HIL_STRATUM=…, HIL_REQUIRE_REAL=1
	@command -v clang >/dev/null && command -v wasm-ld >/dev/null || scripts/debian-packages $(HIL_PACKAGES)
	@hil/hil run

hil-score: setup test-packages ## plants defects into host, device core and recordings: what does the rig find?
	@hil/hil score

# A Python environment from the list of requirements that it depends on.
define python-environment
	@command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || scripts/debian-packages python3 python3-venv
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@
endef

TRAIN = build/venv-train
$(TRAIN)/.installed: models/train/requirements.txt
	$(python-environment)

test-train: setup $(TRAIN)/.installed ## tests of training and evidence: PyTorch in an environment of its own, about 3 GB the first time
	@$(TRAIN)/bin/python -m pytest -q models/train

REPORT = build/venv-report
$(REPORT)/.installed: models/train/requirements-report.txt
	$(python-environment)

evidence: $(REPORT)/.installed ## models/evidence and the model cards again from the raw results; EVIDENCE=--check only compares
	@$(REPORT)/bin/python models/train/report.py $(EVIDENCE)
	@$(REPORT)/bin/python models/train/cards.py $(EVIDENCE)

DATA =
EVAL =
eval: setup ## a model on labelled images: DATA=folder or index.csv, EVAL="--split val --model NAME"; figures and rows in build/eval
	@test -n "$(DATA)" || { echo 'make eval DATA=…: a folder with NORMAL and PNEUMONIA in it, or an index.csv' >&2; exit 2; }
	@./lv06 eval "$(DATA)" $(EVAL)

# Where it goes, if not to /opt/lv06, /etc/lv06, /var/lib/lv06 …: see scripts/install. DESTDIR only lays the files out.
install: ## as a service, as root: /opt/lv06, /etc/lv06, /var/lib/lv06; DESTDIR=… only lays the files out
	@scripts/install install

upgrade: ## the installed service becomes this checkout; one that does not stay up is taken back
	@scripts/install upgrade

uninstall: ## takes the service away; configuration, keys and results stay, unless PURGE=1
	@scripts/install uninstall
