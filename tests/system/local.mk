# SPDX-License-Identifier: MIT
# tests/system - the built programs as a user runs them.
system_tests = \
    %D%/test_install.sh

TESTS += $(system_tests)
EXTRA_DIST += $(system_tests)
