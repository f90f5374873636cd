# kms-switcher: build, test and try. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.ONESHELL:

NODE ?= node
BIN := node_modules/.bin
# Node's headers as they came with this Node: building needs no network.
NODEDIR := $(shell $(NODE) -p 'require("path").resolve(process.execPath, "../..")')
BUILD_PACKAGES := g++ make python3 pkg-config libdrm-dev libinput-dev libseat-dev libudev-dev libxkbcommon-dev xkb-data
UNIT_PACKAGES := dbus-daemon
LAB_PACKAGES := qemu-system-x86 mmdebstrap squashfs-tools debian-archive-keyring uidmap
LINT_PACKAGES := clang-format clang-tidy
BENCH_PACKAGES := libsystemd-dev
SOURCES := $(shell find src -name '*.ts')
TESTS := $(shell find test -name '*.ts' -not -path '*/node_modules/*')
RESULTS := build/results
# Every KMS driver but vkms that an emulated machine can have.
DISPLAYS := bochs-display,id=bochs cirrus-vga,id=cirrus virtio-gpu-pci,id=virtio,max_outputs=3 qxl,id=qxl

.PHONY: all addon guests lab test test-unit test-lab test-drivers test-long demo bench lint format clean help packages-build packages-unit packages-lab packages-lint packages-bench

all: dist/.built ## build everything (the default)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Installs what is missing when root; otherwise says the line to run. Other distributions: install their equivalents.
define install
	@missing=
	if command -v dpkg-query > /dev/null; then
		for package in $(1); do
			dpkg-query -W -f '$${db:Status-Status}' $$package 2> /dev/null | grep -qx installed || missing+=" $$package"
		done
	fi
	if [ -n "$$missing" ]; then
		if [ "$$(id -u)" = 0 ]; then
			echo "installing$$missing (a minute or two)…"
			mkdir -p build
			apt-get update -qq > build/apt.log 2>&1 || { cat build/apt.log; exit 1; }
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >> build/apt.log 2>&1 ||
				{ tail -n 20 build/apt.log; exit 1; }
		else
			echo "packages are missing; run this, then make again:"
			echo "  sudo apt-get install --no-install-recommends$$missing"
			exit 1
		fi
	fi
endef

packages-build:
	$(call install,$(BUILD_PACKAGES))

packages-unit:
	$(call install,$(UNIT_PACKAGES))

packages-lab:
	$(call install,$(LAB_PACKAGES))

packages-lint:
	$(call install,$(LINT_PACKAGES))

packages-bench:
	$(call install,$(BENCH_PACKAGES))

node_modules/.package-lock.json: package.json package-lock.json
	@echo 'npm: installing from the lock file (about 20 s)…'
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

build/Release/kms_switcher.node: binding.gyp node_modules/.package-lock.json $(wildcard addon/*.cc addon/*.h) | packages-build
	@echo 'addon: compiling (about 30 s)…'
	mkdir -p build
	$(BIN)/node-gyp configure build --nodedir='$(NODEDIR)' > build/addon.log 2>&1 || { tail -n 40 build/addon.log; exit 1; }
	touch $@

addon: build/Release/kms_switcher.node

dist/.built: $(SOURCES) tsconfig.json config/kms-switcher.schema.json config/compile-schema.mjs build/Release/kms_switcher.node
	@echo 'dist: compiling TypeScript…'
	rm -rf dist
	$(BIN)/tsc
	$(NODE) config/compile-schema.mjs
	chmod +x dist/cli/main.js
	touch $@

build/test/.built: $(TESTS) $(SOURCES) test/tsconfig.json dist/.built
	@echo 'tests: compiling TypeScript…'
	$(BIN)/tsc -p test/tsconfig.json
	touch $@

guests: | packages-build
	@$(MAKE) --no-print-directory -s -C test/guests

lab: | packages-lab ## make the virtual-panel lab (cached)
	@test/lab/build > /dev/null

test: ## every test: unit, and on a real KMS driver in the lab
	@rm -rf $(RESULTS)
	status=0
	$(MAKE) --no-print-directory test-unit || status=1
	$(MAKE) --no-print-directory test-lab || status=1
	$(NODE) test/summary.mjs $(RESULTS)/unit.json $(RESULTS)/suites.json || status=1
	exit $$status

test-unit: dist/.built | packages-unit ## the tests that need no display (a minute)
	@mkdir -p $(RESULTS)
	$(BIN)/jest --json --outputFile=$(RESULTS)/unit.json

test-lab: build/test/.built guests lab ## the tests on virtual panels (minutes)
	@mkdir -p $(RESULTS)
	test/lab/run --out $(RESULTS) --timeout 4900 -- test/lab/suites/run

test-drivers: build/test/.built guests lab ## the same output on bochs, cirrus, virtio-gpu and qxl, photographed from outside
	@mkdir -p $(RESULTS)
	test/lab/run --out $(RESULTS) --timeout 1800 --panels 0 $(DISPLAYS:%=--device %) --heads virtio -- test/lab/suites/run --drivers

test-long: build/test/.built guests lab ## endurance, real libvirt, a Linux guest in the lab (two hours)
	@mkdir -p $(RESULTS)
	test/lab/run --out $(RESULTS) --timeout 14400 -- test/lab/suites/run --long

demo: build/test/.built guests lab ## see it work on virtual panels: pictures and a table
	@test/demo/demo $(PICTURES)

bench: dist/.built guests lab | packages-bench ## measure against a C flip loop and a C daemon, in virtual time
	@$(MAKE) --no-print-directory -s -C test/bench
	test/bench/bench

lint: build/test/.built | packages-lint ## types, style and formatting, all languages
	$(BIN)/eslint -c config/eslint.config.mjs src test config
	$(BIN)/prettier --check --log-level warn src test config package.json
	clang-format --dry-run -Werror addon/*.cc addon/*.h test/guests/*.[ch] test/guests/bare/*.[ch] test/guests/bare/libc/*.[ch] test/guests/linux/*.c test/bench/*.c
	clang-tidy --quiet addon/*.cc -- -std=c++17 -DNAPI_VERSION=9 -DNODE_ADDON_API_CPP_EXCEPTIONS \
		-isystem "$$($(NODE) -p 'require("path").resolve(require("node-addon-api").include_dir)')" \
		-isystem '$(NODEDIR)/include/node' $$(pkg-config --cflags libdrm libinput libseat libudev xkbcommon) 2> build/tidy.log ||
		{ cat build/tidy.log; exit 1; }

format: ## bring all files into the house style
	$(BIN)/prettier --write --log-level warn src test config package.json
	clang-format -i addon/*.cc addon/*.h test/guests/*.[ch] test/guests/bare/*.[ch] test/guests/bare/libc/*.[ch] test/guests/linux/*.c test/bench/*.c

clean: ## remove what was built (the lab in the cache stays)
	rm -rf build dist
