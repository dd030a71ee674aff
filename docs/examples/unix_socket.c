/* SPDX-License-Identifier: MIT
 * unix_socket.c - see unix_socket.h. */
#include "docs/examples/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define BACKLOG      128

struct unix_socket {
    yk_spawner *spawner; /* borrowed */
    int fd;              /* owned */
    yk_fd *ready;        /* owned */
};

int unix_socket_new(yk_spawner *spawner, int take_fd, struct unix_socket **out_socket)
{
    OWNED(unix_socket) struct unix_socket *socket = calloc(1, sizeof *socket);
    if (!socket) {
        close(take_fd);
        return -ENOMEM;
    }
    socket->spawner = spawner;
    socket->fd = take_fd;
    int r = yk_fd_open(spawner, take_fd, &socket->ready);
    if (r < 0)
        return r;
    *out_socket = MOVE(socket);
    return 0;
}

void unix_socket_free(struct unix_socket *take_socket)
{
    if (!take_socket)
        return;
    yk_fd_free(take_socket->ready); /* first: the number may be somebody else's after the close */
    close(take_socket->fd);
    free(take_socket);
}

int unix_socket_pair(yk_spawner *spawner, struct unix_socket **out_a, struct unix_socket **out_b)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCKET_FLAGS, 0, fds) < 0)
        return -errno;
    OWNED(unix_socket) struct unix_socket *a = NULL;
    int r = unix_socket_new(spawner, fds[0], &a);
    if (r < 0) {
        close(fds[1]);
        return r;
    }
    r = unix_socket_new(spawner, fds[1], out_b);
    if (r < 0)
        return r;
    *out_a = MOVE(a);
    return 0;
}

int unix_socket_listen(yk_spawner *spawner, struct sockaddr_un *out_address, socklen_t *out_len,
                       struct unix_socket **out_socket)
{
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0)
        return -errno;
    OWNED(unix_socket) struct unix_socket *listener = NULL;
    int r = unix_socket_new(spawner, fd, &listener);
    if (r < 0)
        return r;
    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *out_len = sizeof *out_address;
    if (bind(fd, (struct sockaddr *)out_address, sizeof out_address->sun_family) < 0 ||
        getsockname(fd, (struct sockaddr *)out_address, out_len) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *out_socket = MOVE(listener);
    return 0;
}

int unix_socket_connect(yk_spawner *spawner, const struct sockaddr_un *address, socklen_t len,
                        struct unix_socket **out_socket)
{
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return unix_socket_new(spawner, fd, out_socket);
}

/* What to do after a system call that has returned `done`: 0 (try again), `done`, or an error. */
static ssize_t after_try(yk_task *self, struct unix_socket *socket, ssize_t done, int error,
                         uint32_t events, int64_t deadline)
{
    if (done >= 0)
        return done;
    if (error == EINTR)
        return 0;
    if (error != EAGAIN)
        return -error;
    int r = yk_fd_wait(self, socket->ready, events, deadline);
    return r < 0 ? r : 0;
}

int unix_socket_accept(yk_task *self, struct unix_socket *listener, int64_t deadline,
                       struct unix_socket **out_socket)
{
    int r = yk_task_check(self);
    while (r == 0) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            return unix_socket_new(listener->spawner, fd, out_socket);
        r = (int)after_try(self, listener, fd, errno, YK_IN, deadline);
    }
    return r;
}

ssize_t unix_socket_read(yk_task *self, struct unix_socket *socket, void *bytes, size_t bytes_max,
                         int64_t deadline)
{
    ssize_t r = yk_task_check(self);
    while (r == 0) {
        ssize_t got = recv(socket->fd, bytes, bytes_max, 0);
        if (got == 0)
            return 0;
        r = after_try(self, socket, got, errno, YK_IN, deadline);
    }
    return r;
}

int unix_socket_write(yk_task *self, struct unix_socket *socket, const void *bytes, size_t len,
                      int64_t deadline)
{
    const char *rest = bytes;
    ssize_t r = yk_task_check(self);
    while (r >= 0 && len > 0) {
        ssize_t sent = send(socket->fd, rest, len, MSG_NOSIGNAL);
        r = after_try(self, socket, sent, errno, YK_OUT, deadline);
        if (r > 0) {
            rest += r;
            len -= (size_t)r;
        }
    }
    return r < 0 ? (int)r : 0;
}
