/* SPDX-License-Identifier: MIT
 * check_io_kinds.c - behaviours of io_wait on each kind of descriptor and on peers that go away.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, I1, I2: errors and hang-ups are readiness,
 * and the system call that follows tells which. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

static void pipe_writer_closed(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    end_close(wire.fd[1]);
    must_be_ready(self, io, wire.fd[0], YK_IN, "a pipe whose writer is gone");
    EXPECT_EQUAL("read from a pipe whose writer is gone", take_byte(wire.fd[0]), 0);
    io_close(self->spawner, io);
    end_close(wire.fd[0]);
}

/* An end that waits while the other end goes away. */
struct end {
    struct gate gate;
    int fd;
    uint32_t events;
    _Atomic int waiting;
};

static int32_t end_entry(yk_task *self, void *arg)
{
    struct end *end = arg;
    yk_io *io = open_io(self->spawner, end->fd);
    atomic_store(&end->waiting, 1);
    must_be_ready(self, io, end->fd, end->events, "an end whose other end goes away");
    io_close(self->spawner, io);
    gate_pass(&end->gate);
    return 0;
}

static void close_while_waited(yk_task *self, struct end *end, int other_fd)
{
    gate_init(&end->gate, self, 1);
    bed_spawn(self->spawner, end_entry, end);
    while (!atomic_load(&end->waiting))
        (void)park(self, in_us(self->spawner, 100));
    (void)park(self, in_ms(self->spawner, 1));
    end_close(other_fd);
    gate_wait(self, &end->gate, "a task that waits while the other end goes away");
}

static void pipe_reader_closed(yk_task *self, struct bed *bed)
{
    (void)bed;
    (void)signal(SIGPIPE, SIG_IGN);
    struct wire before = wire_pipe();
    yk_io *io = open_io(self->spawner, before.fd[1]);
    put_until_full(before.fd[1]);
    end_close(before.fd[0]);
    for (int i = 0; i < 3; i++) {
        must_be_ready(self, io, before.fd[1], YK_OUT,
                      "a full pipe whose reader is gone counts as ready; write tells EPIPE");
        ssize_t r = write(before.fd[1], "x", 1);
        EXPECT(r < 0 && errno == EPIPE, "write to a pipe whose reader is gone did not give EPIPE");
    }
    io_close(self->spawner, io);
    end_close(before.fd[1]);

    struct wire meanwhile = wire_pipe();
    put_until_full(meanwhile.fd[1]);
    struct end end = {.fd = meanwhile.fd[1], .events = YK_OUT};
    close_while_waited(self, &end, meanwhile.fd[0]);
    end_close(meanwhile.fd[1]);
}

static void hang_up_only(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_socket();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    put_until_full(wire.fd[0]);
    end_close(wire.fd[1]);
    must_be_ready(self, io, wire.fd[0], YK_IN, "a socket whose peer is gone, for input");
    must_be_ready(self, io, wire.fd[0], YK_OUT, "a socket whose peer is gone, for output");
    must_be_ready(self, io, wire.fd[0], YK_IN | YK_OUT, "a socket whose peer is gone, for both");
    io_close(self->spawner, io);
    end_close(wire.fd[0]);
}

