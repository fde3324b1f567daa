# The model: a Linux program, a WebAssembly module, and tests of its parts. Included by ../Makefile.

BM1366 := model/bm1366.c model/bm1366_frame.c model/bm1366_search.c
BOARD := model/board.c model/boot_text.c model/asic.c model/sensors.c $(BM1366)
LINE := model/lane.c model/garble.c
MODEL := model/main.c model/options.c model/pty.c model/pump.c model/rate.c $(LINE) $(BOARD)
MODEL_TEST := $(sort $(wildcard model/test/*.c))
# The glue's frames are tested against the chip's.
MODEL_TESTED := core/sha256.c model/asic.c $(BM1366) $(LINE) model/pump.c model/rate.c esp-idf/src/asic_frame.c
MODEL_HEADERS := $(wildcard core/*.h model/*.h model/test/*.h esp-idf/include/*.h)

.PHONY: model-test wasm
$(OUT)/lv06-model: $(CORE) $(MODEL) $(MODEL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(RELEASE) -o $@.$$$$ $(CORE) $(MODEL) -lm && mv $@.$$$$ $@

# Of the minimal profile (SPEC 10).
$(OUT)/lv06-model-minimal: $(MINIMAL) $(SOFTWARE) $(MODEL) $(MODEL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(RELEASE) -DLV06_MINIMAL=1 -o $@.$$$$ $(MINIMAL) $(SOFTWARE) $(MODEL) -lm && mv $@.$$$$ $@

$(OUT)/sanitize/lv06-model: $(CORE) $(MODEL) $(MODEL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@.$$$$ $(CORE) $(MODEL) -lm && mv $@.$$$$ $@

$(OUT)/sanitize/model-test: $(MODEL_TESTED) $(MODEL_TEST) $(MODEL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -Iesp-idf/include -o $@.$$$$ $(MODEL_TESTED) $(MODEL_TEST) -lm && mv $@.$$$$ $@

model-test: $(OUT)/sanitize/model-test
	$(OUT)/sanitize/model-test
test: model-test

# The same board for WebAssembly. Needs clang and lld (wasm-ld).
WASM_CC ?= clang
WASM := $(FLAGS) -O2 --target=wasm32 -nostdlib -mbulk-memory -msimd128 -DLV06_FREESTANDING=1 -Wl,--no-entry -Wl,--strip-all

# wasm.c brings its own memcpy and memset.
WASM_SOURCES := $(filter-out core/mem.c,$(CORE)) model/wasm.c model/garble.c $(BOARD)

wasm: $(OUT)/lv06-core.wasm
$(OUT)/lv06-core.wasm: $(WASM_SOURCES) $(MODEL_HEADERS)
	@mkdir -p $(@D)
	$(WASM_CC) $(WASM) -o $@.$$$$ $(WASM_SOURCES) && mv $@.$$$$ $@
