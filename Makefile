# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# weir's build. `make help` lists the targets.
#
#   bpf/weir.bpf.c ──clang──→ build/weir.bpf.o ──bpftool──→ build/weir.skel.h
#   bpf/bound.bpf.c                 ...                     build/bound.skel.h
#                                                                │
#                                                                ↓
#   user/*/*.c ──→ build/user/... ──→ build/libweir.a ←──── user/meter
#                                              │
#            build/weir, build/libexec/weir/*, test programs, fuzzers, tools
#
# Every executable links libweir.a, all of weir but the main() functions: user/main.c is weir's, and
# user/VERB.c that of a verb which needs libraries that weir must not.
#
# Set on the command line:
#   O=DIR            where everything is built            (build)
#   CC= CLANG=       compiler of user space, of the kernel programs (gcc, clang)
#   CFLAGS=          optimisation and debugging            (-O2 -g)
#   SAN=1            user space with address and undefined sanitizers, in $O/san
#   PREFIX= DESTDIR= where `make install` puts weir        (/usr/local, none)
#   ARGS= ONLY=      arguments of `make run`, of `make bench`
#   FUZZ_SECONDS=    how long `make fuzz` spends on each target (60)
#   CLANG_NEWEST=    the compiler of check-kernels' second build (the newest clang-N here)
#   KERNELS= KERNEL= MODULES= ACCEL=   what `make check-kernels` boots, see tests/kernels/run

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
CLANG_NEWEST ?= $(or $(notdir $(lastword $(sort $(wildcard /usr/bin/clang-[1-9][0-9])))),$(CLANG))
CLANG_FORMAT ?= clang-format
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
O ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
FUZZ_SECONDS ?= 60

