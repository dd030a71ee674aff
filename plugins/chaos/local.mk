# SPDX-License-Identifier: MIT
# plugins/chaos - the runtime chaos, around another one, for tests; never installed.
check_LTLIBRARIES += runtime_chaos.la
runtime_chaos_la_SOURCES = %D%/chaos.c
runtime_chaos_la_CPPFLAGS = $(AM_CPPFLAGS) -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
runtime_chaos_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
