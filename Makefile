# The few words people type; Meson and Ninja do the work.
BUILD ?= build

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) >/dev/null

test: all
	@meson test -C $(BUILD) --print-errorlogs

clean:
	rm -rf build build-*

.PHONY: all test clean
