/* SPDX-License-Identifier: MIT
 * unix_socket.h - a Unix stream socket for tasks, for the examples.
 *
 * Layer: docs/examples.  Threads: one reader task and one writer task at a time.
 *
 * Yoke has no streams yet; until it has, this is all that stands between a task and a socket: try
 * the system call, and where it would block wait for the descriptor with yk_fd_wait().  Sockets
 * have addresses that the kernel chooses (unix(7), autobind), so that no file is left behind. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <yoke/wait_fd.h>

struct unix_socket; /* opaque: the fields live in unix_socket.c */

/* Makes a socket for tasks of `spawner` from a descriptor that is O_NONBLOCK, which is closed on
 * failure, too.
 * Returns 0, -EBADF, -EBUSY, -ENOMEM. */
MUST_USE int unix_socket_new(yk_spawner *spawner, int take_fd, struct unix_socket **out_socket);

/* Closes at once; NULL is fine.  Nobody may be waiting in it. */
void unix_socket_free(struct unix_socket *take_socket);
DEFINE_DROP(unix_socket, struct unix_socket)

/* Two that are connected.  Returns 0, -EMFILE, -ENFILE, -ENOMEM. */
MUST_USE int unix_socket_pair(yk_spawner *spawner, struct unix_socket **out_a,
                              struct unix_socket **out_b);

/* One that listens.  Its address is written to *out_address, *out_len.
 * Returns 0, -EMFILE, -ENFILE, -ENOMEM, -EADDRINUSE. */
MUST_USE int unix_socket_listen(yk_spawner *spawner, struct sockaddr_un *out_address,
                                socklen_t *out_len, struct unix_socket **out_socket);

/* Connects at once: a Unix socket does not wait for its peer's accept.
 * Returns 0; -EAGAIN (the line of those to be accepted is full), -ECONNREFUSED, -EMFILE, -ENFILE,
 * -ENOMEM. */
MUST_USE int unix_socket_connect(yk_spawner *spawner, const struct sockaddr_un *address,
                                 socklen_t len, struct unix_socket **out_socket);

/* Waits for the next connection.  Blocks.  Returns 0, -ETIMEDOUT, -ECANCELED, -EMFILE, -ENFILE,
 * -ENOMEM. */
MUST_USE int unix_socket_accept(yk_task *self, struct unix_socket *listener, int64_t deadline,
                                struct unix_socket **out_socket);

/* Reads what is there, at least one byte.  Blocks.
 * Returns the number of bytes, 0 at the end, -ECONNRESET, -ETIMEDOUT, -ECANCELED. */
MUST_USE ssize_t unix_socket_read(yk_task *self, struct unix_socket *socket, void *bytes,
                                  size_t bytes_max, int64_t deadline);

/* Writes all of it.  Blocks.  Returns 0, -EPIPE, -ECONNRESET, -ETIMEDOUT, -ECANCELED (part of it
 * may be written). */
MUST_USE int unix_socket_write(yk_task *self, struct unix_socket *socket, const void *bytes,
                               size_t len, int64_t deadline);
