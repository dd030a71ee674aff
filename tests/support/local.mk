# SPDX-License-Identifier: MIT
# tests/support - what the tests share: libsupport.la is linked into each, the janitor runs each.
libsupport_la_SOURCES += \
    %D%/fail_nth.c \
    %D%/registration.c \
    %D%/support.c \
    %D%/support.h
libsupport_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

# For programs that use support_fail_nth_alloc().
LDFLAGS_SUPPORT_WRAP = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup \
    -Wl,--wrap=posix_memalign

check_PROGRAMS += %D%/janitor
%C%_janitor_SOURCES = %D%/janitor.c
%C%_janitor_LDADD =

EXTRA_DIST += %D%/test_janitor.sh
TESTS += %D%/test_janitor.sh
if HAVE_CHECK
check_PROGRAMS += %D%/planted_leaks
endif
