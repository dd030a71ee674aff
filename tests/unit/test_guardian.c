/* SPDX-License-Identifier: MIT
 * test_guardian.c - a host that is killed leaves nothing running: on every runtime.
 *
 * Layer: tests/unit.  The program is its own guardian (see main()).  The host is a process of its
 * own, forked by the test before there are threads, which tells the test its children's pids. */
#include "core/process/guardian.h"
#include "core/process/vigil.h"

#include "core/process/census.h"
#include "tests/unit/child_case.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <yoke/group.h>

#define GRACE_MS 300
#define ROUNDS   2

static const struct guardian_options host_options = {.grace_ms = GRACE_MS};

/* --- the test's side -------------------------------------------------------------------------- */

struct host {
    pid_t pid;
    FILE *words; /* what it says */
};

/* A host's main task; says what it has to say on `fd`. */
typedef int host_fn(yk_task *self, int fd);

struct host_start {
    host_fn *fn;
    int fd;
};

static int host_main(yk_task *self, void *arg)
{
    struct host_start *start = arg;
    return start->fn(self, start->fd);
}

/* pidfds  whether the host and its children, the guardian among them, may have some */
static struct host host_fork(int i, host_fn *fn, bool pidfds)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    struct host host = {.pid = fork()};
    ck_assert_int_ge(host.pid, 0);
    if (host.pid == 0) {
        struct host_start start = {fn, fds[1]};
        close(fds[0]);
        if (!pidfds && !pidfds_forbid())
            _exit(77);
        _exit(support_run_on(support_runtime(i), host_main, &start) == 0 ? 0 : 1);
    }
    close(fds[1]);
    host.words = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(host.words);
    return host;
}

/* Reads "NAME PID" and opens a pidfd.  Returns it. */
static int host_read_pid(struct host *host, const char *name, pid_t *out_pid)
{
    char word[32] = "";
    int pid = 0;
    ck_assert_int_eq(fscanf(host->words, "%31s %d", word, &pid), 2);
    ck_assert_str_eq(word, name);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    ck_assert_msg(fd >= 0, "%s, process %d, has gone already", name, pid);
    support_register_daemon(pid, name);
    if (out_pid)
        *out_pid = pid;
    return fd;
}