# bpftool lives in sbin, which may not be in PATH. Ubuntu's /usr/sbin/bpftool is a wrapper that
# refuses to work under a kernel it was not made for; the real ones stand in linux-tools.
BPFTOOL ?= $(or $(lastword $(sort $(wildcard /usr/lib/linux-tools/*/bpftool))),$(shell \
	PATH="$$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v bpftool),bpftool)

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

# --- Variants -------------------------------------------------------------------------------------
#
# A variant compiles user space anew, below $O; the kernel objects are the same for all.

ifdef FUZZ
B := $(O)/fuzz
override CC := $(CLANG)
VARIANT := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
else ifdef SAN
B := $(O)/san
VARIANT := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
B := $(O)
WERROR := -Werror
endif

# --- Flags ----------------------------------------------------------------------------------------

# What weir itself may need; tests/e2e/test_libraries.sh holds each executable to its list.
WEIR_PACKAGES := libbpf jansson yaml-0.1 libmnl libelf openssl zlib
PACKAGES := $(WEIR_PACKAGES) libzstd

# Warnings are errors in the plain build. Sanitizers and other compilers change what the optimiser
# sees, and with it the warnings that guess. In a table, a field left out is zero, on purpose.
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla \
	-Wno-missing-field-initializers $(WERROR)

# The skeletons are generated, so they are included as a system's headers are: without warnings.
USER_CPPFLAGS := -D_GNU_SOURCE -Iinclude -Iuser -isystem $(O) \
	$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null) $(CPPFLAGS)
USER_CFLAGS := -std=gnu11 $(WARNINGS) $(CFLAGS) $(VARIANT)
USER_LDFLAGS := $(VARIANT) $(LDFLAGS)
libraries = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null) -lm -pthread $(LDLIBS)
WEIR_LIBS := $(call libraries,$(WEIR_PACKAGES))
LIBS := $(call libraries,$(PACKAGES))

# -mcpu=v3 (32-bit ALU and jumps) is what the oldest kernel we serve, 5.10, understands. clang has
# no <asm/types.h> for the BPF machine: where the distribution keeps headers by machine, the
# host's are the right ones. A program's signature is its hook's, so what it ignores is no mistake.
# clang's name of the machine has a vendor in it that the folder's has not.
MULTIARCH := $(wildcard /usr/include/$(subst -pc-,-,$(shell $(CC) -dumpmachine 2>/dev/null)))
BPF_CFLAGS := -target bpf -mcpu=v3 -g -O2 -std=gnu11 -Wall -Wextra -Wno-unused-parameter \
	-Werror -Iinclude $(addprefix -I,$(filter-out /usr/include/,$(MULTIARCH)))

# --- Files ----------------------------------------------------------------------------------------

USER_SRCS := $(sort $(wildcard user/*.c user/*/*.c))
MAIN_SRCS := $(sort $(wildcard user/*.c))
LIB_OBJS := $(patsubst %.c,$(B)/%.o,$(filter-out $(MAIN_SRCS),$(USER_SRCS)))
VERBS := $(patsubst user/%.c,$(B)/libexec/weir/%,$(filter-out user/main.c,$(MAIN_SRCS)))
LIB := $(B)/libweir.a

UNIT_SRCS := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_HELPERS := $(filter-out $(UNIT_SRCS),$(wildcard tests/unit/*/*.c))
KERNEL_SRCS := $(sort $(wildcard tests/kernel/test_*.c))
KERNEL_HELPERS := $(filter-out $(KERNEL_SRCS),$(wildcard tests/kernel/*.c))
FUZZ_SRCS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TOOL_SRCS := $(sort $(wildcard tools/*.c))
BENCH_SRCS := $(sort $(filter-out %.bpf.c,$(wildcard tools/bench/*.c)))

UNIT_TESTS := $(UNIT_SRCS:%.c=$(B)/%)
KERNEL_TESTS := $(KERNEL_SRCS:%.c=$(B)/%)
FUZZERS := $(FUZZ_SRCS:%.c=$(B)/%)
TOOLS := $(TOOL_SRCS:tools/%.c=$(B)/%) $(B)/bench

SKEL := $(O)/weir.skel.h $(O)/bound.skel.h

# Whoever includes a skeleton waits for it.
NEED_SKEL := $(filter $(B)/user/meter/%,$(LIB_OBJS)) \
	$(patsubst %.c,$(B)/%.o,$(KERNEL_SRCS) $(KERNEL_HELPERS))

OBJS := $(patsubst %.c,$(B)/%.o,$(USER_SRCS) $(UNIT_SRCS) $(UNIT_HELPERS) $(KERNEL_SRCS) \
	$(KERNEL_HELPERS) $(FUZZ_SRCS) $(TOOL_SRCS) $(BENCH_SRCS))

# What git knows or would add, so that build products stay out; all there is in a tarball.
C_FILES = $(shell git ls-files -co --exclude-standard -- '*.c' '*.h' 2>/dev/null | grep . || \
	find bpf include tests tools user -name '*.[ch]')

# --- Build ----------------------------------------------------------------------------------------

.PHONY: all help setup setup-build run check unit layers model kernel e2e san fuzz bench format \
	format-check check-kernels kernels-page install uninstall man clean tests fuzzers guest guests FORCE

all: $(B)/weir $(VERBS) $(TOOLS) ## build weir and its tools (default)

$(B)/weir: $(B)/user/main.o $(LIB)
	$(CC) $(USER_LDFLAGS) -o $@ $^ $(WEIR_LIBS)

$(VERBS): $(B)/libexec/weir/%: $(B)/user/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(USER_LDFLAGS) -o $@ $^ $(LIBS)

# Made anew each time, so that a deleted source leaves no member behind.
$(LIB): $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

# Everything is rebuilt when the flags may have changed, which happens here.
$(B)/%.o: %.c Makefile | $(O)/libraries
	@mkdir -p $(@D)
	$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(NEED_SKEL): $(SKEL)

# Where verbs that are executables are looked for in the end. Another PREFIX than before compiles it
# again: the stamp changes with it.
$(B)/user/cli/libexec.o: USER_CPPFLAGS += -DWEIR_PREFIX='"$(PREFIX)"'
$(B)/user/cli/libexec.o: $(O)/prefix
$(O)/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@

# Says which library is missing before a compiler says which header is.
$(O)/libraries: Makefile
	@mkdir -p $(@D)
	@$(PKG_CONFIG) --print-errors --exists $(PACKAGES) || \
		{ echo "weir: libraries are missing; 'make setup' installs them" >&2; exit 1; }
	@touch $@

# BTF stays, DWARF goes: the skeleton carries the object into the binary.
define compile_bpf
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
	$(LLVM_STRIP) -g $@
endef

$(O)/%.bpf.o: bpf/%.bpf.c Makefile
	$(compile_bpf)

$(O)/bench.bpf.o: tools/bench/bench.bpf.c Makefile
	$(compile_bpf)

# What the table of check-kernels calls a build by
$(O)/compiler: $(O)/weir.bpf.o
	@$(CLANG) --version | sed -n 1p >$@

$(O)/%.skel.h: $(O)/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf >$@

# Kept, though only the skeletons are asked for.
.SECONDARY: $(O)/weir.bpf.o $(O)/bound.bpf.o $(O)/bench.bpf.o

# A tool is one file, but for bench, which is a folder and brings a kernel object of its own.
$(filter-out $(B)/bench,$(TOOLS)): $(B)/%: $(B)/tools/%.o $(LIB)
	$(CC) $(USER_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench: $(BENCH_SRCS:%.c=$(B)/%.o) $(LIB)
	$(CC) $(USER_LDFLAGS) -o $@ $^ $(LIBS)

$(BENCH_SRCS:%.c=$(B)/%.o): $(O)/bench.skel.h $(SKEL)

-include $(OBJS:.o=.d) $(O)/weir.bpf.d $(O)/bound.bpf.d $(O)/bench.bpf.d

# --- Tests ----------------------------------------------------------------------------------------

run: setup-build ## install what building needs, build, measure: make run ARGS='-i eth0'
	@$(MAKE) all
	$(B)/weir run $(ARGS)

# One make after the other, for what setup installs is looked for when make starts.
check: setup ## install what is missing, build, run every test suite
	@$(MAKE) all tests
	@$(MAKE) SAN=1 tests
	@$(MAKE) FUZZ=1 fuzzers
	@$(MAKE) guests
	@O=$(O) KERNELS="$${KERNELS:-5.10 newest}" tests/run

unit: all $(UNIT_TESTS) ## unit tests (no root)
	@O=$(B) tests/run unit

layers: ## the order and the sizes of rooms (no root)
	@O=$(O) tests/run layers

model: ## the protocol of intervals, every order of events (no root)
	@O=$(O) tests/run model

kernel: all $(KERNEL_TESTS) ## kernel programs under BPF_PROG_TEST_RUN (root)
	@O=$(B) tests/run kernel

e2e: all ## whole weir between network namespaces (root)
	@O=$(B) tests/run e2e

# The environment brings KERNELS and its like to tests/kernels/run, from the command line too.
check-kernels: setup ## weir under every kernel of docs/kernels.md, in qemu (root)
	@$(MAKE) guests
	@O=$(O) tests/run kernels

kernels-page: ## put the table of the last check-kernels into docs/kernels.md
	@test -r $(O)/kernels.md || { echo "weir: no table; 'make check-kernels' makes it" >&2; exit 1; }
	@sed -i -e '/^<!-- table -->$$/,/^<!-- end of table -->$$/{//!d}' \
		-e '/^<!-- table -->$$/r $(O)/kernels.md' docs/kernels.md

san: ## unit tests under the address and undefined sanitizers
	@$(MAKE) SAN=1 tests
	@O=$(O) tests/run san

fuzz: ## run each fuzzer for FUZZ_SECONDS from tests/fuzz/corpus
	@$(MAKE) FUZZ=1 fuzzers
	@set -e; for source in $(FUZZ_SRCS); do \
		name=$$(basename $$source .c); corpus=tests/fuzz/corpus/$${name#fuzz_}; \
		found=$(O)/fuzz/corpus/$${name#fuzz_}; \
		mkdir -p $$found $(O)/fuzz/findings; echo "# $$name, $(FUZZ_SECONDS) s"; \
		$(O)/fuzz/tests/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			-artifact_prefix=$(O)/fuzz/findings/ $$found $$corpus; \
	done

bench: all ## measure speed: make bench ONLY=codec
	$(B)/bench $(ONLY)

# The programs alone. Kernel tests have no sanitized variant: what they test runs in the kernel.
tests: $(UNIT_TESTS) $(if $(SAN),,$(KERNEL_TESTS))

fuzzers: $(FUZZERS)

# What a guest of check-kernels runs, built by each of two compilers of kernel programs
guest: $(B)/weir $(VERBS) $(KERNEL_TESTS) $(O)/bench.bpf.o $(O)/compiler

guests: guest
	@$(MAKE) O=$(O)/clang-newest CLANG=$(CLANG_NEWEST) guest

TEST_OBJS := $(filter $(B)/tests/%,$(OBJS))

# Test functions take arguments that most of them ignore; fuzzers define a function that no header
# declares.
$(TEST_OBJS): USER_CFLAGS += -Wno-unused-parameter
$(FUZZERS:%=%.o): USER_CFLAGS += -Wno-missing-prototypes
$(TEST_OBJS): USER_CPPFLAGS += -Itests

# Of the helpers a test gets those that it calls: one that has doubles of a room's functions must not
# get what calls the real ones.
$(B)/unit-helpers.a: $(UNIT_HELPERS:%.c=$(B)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(UNIT_TESTS): %: %.o $(B)/unit-helpers.a $(LIB)
	$(CC) $(USER_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(KERNEL_TESTS): %: %.o $(KERNEL_HELPERS:%.c=$(B)/%.o) $(LIB)
	$(CC) $(USER_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(FUZZERS): %: %.o $(LIB)
	$(CC) $(USER_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# --- The rest -------------------------------------------------------------------------------------

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9_.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' Makefile

setup: ## install the packages that weir and its tests need (root)
	@tools/setup

setup-build: ## only those that building weir needs (root)
	@tools/setup build

format: ## put all C files into the style
	@$(CLANG_FORMAT) -i $(C_FILES)

format-check: ## say where a C file is out of style
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

# For language servers. No argument of ours holds a space or a quote, so plain strings do.
compile_commands.json: Makefile $(USER_SRCS) ## commands of all C files, for editors
	@{ separator='['; \
	entry() { \
		printf '%s\n  {"directory": "%s", "file": "%s", "command": "%s -c %s"}' \
			"$$separator" '$(CURDIR)' "$$1" "$$2" "$$1"; separator=','; \
	}; \
	for file in $(USER_SRCS) $(UNIT_SRCS) $(UNIT_HELPERS) $(KERNEL_SRCS) $(KERNEL_HELPERS) \
		$(TOOL_SRCS) $(BENCH_SRCS); do \
		entry "$$file" '$(CC) $(USER_CPPFLAGS) -Itests $(USER_CFLAGS)'; \
	done; \
	for file in $(FUZZ_SRCS); do entry "$$file" '$(CLANG) $(USER_CPPFLAGS) -std=gnu11'; done; \
	for file in $(wildcard bpf/*.bpf.c tools/bench/*.bpf.c); do entry "$$file" '$(CLANG) $(BPF_CFLAGS)'; done; \
	printf '\n]\n'; } >$@

man: $(B)/weir.8 ## the manual page, from weir's own tables

$(B)/weir.8: $(B)/weir
	$(B)/weir help --man >$@

# The example of a configuration is documentation: weir measures without one.
UNITS := $(sort $(wildcard packaging/*.service))

install: all man ## install weir, its manual, and units for systemd below PREFIX
	install -D -m 755 $(B)/weir $(DESTDIR)$(PREFIX)/sbin/weir
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/weir $(VERBS)
	install -D -m 644 $(B)/weir.8 $(DESTDIR)$(PREFIX)/share/man/man8/weir.8
	install -D -m 644 packaging/weir.yaml $(DESTDIR)$(PREFIX)/share/doc/weir/weir.yaml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system $(UNITS)

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/weir share/man/man8/weir.8 \
		share/doc/weir/weir.yaml $(VERBS:$(B)/%=%) \
		$(UNITS:packaging/%=lib/systemd/system/%))
	-rmdir --ignore-fail-on-non-empty $(addprefix $(DESTDIR)$(PREFIX)/,libexec/weir \
		share/doc/weir) 2>/dev/null

clean: ## remove everything that was built
	rm -rf $(O) compile_commands.json
