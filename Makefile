# The few words people type; Meson and Ninja do the work. `make help` lists them.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= python3

all: $(BUILD)/build.ninja ## build/tarn
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run \`make deps\` first" >&2; exit 1; }
	@log=$$(meson setup $(BUILD)) || { echo "$$log" >&2; exit 1; }

deps: ## install the Debian packages that a build needs (apt; sudo unless root)
	@tools/deps.sh build

demo: deps ## install what is missing, build, and run the main job on real input
	@echo "building $(BUILD)/tarn"
	@$(MAKE) --no-print-directory all
	@tools/demo.sh

check: all ## the unit tests alone, in build/
	@meson test -C $(BUILD) --print-errorlogs

test: ## install what is missing, build, and run the tests that need nothing but this machine
	@tools/deps.sh build test
	@$(PYTHON) tools/check.py test

interop: ## the same tables read by the real systems
	@tools/deps.sh build test interop
	@$(PYTHON) tools/check.py interop

bench: ## side by side with them, a table of ratios
	@tools/deps.sh build test interop
	@echo "building $(BUILD)/tarn"
	@$(MAKE) --no-print-directory all
	@bench/run.sh

install: all ## to $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/tarn $(DESTDIR)$(PREFIX)/bin/tarn
	install -D -m 755 $(BUILD)/tarn-simulate.so $(DESTDIR)$(PREFIX)/lib/tarn/tarn-simulate.so
	install -D -m 755 $(BUILD)/tarn-network.so $(DESTDIR)$(PREFIX)/lib/tarn/tarn-network.so

clean: ## forget all that was built
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1#\2/p' Makefile | sed 's/make all /make    /' | \
		while IFS='#' read -r word what; do printf '%-16s %s\n' "$$word" "$$what"; done

.PHONY: all deps demo check test interop bench install clean help
