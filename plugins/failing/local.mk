# SPDX-License-Identifier: MIT
# plugins/failing - the runtime failing, for tests; never installed.
#
# check_LTLIBRARIES += runtime_failing.la
# runtime_failing_la_SOURCES = %D%/failing.c
# runtime_failing_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
# runtime_failing_la_LIBADD = libyoke-kit.la -lpthread
