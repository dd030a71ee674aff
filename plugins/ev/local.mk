# SPDX-License-Identifier: MIT
# plugins/ev - the runtime ev.
if WITH_EV
pkglib_LTLIBRARIES += runtime_ev.la
runtime_ev_la_SOURCES = %D%/ev_driver.c
runtime_ev_la_CPPFLAGS = $(AM_CPPFLAGS) -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
runtime_ev_la_CFLAGS = $(AM_CFLAGS) $(EV_CFLAGS)
runtime_ev_la_LDFLAGS = $(LDFLAGS_PLUGIN)
runtime_ev_la_LIBADD = libyoke-kit.la $(EV_LIBS) -lpthread
endif
