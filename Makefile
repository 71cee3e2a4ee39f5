# SPDX-License-Identifier: GPL-2.0-only
# Front door. The kernel is built by kernel/Makefile (Kbuild), user-land by Meson; this file only drives both.
# Each target says what it is in a `##` comment, from which `make help` is made.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Series of kernel/releases to build; the default is the one marked so there.
SERIES ?= $(shell awk '!/^\#/ && $$4 == "default" { print $$1 }' kernel/releases)
DEFAULT_SERIES := $(shell awk '!/^\#/ && $$4 == "default" { print $$1 }' kernel/releases)
BUILD := $(CURDIR)/build
# User-land on another series than the default one has directories of its own: build/user-6.1, build/asan-6.1 ...
OF_SERIES := $(if $(filter-out $(DEFAULT_SERIES),$(SERIES)),-$(SERIES))
USER_BUILD := build/user$(OF_SERIES)
KERNEL := $(BUILD)/kernel-$(SERIES)
# Without kernel/Makefile (a user-land only checkout) the daemon is built with the host stack alone.
KERNEL_OBJECT := $(if $(wildcard kernel/Makefile),$(KERNEL)/lkl.o)
# Where `make install` puts things; DESTDIR, for packages, comes before it.
PREFIX ?= /usr/local
DESTDIR ?=
SANITIZE := -Db_sanitize=address,undefined -Db_lundef=false

.PHONY: help
help: ## this list
	@echo "usage: make TARGET   (SERIES=$(SERIES))"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install missing Debian packages (as root; quick when nothing is missing)
	@tools/setup

.PHONY: kernel-source
kernel-source: ## the sources of the other kernel series, from Debian's archive into build/ (installs nothing)
	@tools/kernel-source

.PHONY: kernel
kernel: setup ## the kernel as one object, build/kernel-SERIES/lkl.o, and its headers (minutes the first time)
	@$(if $(OF_SERIES),tools/kernel-source $(SERIES))
	@$(if $(KERNEL_OBJECT),$(MAKE) -C kernel SERIES=$(SERIES) BUILD=$(BUILD) object headers,echo "no kernel/Makefile: host stack only")

.PHONY: all
all: kernel ## kernel and user-land; the daemon is build/user/accd/accd (build/user-SERIES with another series)
	@test -e $(USER_BUILD)/build.ninja || meson setup $(USER_BUILD) -Dkernel_object=$(KERNEL_OBJECT)
	@ninja -C $(USER_BUILD)
	@test -n "$(OF_SERIES)" -o ! -e build/user/bench/lkl-bench || ln -sf user/bench/lkl-bench build/lkl-bench

.PHONY: asan
asan: kernel ## user-land with AddressSanitizer and UBSan, in build/asan
	@test -e build/asan$(OF_SERIES)/build.ninja || meson setup build/asan$(OF_SERIES) $(SANITIZE) -Dkernel_object=$(KERNEL_OBJECT)
	@ninja -C build/asan$(OF_SERIES)

# The kernel with everything that it can check about itself, and user-land on it.
.PHONY: debug
debug: setup ## the debug kernel (lockdep, KASAN ...) and user-land on it, in build/debug
	@$(if $(OF_SERIES),tools/kernel-source $(SERIES))
	@$(MAKE) -C kernel SERIES=$(SERIES) BUILD=$(BUILD) VARIANT=debug object headers
	@test -e build/debug$(OF_SERIES)/build.ninja || meson setup build/debug$(OF_SERIES) -Dkernel_object=$(KERNEL)-debug/lkl.o
	@ninja -C build/debug$(OF_SERIES)

# A target of tests/fuzz with clang, ASan and UBSan on the host's side; new inputs go to build/fuzz/corpus/TARGET. A finding
# ends the run with its stack, and its input is build/fuzz/TARGET-crash-*.
FUZZ_TARGETS := rx pcap stream spec ring wire_slot admin conf proxy_protocol tls_hello
TARGET ?= rx
SECONDS ?= 60
FUZZ_MAX_LEN ?= $(if $(filter rx,$(TARGET)),70000,4096)
.PHONY: fuzz-build
fuzz-build: kernel ## the fuzz targets alone, in build/fuzz
	@test -e build/fuzz/build.ninja || CC=clang meson setup build/fuzz $(SANITIZE) -Dkernel_object=$(KERNEL_OBJECT) \
		-Dc_args=-fsanitize=fuzzer-no-link
	@ninja -C build/fuzz $(addprefix tests/fuzz/fuzz_,$(FUZZ_TARGETS))

.PHONY: fuzz
fuzz: fuzz-build ## fuzz TARGET (one of tests/fuzz/fuzz_*.c) for SECONDS with clang and ASan: make fuzz TARGET=rx SECONDS=600
	@mkdir -p build/fuzz/corpus/$(TARGET)
	@build/fuzz/tests/fuzz/fuzz_$(TARGET) -max_total_time=$(SECONDS) -max_len=$(FUZZ_MAX_LEN) -timeout=20 -rss_limit_mb=4096 \
		-detect_leaks=0 -print_final_stats=1 -artifact_prefix=build/fuzz/$(TARGET)- \
		build/fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

.PHONY: install
install: all ## daemon, liblkl.a, headers, liblkl.pc and manual pages below DESTDIR/PREFIX (default /usr/local)
	@meson configure $(USER_BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(USER_BUILD)
	@DESTDIR=$(DESTDIR) meson install -C $(USER_BUILD) --no-rebuild

.PHONY: demo
demo: all ## curl through accd, proof that the host's TCP was idle, accd against HAProxy (2 rounds; DURATION=10)
	@tools/demo

.PHONY: check
check: setup ## everything below; ends with a line of totals (part logs in build/check/)
	@SERIES=$(SERIES) tools/check

.PHONY: check-unit
check-unit: all ## unit tests: no root, seconds
	@SERIES=$(SERIES) tools/check unit

.PHONY: check-net
check-net: all ## network tests in namespaces of their own: root
	@SERIES=$(SERIES) tools/check net

.PHONY: check-pristine
check-pristine: kernel ## the kernel tree that was built is the distribution's, byte for byte
	@SERIES=$(SERIES) tools/check pristine

.PHONY: check-releases
check-releases: setup kernel-source ## every series of kernel/releases: pristine, unit and net tests; two of them side by side
	@tools/check-releases

.PHONY: check-layers
check-layers: ## who may include whom
	@tools/check-layers

.PHONY: check-asan
check-asan: asan ## unit and net tests with AddressSanitizer and UBSan on the host side
	@SERIES=$(SERIES) tools/check asan

.PHONY: check-debug
check-debug: setup ## unit and net tests on a kernel with lockdep, KASAN, UBSAN ...: any complaint fails (minutes to build)
	@SERIES=$(SERIES) tools/check debug

.PHONY: check-long
check-long: setup ## the library's threads, wake-ups and boots in the full numbers (some 15 minutes)
	@SERIES=$(SERIES) tools/check long

.PHONY: check-style
check-style: ## clang-format 14 and shellcheck, where installed
	@tools/check-style

.PHONY: bench-demo
bench-demo: all ## the demo's comparison alone, 5 rounds of 10 s
	@ROUNDS=$${ROUNDS:-5} tools/demo compare

.PHONY: clean
clean: ## remove build/
	rm -rf build
