/* SPDX-License-Identifier: MIT
 * after_handler.c - a handler for each connection, as a task of a group.  Before: before_handler.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one connection: accept,
 * read, answer, close. */
#include <assert.h>
#include <errno.h>

#include <yoke/default.h>
#include <yoke/group.h>
#include <yoke/semaphore.h>

#include "docs/examples/migrating/stopwatch.h"
#include "docs/examples/migrating/visitor.h"
#include "docs/examples/unix_socket.h"

#define BATCH      32 /* clients at once */
#define REQUEST_MS 1000

struct server {
    struct unix_socket *listener; /* borrowed */
    yk_group *handlers;           /* borrowed: a task for each connection */
    yk_semaphore served;          /* a permit for each connection that has ended */
};

/* What the task of a connection gets: a copy of this. */
struct connection {
    struct server *server;      /* borrowed */
    struct unix_socket *socket; /* owned */
};

static int answer(yk_task *self, struct unix_socket *socket)
{
    char bytes[VISIT_BYTES];
    size_t len = 0;
    int64_t deadline = yk_deadline_ms(self, REQUEST_MS);
    while (len < sizeof bytes) {
        ssize_t got = unix_socket_read(self, socket, bytes + len, sizeof bytes - len, deadline);
        if (got <= 0)
            return got < 0 ? (int)got : -EPIPE;
        len += (size_t)got;
    }
    return unix_socket_write(self, socket, bytes, len, deadline);
}

/* A client that misbehaves fails alone: its error is not the group's. */
static int handler_main(yk_task *self, void *arg)
{
    struct connection connection = *(struct connection *)arg;
    int r = answer(self, connection.socket);
    unix_socket_free(connection.socket);
    yk_semaphore_release(&connection.server->served);
    return r == -ECANCELED ? r : 0;
}

static int accept_main(yk_task *self, void *arg)
{
    struct server *server = arg;
    const yk_task_options options = {.name = "handler", .arg_bytes = sizeof(struct connection)};
    for (;;) {
        OWNED(unix_socket) struct unix_socket *socket = NULL;
        int r = unix_socket_accept(self, server->listener, YK_NEVER, &socket);
        if (r < 0)
            return r;
        struct connection connection = {server, socket};
        r = yk_group_spawn_with(server->handlers, &options, handler_main, &connection);
        if (r < 0)
            return r;
        (void)MOVE(socket); /* the handler's now */
    }
}

/* Sends `count` clients, a batch at a time. */
static void visit(yk_task *self, struct server *server, const struct sockaddr_un *address,
                  socklen_t len, int count)
{
    for (int done = 0; done < count;) {
        int clients[BATCH];
        int batch = count - done < BATCH ? count - done : BATCH;
        for (int i = 0; i < batch; i++)
            clients[i] = visit_begin(address, len);
        done += batch;
        for (int i = 0; i < batch; i++) {
            int r = yk_semaphore_acquire(self, &server->served, YK_NEVER);
            assert(r == 0);
        }
        for (int i = 0; i < batch; i++)
            visit_end(clients[i]);
    }
}

static int program(yk_task *self, void *arg)
{
    int count = *(int *)arg;
    struct sockaddr_un address;
    socklen_t len;
    OWNED(unix_socket) struct unix_socket *listener = NULL;
    int r = unix_socket_listen(yk_task_spawner(self), &address, &len, &listener);
    if (r < 0)
        return r;
    struct server server = {.listener = listener};
    yk_semaphore_init(&server.served, 0);
    OWNED(yk_group) yk_group *handlers = NULL;
    r = yk_group_new(self, NULL, &handlers);
    if (r < 0)
        return r;
    server.handlers = handlers;
    r = yk_group_spawn(handlers, "accept", accept_main, &server);
    if (r < 0)
        return r;

    int64_t begin = stopwatch_now();
    visit(self, &server, &address, len, count);
    stopwatch_print(begin, count);
    return 0; /* the group is dropped first: it ends the accept task and waits for every handler */
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 320);
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, &count) == 0 ? 0 : 1;
}
