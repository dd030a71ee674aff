# SPDX-License-Identifier: MIT
# plugins/threads - the runtime threads.
if WITH_THREADS
pkglib_LTLIBRARIES += runtime_threads.la
runtime_threads_la_SOURCES = \
    %D%/thread_crew.c \
    %D%/thread_crew.h \
    %D%/thread_entry.c \
    %D%/thread_futex.h \
    %D%/thread_io.c \
    %D%/thread_io.h \
    %D%/thread_lock.c \
    %D%/thread_lock.h \
    %D%/thread_options.c \
    %D%/thread_options.h \
    %D%/thread_spawner.c \
    %D%/thread_spawner.h \
    %D%/thread_task.c \
    %D%/thread_task.h \
    %D%/thread_token.c \
    %D%/thread_token.h \
    %D%/thread_worker.c \
    %D%/thread_worker.h
runtime_threads_la_CFLAGS = $(AM_CFLAGS) $(THREADS_CFLAGS)
runtime_threads_la_LDFLAGS = $(LDFLAGS_PLUGIN)
runtime_threads_la_LIBADD = libyoke-kit.la $(THREADS_LIBS) -lpthread
endif
