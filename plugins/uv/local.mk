# SPDX-License-Identifier: MIT
# plugins/uv - the runtime uv.
if WITH_UV
pkglib_LTLIBRARIES += runtime_uv.la
runtime_uv_la_SOURCES = %D%/uv_driver.c
runtime_uv_la_CPPFLAGS = $(AM_CPPFLAGS) -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
runtime_uv_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
runtime_uv_la_LDFLAGS = $(LDFLAGS_PLUGIN)
runtime_uv_la_LIBADD = libyoke-kit.la $(UV_LIBS) -lpthread
endif
