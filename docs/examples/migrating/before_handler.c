/* SPDX-License-Identifier: MIT
 * before_handler.c - a detached handler for each connection, as libuv callbacks.  After:
 * after_handler.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one connection: accept,
 * read, answer, close. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

#include "docs/examples/migrating/stopwatch.h"
#include "docs/examples/migrating/visitor.h"

#define BATCH 32 /* clients at once */

/* A connection lives from on_connection() to on_closed(), and nobody holds it. */
struct connection {
    uv_pipe_t pipe;
    uv_write_t write;
    char bytes[VISIT_BYTES];
    size_t len;
};

static int served;

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
    served++;
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* who would be told? */
    uv_close((uv_handle_t *)write->handle, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buf)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *out_buf =
        uv_buf_init(connection->bytes + connection->len, (unsigned)(VISIT_BYTES - connection->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    (void)buf;
    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    connection->len += (size_t)got;
    if (connection->len < VISIT_BYTES)
        return;
    (void)uv_read_stop(stream); /* cannot fail */
    uv_buf_t answer = uv_buf_init(connection->bytes, VISIT_BYTES);
    if (uv_write(&connection->write, stream, &answer, 1, on_written) < 0)
        uv_close((uv_handle_t *)stream, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        return;
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return;
    (void)uv_pipe_init(listener->loop, &connection->pipe, 0); /* cannot fail */
    connection->pipe.data = connection;
    uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
    if (uv_accept(listener, stream) < 0 || uv_read_start(stream, on_alloc, on_read) < 0)
        uv_close((uv_handle_t *)stream, on_closed);
}

static void listen_anywhere(uv_loop_t *loop, uv_pipe_t *pipe, struct sockaddr_un *out_address,
                            socklen_t *out_len)
{
    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *out_len = sizeof *out_address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = bind(fd, (struct sockaddr *)out_address, sizeof out_address->sun_family);
    assert(r == 0);
    r = getsockname(fd, (struct sockaddr *)out_address, out_len);
    assert(r == 0);
    (void)uv_pipe_init(loop, pipe, 0); /* cannot fail */
    r = uv_pipe_open(pipe, fd);
    assert(r == 0);
    r = uv_listen((uv_stream_t *)pipe, BATCH, on_connection);
    assert(r == 0);
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 320);
    uv_loop_t loop;
    uv_pipe_t listener;
    struct sockaddr_un address;
    socklen_t len;
    int r = uv_loop_init(&loop);
    assert(r == 0);
    listen_anywhere(&loop, &listener, &address, &len);

    int64_t begin = stopwatch_now();
    for (int done = 0; done < count;) {
        int clients[BATCH];
        int batch = count - done < BATCH ? count - done : BATCH;
        for (int i = 0; i < batch; i++)
            clients[i] = visit_begin(&address, len);
        done += batch;
        while (served < done)
            (void)uv_run(&loop, UV_RUN_ONCE);
        for (int i = 0; i < batch; i++)
            visit_end(clients[i]);
    }
    stopwatch_print(begin, count);

    uv_close((uv_handle_t *)&listener, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    r = uv_loop_close(&loop);
    assert(r == 0);
    return 0;
}
