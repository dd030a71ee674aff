# SPDX-License-Identifier: MIT
# plugins/threads - the runtime threads.
#
# if WITH_THREADS
# pkglib_LTLIBRARIES += runtime_threads.la
# runtime_threads_la_SOURCES = %D%/threads.c
# runtime_threads_la_CFLAGS = $(AM_CFLAGS) $(THREADS_CFLAGS)
# runtime_threads_la_LDFLAGS = $(LDFLAGS_PLUGIN)
# runtime_threads_la_LIBADD = libyoke-kit.la $(THREADS_LIBS) -lpthread
# endif
