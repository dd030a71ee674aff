# SPDX-License-Identifier: MIT
# plugins/kit - what event-loop runtimes share; installed as libyoke-kit.a for plugin authors.
noinst_LTLIBRARIES += libyoke-kit.la
libyoke_kit_la_SOURCES = \
    %D%/context.c \
    %D%/context.h \
    %D%/fiber.c \
    %D%/fiber.h \
    %D%/kit.c \
    %D%/kit.h \
    %D%/kit_options.c \
    %D%/kit_options.h \
    %D%/kit_state.h \
    %D%/loop.c \
    %D%/loop.h \
    %D%/pool.c \
    %D%/pool.h \
    %D%/stack.c \
    %D%/stack.h \
    %D%/stack_switch.h \
    %D%/thread.c \
    %D%/thread.h \
    %D%/timers.c \
    %D%/timers.h \
    %D%/watch.c \
    %D%/watch.h \
    %D%/watchdog.c \
    %D%/watchdog.h

pkginclude_HEADERS += %D%/kit.h

kitlibdir = $(libdir)
kitlib_DATA = libyoke-kit.a
CLEANFILES += libyoke-kit.a

# The convenience library's archive is the one to install: position-independent objects, nothing else.
libyoke-kit.a: libyoke-kit.la
	$(AM_V_GEN)cp .libs/libyoke-kit.a $@
