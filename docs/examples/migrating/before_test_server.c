/* SPDX-License-Identifier: MIT
 * before_test_server.c - a server for tests, on a thread of its own.  After: after_test_server.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one test: start the server,
 * one request, stop. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "docs/examples/migrating/stopwatch.h"
#include "docs/examples/migrating/visitor.h"

#define BACKLOG 8

struct test_server {
    int listener; /* owned */
    struct sockaddr_un address;
    socklen_t len;
    atomic_bool stopping;
    pthread_t thread;
};

static void answer(int take_fd)
{
    char bytes[VISIT_BYTES];
    ssize_t got = recv(take_fd, bytes, sizeof bytes, MSG_WAITALL);
    if (got == VISIT_BYTES)
        (void)send(take_fd, bytes, sizeof bytes, MSG_NOSIGNAL); /* the test will see */
    close(take_fd);
}

static void *serve(void *arg)
{
    struct test_server *server = arg;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (atomic_load(&server->stopping)) {
            close(fd);
            return NULL;
        }
        if (fd >= 0)
            answer(fd);
    }
}

static void test_server_start(struct test_server *server)
{
    *server =
        (struct test_server){.address = {.sun_family = AF_UNIX}, .len = sizeof server->address};
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = bind(server->listener, (struct sockaddr *)&server->address,
                 sizeof server->address.sun_family);
    assert(r == 0);
    r = getsockname(server->listener, (struct sockaddr *)&server->address, &server->len);
    assert(r == 0);
    r = listen(server->listener, BACKLOG);
    assert(r == 0);
    r = pthread_create(&server->thread, NULL, serve, server);
    assert(r == 0);
}

/* Sets the flag, and connects once more so that accept() returns and the thread looks at it. */
static void test_server_stop(struct test_server *server)
{
    atomic_store(&server->stopping, true);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)connect(fd, (struct sockaddr *)&server->address, server->len);
    pthread_join(server->thread, NULL); /* for ever, if a client does not send all of its request */
    close(fd);
    close(server->listener);
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 100);
    int64_t begin = stopwatch_now();
    for (int i = 0; i < count; i++) {
        struct test_server server;
        test_server_start(&server);
        visit_end(visit_begin(&server.address, server.len));
        test_server_stop(&server);
    }
    stopwatch_print(begin, count);
    return 0;
}
