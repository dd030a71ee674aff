# SPDX-License-Identifier: MIT
# docs - pages, man pages, and the programs in docs/examples.
#
# Most examples stand on installed headers and on libyoke alone; tests/system/test_examples.sh runs each on each runtime.
examples = \
    %D%/examples/inject_constructor \
    %D%/examples/inject_detect \
    %D%/examples/inject_parameter

examples_after = \
    %D%/examples/migrating/after_events \
    %D%/examples/migrating/after_handler \
    %D%/examples/migrating/after_stdin \
    %D%/examples/migrating/after_teardown \
    %D%/examples/migrating/after_test_server

examples_before = \
    %D%/examples/migrating/before_stdin \
    %D%/examples/migrating/before_teardown \
    %D%/examples/migrating/before_test_server
if WITH_UV
examples_before += %D%/examples/migrating/before_handler
endif
if WITH_EV
examples_before += %D%/examples/migrating/before_events
endif

check_PROGRAMS += $(examples) $(examples_after) $(examples_before)
example_socket = %D%/examples/unix_socket.c %D%/examples/unix_socket.h
example_clock = %D%/examples/migrating/stopwatch.h

%C%_examples_inject_constructor_LDADD = libyoke.la
%C%_examples_inject_detect_LDADD = libyoke.la
%C%_examples_inject_parameter_LDADD = libyoke.la

%C%_examples_migrating_after_events_SOURCES = %D%/examples/migrating/after_events.c $(example_clock)
%C%_examples_migrating_after_events_LDADD = libyoke.la
%C%_examples_migrating_after_handler_SOURCES = %D%/examples/migrating/after_handler.c $(example_clock) \
    %D%/examples/migrating/visitor.h $(example_socket)
%C%_examples_migrating_after_handler_LDADD = libyoke.la
%C%_examples_migrating_after_stdin_SOURCES = %D%/examples/migrating/after_stdin.c $(example_clock)
%C%_examples_migrating_after_stdin_LDADD = libyoke.la
%C%_examples_migrating_after_teardown_SOURCES = %D%/examples/migrating/after_teardown.c $(example_clock) \
    $(example_socket)
%C%_examples_migrating_after_teardown_LDADD = libyoke.la
%C%_examples_migrating_after_test_server_SOURCES = %D%/examples/migrating/after_test_server.c $(example_clock) \
    %D%/examples/migrating/visitor.h $(example_socket)
%C%_examples_migrating_after_test_server_LDADD = libyoke.la

%C%_examples_migrating_before_events_CFLAGS = $(AM_CFLAGS) $(EV_CFLAGS)
%C%_examples_migrating_before_events_LDADD = $(EV_LIBS) -lpthread
%C%_examples_migrating_before_handler_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
%C%_examples_migrating_before_handler_LDADD = $(UV_LIBS)
%C%_examples_migrating_before_stdin_LDADD = -lpthread
%C%_examples_migrating_before_teardown_LDADD = -lpthread
%C%_examples_migrating_before_test_server_LDADD = -lpthread

# The third pattern is a test of its own.
if HAVE_CHECK
check_PROGRAMS += %D%/examples/inject_test
TESTS += %D%/examples/inject_test
endif
%C%_examples_inject_test_SOURCES = %D%/examples/inject_test.c $(example_socket)

# A plugin that is built from installed files, by tests/system/out_of_tree.sh.
EXTRA_DIST += %D%/examples/epoll/Makefile %D%/examples/epoll/epoll_driver.c

EXTRA_DIST += %D%/ARCHITECTURE.md %D%/HACKING.md %D%/INJECTION.md %D%/MIGRATING.md %D%/OPERATIONS.md \
    %D%/PLUGINS.md %D%/TOUR.md %D%/adr

docs_tests = tests/shape/test_docs.sh tests/system/out_of_tree.sh tests/system/test_examples.sh
TESTS += $(docs_tests)
EXTRA_DIST += $(docs_tests) tools/check-docs tests/bench/migrating.sh

.PHONY: bench bench-migrating
bench: bench-migrating
bench-migrating: all $(examples_after) $(examples_before)
	RUNTIMES='$(RUNTIMES)' $(srcdir)/tests/bench/migrating.sh .
