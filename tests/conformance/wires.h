/* SPDX-License-Identifier: MIT
 * wires.h - descriptors to wait for: pipes, socket pairs, TCP connections.
 *
 * Layer: tests/conformance.  Threads: any.  All are O_NONBLOCK and CLOEXEC; what fails ends the
 * behaviour. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <yoke/spawner.h>

/* Two ends.  Of a pipe: 0 reads, 1 writes.  Of a socket: both do both. */
struct wire {
    int fd[2];
};

struct wire wire_pipe(void);
struct wire wire_socket(void);
struct wire wire_tcp(void); /* over the loopback interface */
void wire_close(const struct wire *wire);
void end_close(int fd);

void put_byte(int fd);
void put_until_full(int fd);

/* Reads a byte; -EAGAIN, or another negative errno; 0 at the end. */
int take_byte(int fd);

/* What poll(2) says of the descriptor now. */
bool is_ready(int fd, uint32_t events);

/* io_open that must succeed. */
yk_io *open_io(yk_spawner *spawner, int fd);

/* io_wait that goes on when the readiness was stale (I2 allows that), so that 0 means really ready.
 * Fails the behaviour when it is stale for ever, which would be a busy loop. */
int32_t wait_ready(yk_task *self, yk_io *io, int fd, uint32_t events, int64_t deadline);

/* As wait_ready(), with a deadline that only a failure reaches, and the result must be 0; `what` is
 * awaited. */
void must_be_ready(yk_task *self, yk_io *io, int fd, uint32_t events, const char *what);

/* Waits until another task is in io_wait for `events` on this handle: this one's look gets -EBUSY
 * then.  The other must use first_wait(), for its own wait may meet the look.  Its wait may also
 * have ended already, by stale readiness, which I2 allows now and then: it says so by `ended`. */
void await_waiter(yk_task *self, yk_io *io, uint32_t events, const _Atomic int *ended);

/* One io_wait, stale or not, repeated only while somebody else looks.  Sets `*ended` when it is
 * over. */
int32_t first_wait(yk_task *self, yk_io *io, uint32_t events, int64_t deadline, _Atomic int *ended);
