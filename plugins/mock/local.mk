# SPDX-License-Identifier: MIT
# plugins/mock - the runtime mock, for tests; never installed.
#
# check_LTLIBRARIES += runtime_mock.la
# runtime_mock_la_SOURCES = %D%/mock.c
# runtime_mock_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
# runtime_mock_la_LIBADD = libyoke-kit.la -lpthread