static void half_close(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_tcp();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    EXPECT(shutdown(wire.fd[1], SHUT_WR) == 0, "the kit cannot shut a socket down");
    must_be_ready(self, io, wire.fd[0], YK_IN, "a socket whose peer has ended its output");
    EXPECT_EQUAL("read from a socket whose peer has ended its output", take_byte(wire.fd[0]), 0);
    must_be_ready(self, io, wire.fd[0], YK_OUT, "and the other direction still works");
    put_byte(wire.fd[0]);
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void peer_reset(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_tcp();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    struct linger at_once = {.l_onoff = 1};
    EXPECT(setsockopt(wire.fd[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0,
           "the kit cannot set SO_LINGER");
    end_close(wire.fd[1]); /* a reset */
    must_be_ready(self, io, wire.fd[0], YK_IN, "a connection that was reset");
    int r = take_byte(wire.fd[0]);
    EXPECT(r == -ECONNRESET,
           "after a reset read gave %d, expected -ECONNRESET: the runtime took the error", r);
    io_close(self->spawner, io);
    end_close(wire.fd[0]);
}

static void connect_refused(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int bound =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* keeps the port, does not listen */
    EXPECT(bound >= 0 && bind(bound, (struct sockaddr *)&address, sizeof address) == 0 &&
               getsockname(bound, (struct sockaddr *)&address, &address_bytes) == 0,
           "the kit cannot bind to 127.0.0.1");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = connect(fd, (struct sockaddr *)&address, sizeof address);
    EXPECT(r < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED), "the kit cannot connect");
    yk_io *io = open_io(self->spawner, fd);
    must_be_ready(self, io, fd, YK_OUT, "a connection that was refused");
    io_close(self->spawner, io);
    end_close(fd);
    end_close(bound);
}

static void unconnected_socket(yk_task *self, struct bed *bed)
{
    (void)bed;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    yk_io *io = open_io(self->spawner, fd);
    must_be_ready(self, io, fd, YK_OUT, "a socket that is not connected (poll says HUP)");
    must_be_ready(self, io, fd, YK_IN, "a socket that is not connected (poll says HUP)");
    io_close(self->spawner, io);
    end_close(fd);
}

static void expect_always_ready(yk_task *self, int fd, const char *what)
{
    static const uint32_t events[] = {YK_IN, YK_OUT, YK_IN | YK_OUT};
    EXPECT(fd >= 0 && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0, "the kit cannot open %s", what);
    yk_io *io = open_io(self->spawner, fd);
    for (int i = 0; i < 6; i++) {
        must_be_ready(self, io, fd, events[i % 3], what);
        int32_t r = io_wait(self, io, events[i % 3], ONLY_LOOK, &(uint32_t){0});
        EXPECT(r == 0, "I1: one look at %s gave %s, expected 0", what, code_name(r));
    }
    io_close(self->spawner, io);
    end_close(fd);
}

static void regular_file_always_ready(yk_task *self, struct bed *bed)
{
    (void)bed;
    char path[] = "/tmp/yoke-conformance-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    (void)unlink(path);
    expect_always_ready(self, fd, "a regular file");
    expect_always_ready(self, memfd_create("yoke-conformance", MFD_CLOEXEC), "a memfd");
    expect_always_ready(self, open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
}

static void expect_in(yk_task *self, int fd, const char *what)
{
    EXPECT(fd >= 0, "the kit cannot make %s", what);
    yk_io *io = open_io(self->spawner, fd);
    must_be_ready(self, io, fd, YK_IN, what);
    io_close(self->spawner, io);
    end_close(fd);
}

static void special_descriptors(yk_task *self, struct bed *bed)
{
    (void)bed;
    expect_in(self, eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), "an eventfd");

    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec soon = {.it_value.tv_nsec = 3000000};
    EXPECT(timerfd_settime(timer, 0, &soon, NULL) == 0, "the kit cannot set a timerfd");
    expect_in(self, timer, "a timerfd");

    int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    char path[] = "/tmp/yoke-conformance-XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    EXPECT(inotify_add_watch(notify, path, IN_MODIFY) >= 0, "the kit cannot watch a file");
    put_byte(file);
    expect_in(self, notify, "an inotify descriptor");
    (void)unlink(path);
    end_close(file);

    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) { /* valgrind has none */
        EXPECT(fcntl(pidfd, F_SETFL, O_RDWR | O_NONBLOCK) == 0, "the kit cannot set a pidfd up");
        expect_in(self, pidfd, "a pidfd of a child that ends");
    }
    EXPECT(waitpid(pid, NULL, 0) == pid, "somebody else has waited for the kit's child");
}

static void signal_descriptor(yk_task *self, struct bed *bed)
{
    (void)bed;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR2);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    EXPECT(kill(getpid(), SIGUSR2) == 0, "the kit cannot send itself a signal");
    yk_io *io = open_io(self->spawner, fd);
    must_be_ready(self, io, fd, YK_IN, "a signalfd");
    struct signalfd_siginfo info;
    EXPECT_EQUAL("bytes of a signalfd", read(fd, &info, sizeof info), sizeof info);
    io_close(self->spawner, io);
    end_close(fd);
}

