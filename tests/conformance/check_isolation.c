/* SPDX-License-Identifier: MIT
 * check_isolation.c - behaviours towards the rest of the process: signals, descriptors, forks,
 * output.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, L2, H4, M3; proc(5).  A runtime is a guest
 * in the process: it takes nothing for itself that is there only once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define NAME_BYTES 16 /* of a thread, with its end */

struct gate_job {
    yk_job job;
    struct gate *gate;
    int result;
};

static int32_t pass_entry(yk_task *self, void *arg)
{
    (void)self;
    gate_pass(arg);
    return 0;
}

static void run_gate_job(yk_job *job)
{
    gate_pass(((struct gate_job *)(void *)job)->gate);
}

static void use_everything(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct gate gate;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    gate_init(&gate, self, 2);
    struct gate_job job = {.job.run = run_gate_job, .gate = &gate};
    bed_spawn(self->spawner, pass_entry, &gate);
    EXPECT_CODE(offload(self->spawner, &job.job), 0);
    (void)wait_ready(self, io, wire.fd[0], YK_IN, in_ms(self->spawner, 1));
    gate_wait(self, &gate, "a task and a job");
    (void)park(self, in_ms(self->spawner, 1));
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void expect_same_dispositions(const struct dispositions *before, const char *when)
{
    static struct dispositions now;
    dispositions_take(&now);
    int number = dispositions_differ(before, &now);
    EXPECT(number == 0, "signal %d (%s) is handled otherwise %s", number, strsignal(number), when);
}

static void dispositions_untouched(struct bed *bed)
{
    static struct dispositions before;
    char error[BED_ERROR_BYTES];
    dispositions_take(&before);
    EXPECT(bed_load(bed, error) == 0, "%s", error);
    expect_same_dispositions(&before, "after loading");
    yk_spawner *spawner = bed_create(bed);
    expect_same_dispositions(&before, "after create");
    bed_block_on(bed, spawner, use_everything);
    expect_same_dispositions(&before, "after block_on");
    bed_close(spawner);
    expect_same_dispositions(&before, "after destroy");
}

static sigset_t mask_of_caller;

static void expect_same_mask(const char *where)
{
    sigset_t now;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &now);
    for (int number = 1; number < FOOTPRINT_SIGNALS; number++)
        EXPECT(sigismember(&now, number) == sigismember(&mask_of_caller, number),
               "%s, signal %d is %s", where, number,
               sigismember(&now, number) > 0 ? "blocked, and was not before"
                                             : "not blocked any more");
}

static void look_at_mask(yk_task *self, struct bed *bed)
{
    use_everything(self, bed);
    if (bed_has(bed, YK_CAP_LOOPS))
        expect_same_mask("in the main task");
}

static void signal_mask_unchanged(struct bed *bed)
{
    sigset_t some;
    (void)sigemptyset(&some);
    (void)sigaddset(&some, SIGUSR1);
    (void)sigaddset(&some, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &some, NULL);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask_of_caller);
    yk_spawner *spawner = bed_create(bed);
    expect_same_mask("after create");
    bed_block_on(bed, spawner, look_at_mask);
    expect_same_mask("after block_on");
    bed_close(spawner);
    expect_same_mask("after destroy");
}

/* "SigBlk" of one thread. */
static uint64_t blocked_signals(const char *tid)
{
    char path[300];
    char line[256];
    uint64_t blocked = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return UINT64_MAX; /* it has ended meanwhile */
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "SigBlk:", 7) == 0)
            blocked = strtoull(line + 7, NULL, 16);
    (void)fclose(file);
    return blocked;
}

static void run_mask_job(yk_job *job)
{
    DIR *directory = opendir("/proc/self/task");
    EXPECT(directory, "the kit cannot read /proc/self/task");
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == getpid())
            continue;
        uint64_t blocked = blocked_signals(entry->d_name);
        for (int number = 1; number < FOOTPRINT_SIGNALS; number++)
            EXPECT(!signal_must_be_blocked(number) || (blocked & (UINT64_C(1) << (number - 1))),
                   "H4: signal %d is not blocked in thread %s, made by the runtime", number,
                   entry->d_name);
    }
    (void)closedir(directory);
    gate_pass(((struct gate_job *)(void *)job)->gate);
}

static int32_t waiting_entry(yk_task *self, void *arg)
{
    _Atomic int *released = arg;
    while (!atomic_load(released))
        (void)park(self, YK_NEVER);
    return 0;
}

