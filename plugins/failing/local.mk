# SPDX-License-Identifier: MIT
# plugins/failing - the runtime failing, around another one, for tests; never installed.
check_LTLIBRARIES += runtime_failing.la
runtime_failing_la_SOURCES = %D%/failing.c %D%/failing.h
runtime_failing_la_CPPFLAGS = $(AM_CPPFLAGS) -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
runtime_failing_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
