# SPDX-License-Identifier: MIT
# tests/bench - measurements: `make bench` writes docs/PERFORMANCE.md; the counts of instructions are a test.
bench_programs = tests/bench/bench_child tests/bench/bench_tasks tests/bench/paired

check_PROGRAMS += $(bench_programs)
tests_bench_bench_child_SOURCES = %D%/bench_child.c %D%/side.h %D%/side_table.c
tests_bench_bench_child_LDADD = libcore.la
tests_bench_bench_tasks_SOURCES = %D%/bench_tasks.c %D%/side.h %D%/side_table.c
tests_bench_bench_tasks_LDADD = libcore.la
tests_bench_paired_SOURCES = %D%/paired.c
tests_bench_paired_LDADD = -lm

# The native side: the same core, kit and driver in one program, without host and table (ruling: docs/adr).
native_core = \
    core/base/lock.c core/base/lock.h core/runtime/host.c \
    core/task/channel.c core/task/group.c core/task/run.c core/task/semaphore.c core/task/task.c \
    core/task/waiting.c
native_sources = %D%/bench_tasks.c %D%/direct_verbs.h %D%/side.h %D%/side_native.c $(native_core) \
    $(libyoke_kit_la_SOURCES)
native_cppflags = $(AM_CPPFLAGS) -DYOKE_VERBS_HEADER='"tests/bench/direct_verbs.h"' \
    -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'

if WITH_UV
check_PROGRAMS += tests/bench/bench_tasks_native_uv
tests_bench_bench_tasks_native_uv_SOURCES = $(native_sources) plugins/uv/uv_driver.c
tests_bench_bench_tasks_native_uv_CPPFLAGS = $(native_cppflags)
tests_bench_bench_tasks_native_uv_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
tests_bench_bench_tasks_native_uv_LDADD = $(UV_LIBS) -lpthread
endif

if WITH_EV
check_PROGRAMS += tests/bench/bench_tasks_native_ev
tests_bench_bench_tasks_native_ev_SOURCES = $(native_sources) plugins/ev/ev_driver.c
tests_bench_bench_tasks_native_ev_CPPFLAGS = $(native_cppflags)
tests_bench_bench_tasks_native_ev_CFLAGS = $(AM_CFLAGS) $(EV_CFLAGS)
tests_bench_bench_tasks_native_ev_LDADD = $(EV_LIBS) -lpthread
endif
