/* SPDX-License-Identifier: MIT
 * visitor.h - the clients of a server under test: the same plain calls before and after.
 *
 * Layer: docs/examples. */
#pragma once

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VISIT_BYTES 64

/* Connects and sends a request of VISIT_BYTES bytes.  Returns the descriptor. */
static inline int visit_begin(const struct sockaddr_un *address, socklen_t len)
{
    char request[VISIT_BYTES];
    memset(request, 'r', sizeof request);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    int r = connect(fd, (const struct sockaddr *)address, len);
    assert(r == 0);
    ssize_t sent = send(fd, request, sizeof request, MSG_NOSIGNAL);
    assert(sent == VISIT_BYTES);
    return fd;
}

/* Takes the answer, which is there: the request, sent back; then the end. */
static inline void visit_end(int take_fd)
{
    char answer[VISIT_BYTES + 1];
    ssize_t got = recv(take_fd, answer, sizeof answer, 0);
    assert(got == VISIT_BYTES && answer[0] == 'r' && answer[VISIT_BYTES - 1] == 'r');
    got = recv(take_fd, answer, sizeof answer, 0);
    assert(got == 0);
    close(take_fd);
}
