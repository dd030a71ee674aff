# SPDX-License-Identifier: MIT
# plugins/mock - the runtime mock, for tests; never installed.
check_LTLIBRARIES += runtime_mock.la
runtime_mock_la_SOURCES = \
    %D%/mock.c \
    %D%/mock.h \
    %D%/mock_fiber.c \
    %D%/mock_fiber.h \
    %D%/mock_io.c \
    %D%/mock_io.h \
    %D%/mock_options.c \
    %D%/mock_options.h \
    %D%/mock_schedule.c \
    %D%/mock_schedule.h
runtime_mock_la_CPPFLAGS = $(AM_CPPFLAGS) -DYK_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
runtime_mock_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
runtime_mock_la_LIBADD = libyoke-kit.la -lpthread
