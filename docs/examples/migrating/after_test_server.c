/* SPDX-License-Identifier: MIT
 * after_test_server.c - a server for tests, as a task of the test's own spawner.  Before:
 * before_test_server.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one test: start the server,
 * one request, stop. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <yoke/default.h>
#include <yoke/group.h>

#include "docs/examples/migrating/stopwatch.h"
#include "docs/examples/migrating/visitor.h"
#include "docs/examples/unix_socket.h"

#define REQUEST_MS 1000

struct test_server {
    struct unix_socket *listener; /* owned */
    struct sockaddr_un address;
    socklen_t len;
    yk_group *group; /* owned: the task */
};

static int answer(yk_task *self, struct unix_socket *socket)
{
    char bytes[VISIT_BYTES];
    int64_t deadline = yk_deadline_ms(self, REQUEST_MS);
    ssize_t got = unix_socket_read(self, socket, bytes, sizeof bytes, deadline);
    return got < 0 ? (int)got : unix_socket_write(self, socket, bytes, (size_t)got, deadline);
}

static int serve(yk_task *self, void *arg)
{
    struct test_server *server = arg;
    for (;;) {
        OWNED(unix_socket) struct unix_socket *socket = NULL;
        int r = unix_socket_accept(self, server->listener, YK_NEVER, &socket);
        if (r == 0)
            r = answer(self, socket);
        if (r < 0)
            return r;
    }
}

/* Ends the task, wherever it waits, and frees.  Blocks, as the drop of a group does. */
static void test_server_free(struct test_server *take_server)
{
    if (!take_server)
        return;
    yk_group_free(take_server->group);
    unix_socket_free(take_server->listener);
    free(take_server);
}
DEFINE_DROP(test_server, struct test_server)

static int test_server_new(yk_task *self, yk_spawner *spawner, struct test_server **out_server)
{
    OWNED(test_server) struct test_server *server = calloc(1, sizeof *server);
    if (!server)
        return -ENOMEM;
    int r = unix_socket_listen(spawner, &server->address, &server->len, &server->listener);
    if (r == 0)
        r = yk_group_new(self, spawner, &server->group);
    if (r == 0)
        r = yk_group_spawn(server->group, "test server", serve, server);
    if (r < 0)
        return r;
    *out_server = MOVE(server);
    return 0;
}

/* The test's own request. */
static int ask(yk_task *self, const struct test_server *server)
{
    char bytes[VISIT_BYTES] = "r";
    int64_t deadline = yk_deadline_ms(self, REQUEST_MS);
    OWNED(unix_socket) struct unix_socket *socket = NULL;
    int r = unix_socket_connect(yk_task_spawner(self), &server->address, server->len, &socket);
    if (r == 0)
        r = unix_socket_write(self, socket, bytes, sizeof bytes, deadline);
    if (r < 0)
        return r;
    ssize_t got = unix_socket_read(self, socket, bytes, sizeof bytes, deadline);
    assert(got < 0 || (got == VISIT_BYTES && bytes[0] == 'r'));
    return got < 0 ? (int)got : 0;
}

static int test(yk_task *self)
{
    OWNED(test_server) struct test_server *server = NULL;
    int r = test_server_new(self, yk_task_spawner(self), &server);
    return r < 0 ? r : ask(self, server);
}

static int program(yk_task *self, void *arg)
{
    int count = *(int *)arg;
    int r = 0;
    int64_t begin = stopwatch_now();
    for (int i = 0; r == 0 && i < count; i++)
        r = test(self);
    stopwatch_print(begin, count);
    return r;
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 100);
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, &count) == 0 ? 0 : 1;
}
