# Checks around the core. None of them is needed to build it.
#
# make cross          the core without an operating system, for RV32IMC and Cortex-M: size, RAM and stack against cross/budget.json
# make lint           gcc, clang, clang-tidy and cppcheck over core, model and the pure parts of esp-idf; no warning is left
# make glue-check     esp-idf against declarations as documented, and its frames against known ones
# make fuzz-short     all fuzz targets, 20 s together; keeps nothing
# make fuzz-long SECONDS=1800   the same for longer, with corpora that grow in $(OUT)/fuzz; writes an entry for fuzz/RESULTS.md there
# make fuzz-record    puts that entry into fuzz/RESULTS.md
# make fuzz-corpus    merges what was found into fuzz/corpus, at most 300 kB
# make fuzz-coverage  lines of the core that the committed inputs reach

CHECK_PACKAGES := gcc clang clang-tidy cppcheck llvm libclang-rt-14-dev zlib1g-dev python3 \
	gcc-riscv64-unknown-elf gcc-arm-none-eabi

.PHONY: cross lint lint-compile lint-tidy lint-cppcheck glue-check fuzz-build fuzz-short fuzz-long fuzz-record \
	fuzz-corpus fuzz-coverage check-packages

check-packages:
	@echo $(CHECK_PACKAGES)

cross:
	@python3 -B cross/report.py --json $(OUT)/cross.json

GLUE := $(sort $(wildcard esp-idf/src/*.c))
GLUE_PURE := esp-idf/src/asic_frame.c
GLUE_FLAGS := -std=gnu17 -Wall -Wextra -Werror -Wconversion -Wshadow -fsyntax-only \
	-Iesp-idf/check/include -Iesp-idf/include -Iesp-idf/src

# On the UART with the ROM's inflate and a key; on USB without either; on USB with ESP-IDF 6.
glue-check: $(OUT)/sanitize/asic-frame-test
	@for cc in gcc clang; do for way in "" "-DCHECK_USB" "-DCHECK_USB -DCHECK_IDF6"; do for file in $(GLUE); do \
		$$cc $(GLUE_FLAGS) $$way $$file || exit 1; done; done; done
	@$<

$(OUT)/sanitize/asic-frame-test: esp-idf/check/asic_frame_test.c $(GLUE_PURE) esp-idf/include/lv06_asic_frame.h
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -Iesp-idf/include -o $@.$$$$ esp-idf/check/asic_frame_test.c $(GLUE_PURE) && mv $@.$$$$ $@

LINTED := $(sort $(wildcard core/*.c model/*.c)) $(GLUE_PURE)
LINT_FLAGS := -std=c11 -Iesp-idf/include

lint: lint-compile lint-tidy lint-cppcheck

lint-compile:
	@for cc in gcc clang; do for file in $(LINTED); do $$cc $(FLAGS) -Iesp-idf/include -O2 -c -o /dev/null $$file || exit 1; done; done
	@for cc in gcc clang; do for file in $(sort $(wildcard core/*.c)); do \
		$$cc $(FLAGS) -DLV06_MINIMAL=1 -O2 -c -o /dev/null $$file || exit 1; done; done

lint-tidy:
	@mkdir -p $(OUT)
	@printf '%s\n' $(LINTED) | xargs -P2 -n6 sh -c 'clang-tidy --quiet "$$@" -- $(LINT_FLAGS) 2>/dev/null' tidy > $(OUT)/tidy.log \
		|| { cat $(OUT)/tidy.log; exit 1; }

lint-cppcheck:
	@cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem -Iesp-idf/include $(LINTED)

fuzz-build:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py build

fuzz-short:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py fuzz 20 --short

fuzz-long: SECONDS ?= 1800
fuzz-long:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py fuzz $(SECONDS)

fuzz-record:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py record

fuzz-corpus:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py corpus

fuzz-coverage:
	@OUT=$(abspath $(OUT))/fuzz python3 -B fuzz/run.py coverage