static void look_at_threads(yk_task *self, struct bed *bed)
{
    (void)bed;
    _Atomic int released = 0;
    struct gate gate;
    gate_init(&gate, self, 1);
    struct gate_job job = {.job.run = run_mask_job, .gate = &gate};
    yk_task *task = bed_spawn_held(self->spawner, waiting_entry, &released);
    EXPECT_CODE(offload(self->spawner, &job.job), 0);
    gate_wait(self, &gate, "a job that looks at all threads");
    atomic_store(&released, 1);
    unpark(task);
    unref(task);
    bed_await_alone(self); /* it looks at `released` once more */
}

static void plugin_threads_block_all_signals(struct bed *bed)
{
    bed_run(bed, NULL, look_at_threads);
}

static void look_at_fds(yk_task *self, struct bed *bed)
{
    use_everything(self, bed);
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        EXPECT(flags < 0 || (flags & FD_CLOEXEC),
               "descriptor %d, made by the runtime, is not CLOEXEC: children inherit it", fd);
    }
}

static void child_inherits_no_fds(struct bed *bed)
{
    for (int fd = 3; fd < 1024; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* the kit's own and what was inherited */
    bed_run(bed, NULL, look_at_fds);
}

static void fork_and_exec(yk_task *self, struct bed *bed)
{
    use_everything(self, bed);
    pid_t pid = fork();
    EXPECT(pid >= 0, "the kit cannot fork");
    if (pid == 0) {
        (void)execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    pid_t r;
    while ((r = waitpid(pid, &status, WNOHANG)) == 0)
        (void)park(self, in_ms(self->spawner, 1));
    EXPECT(r == pid, "somebody else has waited for the kit's child (waitpid: %s)", strerror(errno));
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7,
           "a child forked on a task ended with status 0x%x", status);
    use_everything(self, bed);
}

static void run_fork_job(yk_job *job)
{
    struct gate_job *fork_job = (struct gate_job *)(void *)job;
    int status = system("exit 9"); /* fork, exec, wait */
    fork_job->result = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    gate_pass(fork_job->gate);
}

static void fork_from_offload_thread(yk_task *self, struct bed *bed)
{
    struct gate gate;
    gate_init(&gate, self, 1);
    struct gate_job job = {.job.run = run_fork_job, .gate = &gate};
    EXPECT_CODE(offload(self->spawner, &job.job), 0);
    gate_wait(self, &gate, "a job that forks");
    EXPECT_EQUAL("exit status of a command that a job has run", job.result, 9);
    use_everything(self, bed);
}

static int32_t noop_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

/* In the forked child: every verb but destroy says that its owner is dead. */
static void use_in_child(yk_spawner *spawner, int fd)
{
    spawner->ops->after_fork_child(spawner);
    yk_spawn_options options = {.size = sizeof options};
    yk_io *io = NULL;
    static yk_job job;
    int32_t r = spawn(spawner, &options, noop_entry, NULL, NULL);
    EXPECT(r == -EOWNERDEAD, "M3: spawn in a forked child gave %s, expected -EOWNERDEAD",
           code_name(r));
    r = block_on(spawner, noop_entry, NULL, NULL);
    EXPECT(r == -EOWNERDEAD, "M3: block_on in a forked child gave %s, expected -EOWNERDEAD",
           code_name(r));
    r = io_open(spawner, fd, &io);
    EXPECT(r == -EOWNERDEAD, "M3: io_open in a forked child gave %s, expected -EOWNERDEAD",
           code_name(r));
    r = offload(spawner, &job);
    EXPECT(r == -EOWNERDEAD, "M3: offload in a forked child gave %s, expected -EOWNERDEAD",
           code_name(r));
    (void)stats(spawner);
    r = bed_destroy(spawner);
    EXPECT(r == 0, "M3: destroy in a forked child gave %s, expected 0", code_name(r));
}

static void fork_child_verbs_eownerdead(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    if (!spawner->ops->after_fork_child)
        verdict_skip("after_fork_child is optional, and absent");
    struct wire wire = wire_pipe();
    bed_block_on(bed, spawner, use_everything);
    pid_t pid = fork();
    EXPECT(pid >= 0, "the kit cannot fork");
    if (pid == 0) {
        use_in_child(spawner, wire.fd[0]);
        _exit(0);
    }
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid, "the kit cannot wait for its child");
    EXPECT(WIFEXITED(status), "M3: the forked child was killed by signal %d", WTERMSIG(status));
    EXPECT(WEXITSTATUS(status) == 0, "M3: the forked child ended with %d", WEXITSTATUS(status));
    bed_block_on(bed, spawner, use_everything); /* the parent's loops are as before */
    bed_close(spawner);
    wire_close(&wire);
}

static _Atomic int handler_ran;

static void on_usr1(int number)
{
    (void)number;
    char local = 0;
    atomic_store(&handler_ran, lent_on_signal_stack(&local) ? 2 : 1);
}

