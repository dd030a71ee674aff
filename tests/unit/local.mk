# SPDX-License-Identifier: MIT
# tests/unit - one program of the library Check a file.
#
# A test of x.c is test_x.c here and one line in the list: its only source and its libraries are the defaults.
unit_tests =

# plugins/threads, by its bare verbs.
unit_tests += \
    %D%/test_thread_io \
    %D%/test_thread_spawner \
    %D%/test_thread_token \
    %D%/test_thread_worker
%C%_test_thread_spawner_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
EXTRA_DIST += %D%/threads_case.h

# core/base, servers/stack, servers/orchestrator: no runtime needed.
unit_tests += \
    %D%/test_arena \
    %D%/test_base64 \
    %D%/test_event \
    %D%/test_file \
    %D%/test_graph \
    %D%/test_launch_plan \
    %D%/test_line_format \
    %D%/test_lines \
    %D%/test_run_lock \
    %D%/test_stack_file \
    %D%/test_stack_no_memory \
    %D%/test_substitute \
    %D%/test_suggest \
    %D%/test_text \
    %D%/test_yaml
%C%_test_stack_no_memory_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
EXTRA_DIST += %D%/stack_case.h

# core/base, and core/task on every runtime.
unit_tests += \
    %D%/test_cancel \
    %D%/test_cancel_loses_nothing \
    %D%/test_channel \
    %D%/test_condition \
    %D%/test_error \
    %D%/test_failing \
    %D%/test_fault \
    %D%/test_group \
    %D%/test_list \
    %D%/test_lock \
    %D%/test_mock \
    %D%/test_mutex \
    %D%/test_no_memory \
    %D%/test_offload \
    %D%/test_run \
    %D%/test_select \
    %D%/test_semaphore \
    %D%/test_signals \
    %D%/test_stress \
    %D%/test_task \
    %D%/test_timeout \
    %D%/test_wait_fd \
    %D%/test_watchdog
%C%_test_no_memory_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)

# core/config and core/runtime; the planted runtime lies in a folder of its own.
unit_tests += \
    %D%/test_conf_file \
    %D%/test_default \
    %D%/test_loader \
    %D%/test_plugin_path \
    %D%/test_runtime \
    %D%/test_runtimes_conf
%C%_test_conf_file_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
%C%_test_loader_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
%C%_test_runtime_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
%C%_test_runtimes_conf_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
check_LTLIBRARIES += %D%/plugins/runtime_planted.la
%C%_plugins_runtime_planted_la_SOURCES = %D%/plugins/runtime_planted.c
%C%_plugins_runtime_planted_la_LDFLAGS = -module $(LDFLAGS_PLUGIN) -rpath /nowhere
EXTRA_DIST += %D%/plugin_case.h

# core/process on every runtime.
unit_tests += \
    %D%/test_census \
    %D%/test_child \
    %D%/test_child_end \
    %D%/test_console \
    %D%/test_guardian \
    %D%/test_reaper \
    %D%/test_registry
%C%_test_child_LDFLAGS = $(AM_LDFLAGS) $(LDFLAGS_SUPPORT_WRAP)
EXTRA_DIST += %D%/child_case.h

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests) %D%/test_chaos.sh %D%/test_mock_seeds.sh %D%/test_workers.sh
endif
EXTRA_DIST += %D%/test_chaos.sh %D%/test_mock_seeds.sh %D%/test_workers.sh
