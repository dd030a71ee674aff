/* SPDX-License-Identifier: MIT
 * wires.c - see wires.h. */
#include "tests/conformance/wires.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/conformance/bed.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define STALE_MAX                                                                                  \
    1000 /* stale answers in one wait; a runtime that polls when it is ready gives one or two */
#define READY_MS_MAX 3000

struct wire wire_pipe(void)
{
    struct wire wire;
    EXPECT(pipe2(wire.fd, O_NONBLOCK | O_CLOEXEC) == 0, "the kit cannot make a pipe: %s",
           strerror(errno));
    return wire;
}

struct wire wire_socket(void)
{
    struct wire wire;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, wire.fd) == 0,
           "the kit cannot make a socket pair: %s", strerror(errno));
    return wire;
}

struct wire wire_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
               listen(listener, 1) == 0 &&
               getsockname(listener, (struct sockaddr *)&address, &address_bytes) == 0,
           "the kit cannot listen on 127.0.0.1: %s", strerror(errno));
    struct wire wire;
    wire.fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(wire.fd[0] >= 0 && connect(wire.fd[0], (struct sockaddr *)&address, sizeof address) == 0,
           "the kit cannot connect to 127.0.0.1: %s", strerror(errno));
    wire.fd[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    EXPECT(wire.fd[1] >= 0, "the kit cannot accept: %s", strerror(errno));
    EXPECT(fcntl(wire.fd[0], F_SETFL, O_RDWR | O_NONBLOCK) == 0, "the kit cannot set O_NONBLOCK");
    end_close(listener);
    return wire;
}

void wire_close(const struct wire *wire)
{
    end_close(wire->fd[0]);
    end_close(wire->fd[1]);
}

void end_close(int fd)
{
    EXPECT(close(fd) == 0,
           "close(%d) failed: the runtime has closed a descriptor that is not its own", fd);
}

void put_byte(int fd)
{
    ssize_t written = write(fd, "x", 1);
    EXPECT(written == 1, "the kit cannot write a byte: %s", strerror(errno));
}

void put_until_full(int fd)
{
    static const char block[4096];
    while (write(fd, block, sizeof block) > 0)
        continue;
    while (write(fd, block, 1) > 0)
        continue;
}

int take_byte(int fd)
{
    char byte;
    ssize_t got = read(fd, &byte, 1);
    return got < 0 ? -errno : (int)got;
}

bool is_ready(int fd, uint32_t events)
{
    struct pollfd poll_fd = {.fd = fd};
    poll_fd.events = (short)((events & YK_IN ? POLLIN | POLLRDHUP : 0) |
                             (events & YK_OUT ? POLLOUT : 0) | (events & YK_PRI ? POLLPRI : 0));
    return poll(&poll_fd, 1, 0) > 0; /* errors and hang-ups count, as in I2 */
}

yk_io *open_io(yk_spawner *spawner, int fd)
{
    yk_io *io = NULL;
    EXPECT_CODE(io_open(spawner, fd, &io), 0);
    EXPECT(io, "I1: io_open gave 0 and no handle");
    return io;
}

int32_t wait_ready(yk_task *self, yk_io *io, int fd, uint32_t events, int64_t deadline)
{
    for (int stale = 0; stale < STALE_MAX; stale++) {
        uint32_t ready = 0;
        int32_t r = io_wait(self, io, events, deadline, &ready);
        if (r != 0)
            return r;
        EXPECT(ready != 0, "I2: io_wait gave 0, but no readiness");
        EXPECT((ready & ~(events | YK_ERR | YK_HUP)) == 0,
               "I2: readiness 0x%x was told, 0x%x was asked for", ready, events);
        EXPECT(ready & events, "I2: readiness 0x%x has none of the 0x%x that were asked for", ready,
               events);
        if (is_ready(fd, events))
            return 0;
    }
    FAIL("I2: io_wait said 'ready' %d times in a row, and poll(2) never did", STALE_MAX);
}

void must_be_ready(yk_task *self, yk_io *io, int fd, uint32_t events, const char *what)
{
    int64_t deadline = in_ms(self->spawner, (int64_t)(READY_MS_MAX * bed_patience()));
    verdict_step("io_wait: %s", what);
    int32_t r = wait_ready(self, io, fd, events, deadline);
    while (r == -EINTR) /* the token of a gate that somebody has passed meanwhile */
        r = wait_ready(self, io, fd, events, deadline);
    EXPECT(r == 0, "I2: %s: io_wait gave %s, expected 0", what, code_name(r));
}

void await_waiter(yk_task *self, yk_io *io, uint32_t events, const _Atomic int *ended)
{
    int64_t deadline = in_ms(self->spawner, (int64_t)(READY_MS_MAX * bed_patience()));
    verdict_step("waiting for another task to be in io_wait (a second waiter gets -EBUSY)");
    while (!atomic_load(ended) && io_wait(self, io, events, ONLY_LOOK, &(uint32_t){0}) != -EBUSY) {
        EXPECT(
            now_ns(self->spawner) < deadline,
            "I2: another task waits, yet a second waiter in the same direction never got -EBUSY");
        (void)park(self, in_us(self->spawner, 100));
    }
}

int32_t first_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline, _Atomic int *ended)
{
    int32_t r = io_wait(self, io, events, deadline, &(uint32_t){0});
    while (r == -EBUSY) {
        (void)park(self, in_us(self->spawner, 50));
        r = io_wait(self, io, events, deadline, &(uint32_t){0});
    }
    atomic_store(ended, 1);
    return r;
}