static void raise_on_task(yk_task *self, struct bed *bed)
{
    (void)bed;
    sigset_t set;
    sigset_t before;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, &before); /* a runtime's own threads block all */
    for (int i = 0; i < 10; i++) {
        atomic_store(&handler_ran, 0);
        EXPECT(pthread_kill(pthread_self(), SIGUSR1) == 0, "the kit cannot raise a signal");
        EXPECT(atomic_load(&handler_ran) > 0, "a handler did not run while a task ran");
        EXPECT(bed_under_tool() || atomic_load(&handler_ran) == 2,
               "H4: a handler with SA_ONSTACK ran on the task's stack: the thread has not called "
               "thread_start");
        (void)park(self, in_us(self->spawner, 100));
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void sa_onstack_handler_runs(struct bed *bed)
{
    struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
    (void)sigaction(SIGUSR1, &action, NULL);
    bed_run(bed, NULL, raise_on_task);
}

static void look_at_name(yk_task *self, struct bed *bed)
{
    use_everything(self, bed);
}

static void caller_is_as_before(struct bed *bed)
{
    char before[NAME_BYTES] = "";
    char after[NAME_BYTES] = "";
    mode_t mask = umask(027);
    (void)prctl(PR_SET_NAME, "the kit");
    (void)prctl(PR_GET_NAME, before);
    bed_run(bed, NULL, look_at_name);
    (void)prctl(PR_GET_NAME, after);
    EXPECT(strcmp(before, after) == 0,
           "the name of the thread that called block_on was '%s' and is '%s'", before, after);
    EXPECT_EQUAL("the umask", umask(mask), 027);
}

static void prints_nothing(struct bed *bed)
{
    char error[BED_ERROR_BYTES];
    struct stat status;
    int output = memfd_create("output", MFD_CLOEXEC);
    int before[] = {dup(1), dup(2)};
    EXPECT(output >= 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2,
           "the kit cannot redirect its output");
    EXPECT(bed_load(bed, error) == 0, "%s", error);
    bed_run(bed, NULL, use_everything);
    EXPECT(fstat(output, &status) == 0, "the kit cannot look at its output");
    (void)dup2(before[0], 1);
    (void)dup2(before[1], 2);
    char line[100] = "";
    (void)pread(output, line, sizeof line - 1, 0);
    EXPECT(status.st_size == 0 || strncmp(line, "log ", 4) == 0,
           "H2: it printed to the terminal: '%s'", line);
}

static void one_loop_needs_no_thread(yk_task *self, struct bed *bed)
{
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    (void)wait_ready(self, io, wire.fd[0], YK_IN, in_ms(self->spawner, 1));
    int threads = threads_now();
    io_close(self->spawner, io);
    wire_close(&wire);
    (void)bed;
    if (threads > 1 && !bed_under_tool())
        verdict_warn("with one loop and nothing on the pool the process has %d threads", threads);
}

static const struct behaviour behaviours[] = {
    {"SIGCHLD_SIGPIPE_dispositions_untouched",
     "children and signals are the host's: no handler is installed",
     .unloaded = dispositions_untouched},
    {"signal_mask_of_task_unchanged",
     "H4: nor is the mask of the thread that calls create or block_on",
     .run = signal_mask_unchanged},
    {"plugin_threads_block_all_signals", "H4: threads made by the runtime have all signals blocked",
     .not_with = YK_CAP_VIRTUAL_TIME, .run = plugin_threads_block_all_signals},
    {"child_inherits_no_fds", "L2: each of its descriptors is CLOEXEC",
     .run = child_inherits_no_fds},
    {"fork_in_task_exec_works", "a task may fork and exec; nobody else waits for the child",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = fork_and_exec},
    {"fork_from_offload_thread", "O1: so may a job", .on_task = fork_from_offload_thread},
    {"fork_child_verbs_EOWNERDEAD",
     "M3: after after_fork_child verbs are refused; the parent goes on",
     .run = fork_child_verbs_eownerdead},
    {"SA_ONSTACK_handler_runs_during_task", "H4: a task's thread has a signal stack",
     .run = sa_onstack_handler_runs},
    {"caller_is_as_before", "the caller's thread keeps its name, the process its umask",
     .run = caller_is_as_before},
    {"prints_nothing", "H2: what it has to say goes through the log", .unloaded = prints_nothing},
    {"one_loop_needs_no_thread", "YK_CAP_LOOPS: with one loop there is one thread (else a warning)",
     .needs = YK_CAP_LOOPS, .on_task = one_loop_needs_no_thread},
};

THEME(isolation, behaviours);