static void host_kill(struct host *host)
{
    ck_assert_int_eq(kill(host->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(host->pid, NULL, 0), host->pid);
}

static bool pidfd_ended(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 1;
}

/* Waits for the end of a process and closes its pidfd. */
static void expect_end(int fd, const char *name)
{
    ck_assert_msg(pidfd_ended(fd, 10000 * support_scale()), "%s is alive still", name);
    close(fd);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void host_say(int fd, const char *name, pid_t pid)
{
    dprintf(fd, "%s %d\n", name, (int)pid);
}

static struct guardian *guardian_make(yk_task *self)
{
    struct guardian *guardian = NULL;
    struct error err = {0};
    int r = guardian_open(self, &host_options, &guardian, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return guardian;
}

static yk_child *guarded_shell(yk_task *self, struct guardian *guardian, const char *line)
{
    const char *const argv[] = {"sh", "-c", line, NULL};
    const yk_child_options options = {.program = "sh", .argv = argv};
    char text[YK_CHILD_ERROR_TEXT_BYTES] = "";
    yk_child *child = NULL;
    int r = guardian_child_start(self, guardian, &options, &child, text, sizeof text);
    ck_assert_msg(r == 0, "%s", text);
    return child;
}

/* Starts a line that prints the pid of what shall be ended. */
static void host_start(yk_task *self, struct guardian *guardian, int fd, const char *name,
                       const char *line)
{
    yk_child *child = guarded_shell(self, guardian, line);
    host_say(fd, name, child_read_pid(self, child));
}

static int wait_for_ever(yk_task *self)
{
    return yk_task_sleep(self, YK_NEVER);
}

static int host_of_all_kinds(yk_task *self, int fd)
{
    struct guardian *guardian = guardian_make(self);
    host_say(fd, "guardian", guardian_pid(guardian));
    host_start(self, guardian, fd, "plain", "echo $$; exec sleep 1000");
    host_start(self, guardian, fd, "grandchild", "sleep 1000 & echo $!; wait");
    host_start(self, guardian, fd, "orphan", "sleep 1000 & echo $!; exit 0");
    host_start(self, guardian, fd, "deaf", "trap '' TERM; echo $$; exec sleep 1000");
    host_start(self, guardian, fd, "stopped", "echo $$; kill -STOP $$; exec sleep 1000");
    host_start(self, guardian, fd, "nameless", "echo $$; exec env -i sleep 1000");
    host_start(self, guardian, fd, "nameless-orphan", "env -i sleep 1000 & echo $!; exit 0");
    host_start(self, guardian, fd, "left", "setsid sleep 1000 & echo $!; wait");
    return wait_for_ever(self);
}

static void expect_all_kinds_ended(int runtime, bool pidfds)
{
    static const char *const names[] = {"guardian", "plain",    "grandchild",      "orphan", "deaf",
                                        "stopped",  "nameless", "nameless-orphan", "left"};
    enum { COUNT = sizeof names / sizeof names[0] };
    pid_t stranger = fork(); /* has nothing to do with the run */
    ck_assert_int_ge(stranger, 0);
    if (stranger == 0) {
        pause();
        _exit(0);
    }
    struct host host = host_fork(runtime, host_of_all_kinds, pidfds);
    int fds[COUNT];
    pid_t pids[COUNT];
    for (int i = 0; i < COUNT; i++)
        fds[i] = host_read_pid(&host, names[i], &pids[i]);
    host_kill(&host);
    for (int i = 1; i < COUNT; i++)
        expect_end(fds[i], names[i]);
    expect_end(fds[0], names[0]); /* it has nothing to do any more */
    for (int i = 0; i < COUNT; i++)
        support_forget_daemon(pids[i]);
    ck_assert_int_eq(waitpid(stranger, NULL, WNOHANG), 0);
    ck_assert_int_eq(kill(stranger, SIGKILL), 0);
    ck_assert_int_eq(waitpid(stranger, NULL, 0), stranger);
    fclose(host.words);
}

START_TEST(killed_host_leaves_nothing)
{
    expect_all_kinds_ended(_i, true);
}
END_TEST

START_TEST(killed_host_leaves_nothing_where_there_are_no_pidfds)
{
    expect_all_kinds_ended(_i, false);
}
END_TEST

/* Kills its first guardian, sees the second, and waits for its own end. */
static int host_without_its_first_guardian(yk_task *self, int fd)
{
    struct guardian *guardian = guardian_make(self);
    pid_t first = guardian_pid(guardian);
    host_start(self, guardian, fd, "before", "echo $$; exec env -i sleep 1000");
    yk_child *gone = guarded_shell(self, guardian, "exit 0");
    guardian_child_free(self, guardian, gone);
    ck_assert_int_eq(kill(first, SIGTERM), 0); /* does not mind */
    ck_assert_int_eq(kill(first, SIGKILL), 0);
    host_start(self, guardian, fd, "between", "echo $$; exec sleep 1000");
    int64_t deadline = support_deadline(self);
    while (guardian_pid(guardian) == first || guardian_pid(guardian) == 0) {
        ck_assert_int_lt(yk_now(self), deadline);
        ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
    }
    host_say(fd, "guardian", guardian_pid(guardian));
    host_start(self, guardian, fd, "after", "echo $$; exec sleep 1000");
    return wait_for_ever(self);
}

START_TEST(killed_guardian_is_replaced)
{
    static const char *const names[] = {"before", "between", "guardian", "after"};
    struct host host = host_fork(_i, host_without_its_first_guardian, true);
    int fds[4];
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        fds[i] = host_read_pid(&host, names[i], &pids[i]);
    host_kill(&host);
    for (int i = 0; i < 4; i++) {
        expect_end(fds[i], names[i]);
        support_forget_daemon(pids[i]);
    }
    fclose(host.words);
}
END_TEST

/* Every second child is left to the guardian. */
static int start_and_start(yk_task *self, void *arg)
{
    struct guardian *guardian = arg;
    for (int r = 0; r == 0; r = yk_task_check(self)) {
        (void)guarded_shell(self, guardian, "exec sleep 1000");
        guardian_child_free(self, guardian, guarded_shell(self, guardian, "exec sleep 1000"));
    }
    return 0;
}

static int host_that_starts(yk_task *self, int fd)
{
    struct guardian *guardian = guardian_make(self);
    dprintf(fd, "%s\n", guardian_run_id(guardian));
    host_say(fd, "guardian", guardian_pid(guardian));
    yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(yk_group_spawn(group, "start", start_and_start, guardian), 0);
    return yk_group_join(self, group, YK_NEVER);
}

/* Whether /proc has a live process that is not the test's own and was started with the id. */
static bool run_is_alive(const char *run_id)
{
    char command[256];
    snprintf(command, sizeof command,
             "cd /proc; grep -lsa 'YOKE_RUN_ID=%s' [0-9]*/environ >/dev/null", run_id);
    return system(command) == 0;
}

/* In the midst of starting, at a moment that nobody has chosen. */
START_TEST(host_that_is_killed_while_it_starts_leaves_nothing)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct host host = host_fork(_i, host_that_starts, true);
        char run_id[128];
        ck_assert_int_eq(fscanf(host.words, "%127s", run_id), 1);
        pid_t pid;
        int fd = host_read_pid(&host, "guardian", &pid);
        ck_assert(!pidfd_ended(fd, 5 + 20 * round));
        host_kill(&host);
        expect_end(fd, "guardian");
        support_forget_daemon(pid);
        ck_assert(!run_is_alive(run_id));
        fclose(host.words);
    }
}
END_TEST

/* --- in order --------------------------------------------------------------------------------- */

TASK_TEST(farewell_ends_the_guardian_and_nothing_else)
{
    struct guardian *guardian = guardian_make(self);
    pid_t pid = guardian_pid(guardian);
    support_register_daemon(pid, "guardian");
    yk_child *child = guarded_shell(self, guardian, "echo $YOKE_RUN_ID; exec cat");
    support_register_group(yk_child_pid(child), "child");
    char line[128];
    child_read_line(self, child, line, sizeof line);
    ck_assert_str_eq(line, guardian_run_id(guardian));
    ck_assert_int_eq(guardian_close(self, guardian, support_deadline(self)), 0);
    ck_assert(!process_exists(pid));
    support_forget_daemon(pid);
    ck_assert_int_eq(yk_child_wait(self, child, 0, NULL), -ETIMEDOUT); /* alive */
    child_end(child);
}

TASK_TEST(free_kills_the_guardian_and_nothing_else)
{
    struct guardian *guardian = guardian_make(self);
    pid_t pid = guardian_pid(guardian);
    yk_child *child = guarded_shell(self, guardian, "exec cat");
    support_register_group(yk_child_pid(child), "child");
    guardian_free(guardian);
    process_await_end(self, pid);
    ck_assert_int_eq(yk_child_wait(self, child, 0, NULL), -ETIMEDOUT);
    child_end(child);
}

TASK_TEST(id_of_an_outer_run_stays_in_front)
{
    ck_assert_int_eq(setenv("YOKE_RUN_ID", "outer/middle", 1), 0);
    struct guardian *guardian = guardian_make(self);
    ck_assert_int_eq(strncmp(guardian_run_id(guardian), "outer/middle/", 13), 0);
    ck_assert_uint_eq(strlen(guardian_run_id(guardian)), 13 + 32);
    yk_child *child = guarded_shell(self, guardian, "env | grep -c YOKE_RUN_ID");
    support_register_group(yk_child_pid(child), "child");
    char line[16];
    child_read_line(self, child, line, sizeof line);
    ck_assert_str_eq(line, "1");
    guardian_child_free(self, guardian, child);
    ck_assert_int_eq(guardian_close(self, guardian, support_deadline(self)), 0);
}

TASK_TEST(program_that_is_no_guardian_is_refused)
{
    struct guardian *guardian = NULL;
    struct error err = {0};
    struct guardian_options options = {.program = "/bin/echo"};
    ck_assert_int_eq(guardian_open(self, &options, &guardian, &err), -EPROTO);
    ck_assert_ptr_nonnull(strstr(err.text, "'/bin/echo __guardian' is no guardian: it said '__g"));
    options.program = "/nowhere/yoke";
    ck_assert_int_eq(guardian_open(self, &options, &guardian, &err), -ENOENT);
    ck_assert_str_eq(err.text, "the guardian: program '/nowhere/yoke' does not exist");
    ck_assert_ptr_null(guardian);
}

TASK_TEST(child_that_cannot_be_started_is_told)
{
    struct guardian *guardian = guardian_make(self);
    const char *const argv[] = {"x", NULL};
    const yk_child_options options = {.program = "/nowhere/x", .argv = argv};
    char text[YK_CHILD_ERROR_TEXT_BYTES];
    yk_child *child = NULL;
    ck_assert_int_eq(guardian_child_start(self, guardian, &options, &child, text, sizeof text),
                     -ENOENT);
    ck_assert_str_eq(text, "program '/nowhere/x' does not exist");
    ck_assert_int_eq(guardian_close(self, guardian, support_deadline(self)), 0);
}

/* --- the guardian's process by itself --------------------------------------------------------- */

/* Runs a guardian, gives it `words`, and demands its exit status. */
static void expect_vigil(yk_task *self, const char *const *argv, const char *words, int status)
{
    const yk_child_options options = {.program = "/proc/self/exe", .argv = argv};
    yk_child *child = child_start(self, &options);
    if (status != 2 || words[0]) {
        char line[64];
        child_read_line(self, child, line, sizeof line);
        ck_assert_str_eq(line, "yoke guardian 1");
    }
    int r = yk_child_write(self, child, words, strlen(words), support_deadline(self));
    ck_assert(r == 0 || r == -EPIPE);
    yk_child_close_stdin(child);
    child_expect_exit(self, child, status, 0);
    child_end(child);
}

TASK_TEST(vigil_understands_its_host_and_nobody_else)
{
    static const char *const argv[] = {"guardian", "__guardian", "an-id", "100", NULL};
    expect_vigil(self, argv, "", 0);
    expect_vigil(self, argv, "farewell\n", 0);
    expect_vigil(self, argv, "intent\nfailed\nfarewell\n", 0);
    expect_vigil(self, argv, "intent\nstart 4194303 1\nend 4194303\nfarewell\n", 0);
    expect_vigil(self, argv, "good day\n", 2);
    expect_vigil(self, argv, "failed\n", 2);
    expect_vigil(self, argv, "start 5 5\n", 2);          /* was not intended */
    expect_vigil(self, argv, "intent\nstart 1 5\n", 2);  /* everybody's */
    expect_vigil(self, argv, "intent\nstart -1 5\n", 2); /* everybody's */
    expect_vigil(self, argv, "intent\nstart 5 5 x\n", 2);
    expect_vigil(self, argv, "end 5\n", 2);
    char line[256];
    memset(line, 'x', sizeof line);
    line[255] = '\0';
    expect_vigil(self, argv, line, 2);
    static const char *const bad[][5] = {{"guardian", "__guardian", "", "100", NULL},
                                         {"guardian", "__guardian", "id", "soon", NULL},
                                         {"guardian", "__guardian", "id", "-1", NULL},
                                         {"guardian", "__guardian", "id", NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_vigil(self, bad[i], "", 2);
}

/* They are the host's to answer; it says farewell then. */
TASK_TEST(vigil_does_not_mind_signals)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1};
    static const char *const argv[] = {"guardian", "__guardian", "an-id", "100", NULL};
    const yk_child_options options = {.program = "/proc/self/exe", .argv = argv};
    yk_child *child = child_start(self, &options);
    char line[64];
    child_read_line(self, child, line, sizeof line);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        ck_assert_int_eq(yk_child_signal(child, signals[i]), 0);
    ck_assert_int_eq(yk_child_write(self, child, "farewell\n", 9, YK_NEVER), 0);
    child_expect_exit(self, child, 0, 0);
    child_end(child);
}

/* A group whose number is told with another start is a stranger's by now. */
TASK_TEST(vigil_spares_a_group_that_is_another_by_now)
{
    static const char *const argv[] = {"guardian", "__guardian", "an-id", "100", NULL};
    yk_child *child = child_shell(self, "echo $$; exec env YOKE_RUN_ID=an-idea sleep 1000");
    pid_t pid = child_read_pid(self, child);
    struct census_entry entry;
    ck_assert_int_eq(census_look(pid, &entry), 0);
    char words[128];
    snprintf(words, sizeof words, "intent\nstart %d %llu\n", (int)pid,
             (unsigned long long)entry.start + 1);
    expect_vigil(self, argv, words, 0);
    ck_assert_int_eq(yk_child_wait(self, child, 0, NULL), -ETIMEDOUT); /* alive */
    snprintf(words, sizeof words, "intent\nstart %d %llu\n", (int)pid,
             (unsigned long long)entry.start);
    expect_vigil(self, argv, words, 0);
    child_expect_exit(self, child, -1, SIGTERM);
    child_end(child);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], GUARDIAN_COMMAND) == 0)
        return vigil_run(argc, argv);
    if (exec_errors_are_lost()) {
        puts("skipped: under valgrind /proc/self/exe is valgrind, not this program");
        return 77;
    }
    Suite *suite = suite_create("guardian");
    suite_add_on_every_runtime(suite, killed_host_leaves_nothing);
    suite_add_on_every_runtime(suite, killed_host_leaves_nothing_where_there_are_no_pidfds);
    suite_add_on_every_runtime(suite, killed_guardian_is_replaced);
    suite_add_on_every_runtime(suite, host_that_is_killed_while_it_starts_leaves_nothing);
    suite_add_on_every_runtime(suite, farewell_ends_the_guardian_and_nothing_else);
    suite_add_on_every_runtime(suite, free_kills_the_guardian_and_nothing_else);
    suite_add_on_every_runtime(suite, id_of_an_outer_run_stays_in_front);
    suite_add_on_every_runtime(suite, program_that_is_no_guardian_is_refused);
    suite_add_on_every_runtime(suite, child_that_cannot_be_started_is_told);
    suite_add_on_every_runtime(suite, vigil_understands_its_host_and_nobody_else);
    suite_add_on_every_runtime(suite, vigil_does_not_mind_signals);
    suite_add_on_every_runtime(suite, vigil_spares_a_group_that_is_another_by_now);
    return support_main(suite);
}
