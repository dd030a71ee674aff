# SPDX-License-Identifier: MIT
# tests/unit - one program of the library Check a file.
#
# A test of x.c is test_x.c here and one line in the list: its only source and its libraries are the defaults.
unit_tests =

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
