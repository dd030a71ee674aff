# SPDX-License-Identifier: MIT
# tests/fuzz - fuzz targets; `make check` replays their corpora, `./dev fuzz` looks for more.
#
# A target fuzz_x.c has its corpus in corpus/x and is one line in the list and one of sources here.
fuzz_tests = \
    %D%/fuzz_runtimes_conf \
    %D%/fuzz_stack \
    %D%/fuzz_substitute

%C%_fuzz_runtimes_conf_SOURCES = %D%/fuzz_runtimes_conf.c %D%/replay.c
%C%_fuzz_stack_SOURCES = %D%/fuzz_stack.c %D%/replay.c
%C%_fuzz_substitute_SOURCES = %D%/fuzz_substitute.c %D%/replay.c
%C%_fuzz_runtimes_conf_LDADD = libservers.la libcore.la
%C%_fuzz_stack_LDADD = libservers.la libcore.la
%C%_fuzz_substitute_LDADD = libservers.la libcore.la

check_PROGRAMS += $(fuzz_tests)
TESTS += $(fuzz_tests)
EXTRA_DIST += %D%/corpus

# Under clang, configured with --enable-sanitizer=address,undefined and CFLAGS that hold -fsanitize=fuzzer-no-link.
FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzz_tests)
	@for target in $(fuzz_tests); do \
	    name=$${target##*/fuzz_} && mkdir -p "fuzz/$$name" && \
	    $(LINK) -fsanitize=fuzzer -o "fuzz/fuzz_$$name" "$$target.$(OBJEXT)" libservers.la libcore.la && \
	    "fuzz/fuzz_$$name" -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -artifact_prefix="fuzz/$$name-" \
	        "fuzz/$$name" '$(srcdir)'/tests/fuzz/corpus/"$$name" || exit 1; \
	done
