# SPDX-License-Identifier: MIT
# plugins/kit - what event-loop runtimes share; installed as libyoke-kit.a for plugin authors.
noinst_LTLIBRARIES += libyoke-kit.la
libyoke_kit_la_SOURCES = \
    %D%/context.c \
    %D%/context.h \
    %D%/kit.h \
    %D%/pool.c \
    %D%/pool.h \
    %D%/thread.c \
    %D%/thread.h

kitlibdir = $(libdir)
kitlib_DATA = libyoke-kit.a
CLEANFILES += libyoke-kit.a

# The convenience library's archive is the one to install: position-independent objects, nothing else.
libyoke-kit.a: libyoke-kit.la
	$(AM_V_GEN)cp .libs/libyoke-kit.a $@
