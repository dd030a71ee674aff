# SPDX-License-Identifier: MIT
# tests/conformance - the program yoke-conformance, and the broken plugins that it must catch.
#
# It is linked with nothing of core: what it knows of a plugin it knows from <yoke/spawner.h>.
pkglibexec_PROGRAMS += yoke-conformance
yoke_conformance_SOURCES = \
    %D%/bed.c \
    %D%/bed.h \
    %D%/behaviours.h \
    %D%/check_fairness.c \
    %D%/check_inspect.c \
    %D%/check_io.c \
    %D%/check_io_close.c \
    %D%/check_io_kinds.c \
    %D%/check_isolation.c \
    %D%/check_lifecycle.c \
    %D%/check_load.c \
    %D%/check_loops.c \
    %D%/check_offload.c \
    %D%/check_park.c \
    %D%/check_spawn.c \
    %D%/check_stack.c \
    %D%/check_task.c \
    %D%/check_time.c \
    %D%/conformance.c \
    %D%/footprint.c \
    %D%/footprint.h \
    %D%/foreign.h \
    %D%/gate.c \
    %D%/gate.h \
    %D%/lent_host.c \
    %D%/lent_host.h \
    %D%/outcomes.c \
    %D%/outcomes.h \
    %D%/runner.c \
    %D%/runner.h \
    %D%/verbs.h \
    %D%/verdict.c \
    %D%/verdict.h \
    %D%/clock_trouble.c \
    %D%/clock_trouble.h \
    %D%/wires.c \
    %D%/wires.h
yoke_conformance_CFLAGS = $(AM_CFLAGS)
yoke_conformance_LDADD = -ldl -lpthread -lm

# The planted runtime, which forwards to a good one and breaks one promise; the second exports one symbol too many.
broken_sources = \
    %D%/broken/break_io.c \
    %D%/broken/break_process.c \
    %D%/broken/break_tasks.c \
    %D%/broken/broken.c \
    %D%/broken/broken.h
check_LTLIBRARIES += %D%/runtime_broken.la %D%/runtime_broken_exports.la
%C%_runtime_broken_la_SOURCES = $(broken_sources)
%C%_runtime_broken_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_runtime_broken_la_LIBADD = -ldl -lpthread
%C%_runtime_broken_exports_la_SOURCES = $(broken_sources)
%C%_runtime_broken_exports_la_CPPFLAGS = $(AM_CPPFLAGS) -DBROKEN_SECOND_SYMBOL
%C%_runtime_broken_exports_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
%C%_runtime_broken_exports_la_LIBADD = -ldl -lpthread

conformance_tests = \
    %D%/bites.sh \
    %D%/every_runtime.sh
TESTS += $(conformance_tests)
EXTRA_DIST += $(conformance_tests)
