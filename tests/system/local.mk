# SPDX-License-Identifier: MIT
# tests/system - the built programs as a user runs them.
system_tests = \
    %D%/test_command_line.sh \
    %D%/test_config_check.sh \
    %D%/test_contexts.sh \
    %D%/test_demo.sh \
    %D%/test_dev.sh \
    %D%/test_install.sh \
    %D%/test_loader_rights.sh \
    %D%/test_loop_thread.sh \
    %D%/test_man.sh \
    %D%/test_runtime_list.sh \
    %D%/test_up_faults.sh \
    %D%/test_up_killed.sh \
    %D%/test_up_many.sh \
    %D%/test_up_order.sh \
    %D%/test_up_output.sh \
    %D%/test_up_refusals.sh \
    %D%/test_up_runtime.sh \
    %D%/test_up_stop.sh

TESTS += $(system_tests)
EXTRA_DIST += $(system_tests) %D%/cli_case.sh %D%/up_case.sh docs/examples/demo/services.yaml