/* Signals reach a signalfd when every thread has blocked them; a runtime must not unblock them. */
static void signalfd_works(struct bed *bed)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR2);
    EXPECT(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "the kit cannot block a signal");
    bed_run(bed, NULL, signal_descriptor);
}

static void terminal(yk_task *self, struct bed *bed)
{
    (void)bed;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    char name[64];
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        verdict_skip("no pseudo-terminal can be made here");
    int slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    EXPECT(slave >= 0, "the kit cannot open %s", name);
    yk_io *io = open_io(self->spawner, master);
    must_be_ready(self, io, master, YK_OUT, "a terminal that takes input");
    put_byte(slave);
    must_be_ready(self, io, master, YK_IN, "a terminal that has output");
    EXPECT_EQUAL("bytes of a terminal", take_byte(master), 1);
    end_close(slave);
    must_be_ready(self, io, master, YK_IN, "a terminal whose other side is gone (read tells EIO)");
    io_close(self->spawner, io);
    end_close(master);
}

static void oob_pri(yk_task *self, struct bed *bed)
{
    struct wire wire = wire_tcp();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    int32_t r = wait_ready(self, io, wire.fd[0], YK_PRI, in_ms(self->spawner, 2));
    if (bed_has(bed, YK_CAP_PRIORITY)) {
        EXPECT(r == -ETIMEDOUT, "I2: without urgent data io_wait for YK_PRI gave %s", code_name(r));
        EXPECT(send(wire.fd[1], "!", 1, MSG_OOB) == 1, "the kit cannot send urgent data");
        must_be_ready(self, io, wire.fd[0], YK_PRI, "urgent data");
    } else {
        EXPECT(r == -ENOSYS || r == -ETIMEDOUT,
               "I2: caps do not claim PRIORITY: io_wait for YK_PRI gave %s, expected -ENOSYS",
               code_name(r));
        if (r != -ENOSYS)
            verdict_warn("I2: it knows YK_PRI, but its caps do not claim YK_CAP_PRIORITY");
        put_byte(wire.fd[1]);
        must_be_ready(self, io, wire.fd[0], YK_IN, "input, after YK_PRI was refused");
    }
    io_close(self->spawner, io);
    wire_close(&wire);
}

static const struct behaviour behaviours[] = {
    {"pipe_writer_closed_IN_ready", "I2: the end of input is readiness",
     .on_task = pipe_writer_closed},
    {"pipe_reader_closed_OUT_ready_not_error",
     "I2: a pipe without a reader is ready, never an error", .on_task = pipe_reader_closed},
    {"hang_up_only_is_ready", "I2: a hang-up counts as all that was asked for",
     .on_task = hang_up_only},
    {"half_close_is_ready", "I2: the peer's end of output is input readiness",
     .on_task = half_close},
    {"peer_reset_ready_then_ECONNRESET_from_read",
     "I2: a reset is readiness, its error is left to read", .on_task = peer_reset},
    {"connect_in_progress_refused", "I2: a refused connect is output readiness",
     .on_task = connect_refused},
    {"unconnected_socket", "I2: neither an error nor a wait without end",
     .on_task = unconnected_socket},
    {"regular_file_always_ready", "I1: what cannot be polled counts as always ready",
     .on_task = regular_file_always_ready},
    {"eventfd_timerfd_inotify_pidfd", "I2: the kernel's own descriptors",
     .on_task = special_descriptors},
    {"signalfd", "I2: signals that are blocked in the calling thread stay blocked in it",
     .run = signalfd_works},
    {"tty", "I2: a terminal, and one whose other side is gone", .on_task = terminal},
    {"oob_PRI", "I2 YK_CAP_PRIORITY: urgent data, or -ENOSYS", .on_task = oob_pri},
};

THEME(io_kinds, behaviours);
