/* SPDX-License-Identifier: MIT
 * test_child.c - starting a child and talking to it: on every runtime.
 *
 * Layer: tests/unit.  How a child ends is in test_child_end.c. */
#include "tests/unit/child_case.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <yoke/group.h>

#define MIB ((size_t)1024 * 1024)

TASK_TEST(echo_is_read_to_the_end)
{
    yk_child *child = child_shell(self, "echo hello; echo bad >&2");
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_str_eq(text, "hello\n");
    child_read_all(self, child, YK_CHILD_STDERR, text, sizeof text);
    ck_assert_str_eq(text, "bad\n");
    child_expect_exit(self, child, 0, 0);
    child_end(child);
}

static int write_all(yk_task *self, void *arg)
{
    char *bytes = malloc(MIB);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < MIB; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    int r = yk_child_write(self, arg, bytes, MIB, support_deadline(self));
    free(bytes);
    yk_child_close_stdin(arg);
    yk_child_close_stdin(arg);
    return r;
}

TASK_TEST(cat_gives_back_a_mebibyte_byte_by_byte)
{
    const char *const argv[] = {"cat", NULL};
    const yk_child_options options = {.program = "cat", .argv = argv};
    yk_child *child = child_start(self, &options);
    yk_task *writer = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "writer", write_all, child, &writer), 0);

    char *bytes = malloc(MIB + 2);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(child_read_all(self, child, YK_CHILD_STDOUT, bytes, MIB + 2), MIB);
    size_t wrong = 0;
    for (size_t i = 0; i < MIB; i++)
        wrong += bytes[i] != (char)(i * 31 + i / 251);
    ck_assert_uint_eq(wrong, 0);
    free(bytes);
    ck_assert_int_eq(yk_task_join_free(self, writer), 0);
    child_expect_exit(self, child, 0, 0);
    ck_assert_int_eq(yk_child_write(self, child, "x", 1, YK_NEVER), -EBADF);
    child_end(child);
}

TASK_TEST(stdin_null_is_at_its_end_and_takes_nothing)
{
    const char *const argv[] = {"cat", NULL};
    const yk_child_options options = {.program = "cat", .argv = argv, .stdin_null = true};
    yk_child *child = child_start(self, &options);
    ck_assert_int_eq(yk_child_write(self, child, "x", 1, YK_NEVER), -EBADF);
    child_expect_exit(self, child, 0, 0);
    child_end(child);
}

TASK_TEST(stderr_goes_to_stdout_in_order)
{
    const char *const argv[] = {"sh", "-c", "echo 1; echo 2 >&2; echo 3", NULL};
    const yk_child_options options = {.program = "sh", .argv = argv, .stderr_to_stdout = true};
    yk_child *child = child_start(self, &options);
    char text[CHILD_TEXT_BYTES];
    ck_assert_int_eq(yk_child_read(self, child, YK_CHILD_STDERR, text, 1, YK_NEVER), -EINVAL);
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_str_eq(text, "1\n2\n3\n");
    child_end(child);
}

TASK_TEST(write_is_epipe_when_nobody_reads_and_no_signal)
{
    ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR); /* would end the test */
    yk_child *child = child_shell(self, "exec <&-; echo closed; read line");
    char line[64];
    child_read_line(self, child, line, sizeof line);
    ck_assert_int_eq(yk_child_write(self, child, "x", 1, support_deadline(self)), -EPIPE);
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(yk_child_write(self, child, "x", 1, support_deadline(self)), -EPIPE);
    sigset_t pending;
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert(!sigismember(&pending, SIGPIPE));
    child_end(child);
}

TASK_TEST(write_that_waits_is_epipe_when_the_reader_goes)
{
    static char bytes[256 * 1024];
    yk_child *child = child_shell(self, "dd of=/dev/null bs=1 count=100 2>/dev/null");
    ck_assert_int_eq(yk_child_write(self, child, bytes, sizeof bytes, support_deadline(self)),
                     -EPIPE);
    child_end(child);
}

TASK_TEST(read_and_write_end_by_their_deadline)
{
    static char bytes[256 * 1024];
    yk_child *child = child_shell(self, "exec sleep 1000");
    int64_t deadline = yk_deadline_ms(self, 20);
    ck_assert_int_eq(yk_child_read(self, child, YK_CHILD_STDOUT, bytes, 1, deadline), -ETIMEDOUT);
    ck_assert_int_ge(yk_now(self), deadline);
    ck_assert_int_eq(yk_child_write(self, child, bytes, sizeof bytes, yk_deadline_ms(self, 20)),
                     -ETIMEDOUT);
    child_end(child);
}

/* --- what cannot be started ------------------------------------------------------------------- */

static void expect_refused(yk_task *self, const yk_child_options *options, int code,
                           const char *sentence)
{
    char text[YK_CHILD_ERROR_TEXT_BYTES];
    int fd_count = support_fd_count();
    ck_assert_int_eq(child_refused(self, options, text), code);
    ck_assert_str_eq(text, sentence);
    ck_assert_int_eq(support_fd_count(), fd_count);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, dead or alive */
    ck_assert_int_eq(errno, ECHILD);
}

static const char *const no_arguments[] = {"x", NULL};

TASK_TEST(missing_program_is_named)
{
    if (exec_errors_are_lost())
        return;
    yk_child_options options = {.program = "/nowhere/server", .argv = no_arguments};
    expect_refused(self, &options, -ENOENT, "program '/nowhere/server' does not exist");

    options.program = "./server";
    options.directory = "/etc";
    expect_refused(self, &options, -ENOENT,
                   "program './server' does not exist, seen from directory /etc");

    const char *const env[] = {"PATH=/usr/lib:/nowhere", "HOME=/", NULL};
    options = (yk_child_options){.program = "servr", .argv = no_arguments, .env = env};
    expect_refused(self, &options, -ENOENT,
                   "program 'servr' was not found in PATH '/usr/lib:/nowhere'");

    options.program = "";
    expect_refused(self, &options, -EINVAL, "the name of the program to start is empty");
}

TASK_TEST(missing_directory_is_named)
{
    yk_child_options options = {
        .program = "true", .argv = no_arguments, .directory = "/nowhere/data"};
    expect_refused(self, &options, -ENOENT,
                   "program 'true': its directory '/nowhere/data' does not exist");
    options.directory = "/etc/passwd";
    expect_refused(self, &options, -ENOTDIR, "program 'true': '/etc/passwd' is not a directory");
}

/* A folder for the files of a test; returns its path, static. */
static const char *folder_make(void)
{
    static char folder[] = "/tmp/yoke-test-child-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static void file_make(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

TASK_TEST(file_that_cannot_run_says_why)
{
    if (exec_errors_are_lost())
        return;
    const char *folder = folder_make();
    char sentence[YK_CHILD_ERROR_TEXT_BYTES];
    yk_child_options options = {.program = "./f", .argv = no_arguments, .directory = folder};
    ck_assert_int_eq(chdir(folder), 0);

    file_make("f", "echo hello\n", 0644);
    snprintf(sentence, sizeof sentence,
             "program './f' may not be run: no execute permission, seen from directory %s", folder);
    expect_refused(self, &options, -EACCES, sentence);

    ck_assert_int_eq(chmod("f", 0755), 0);
    expect_refused(
        self, &options, -ENOEXEC,
        "program './f' is neither a program for this machine nor a script that begins with #!");

    file_make("f", "#!/usr/bin/python9 -u\n", 0755);
    expect_refused(self, &options, -ENOENT,
                   "program './f' is a script whose interpreter '/usr/bin/python9' does not exist");

    file_make("f", "#!/bin/sh\r\necho\r\n", 0755);
    expect_refused(self, &options, -ENOENT,
                   "program './f' is a script with DOS line ends: it asks for the interpreter "
                   "'/bin/sh\\r'");

    options.program = folder;
    snprintf(sentence, sizeof sentence, "program '%s' is a directory", folder);
    expect_refused(self, &options, -EACCES, sentence);
    ck_assert_int_eq(unlink("f"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

TASK_TEST(arguments_beyond_the_limit_are_e2big)
{
    if (exec_errors_are_lost())
        return;
    char *big = malloc(4 * MIB);
    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 4 * MIB - 1);
    big[4 * MIB - 1] = '\0';
    const char *const argv[] = {"true", big, NULL};
    yk_child_options options = {.program = "true", .argv = argv};
    expect_refused(
        self, &options, -E2BIG,
        "program 'true': its arguments and environment are longer than the system takes");
    free(big);
}

TASK_TEST(long_sentences_are_cut_and_say_so)
{
    if (exec_errors_are_lost())
        return;
    char path[600];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[599] = '\0';
    yk_child_options options = {.program = path, .argv = no_arguments};
    char text[YK_CHILD_ERROR_TEXT_BYTES];
    ck_assert_int_eq(child_refused(self, &options, text), -ENAMETOOLONG);
    ck_assert_uint_eq(strlen(text), sizeof text - 1);
    ck_assert_str_eq(text + sizeof text - 4, "...");
    yk_child *child = NULL;
    ck_assert_int_eq(yk_child_start(self, &options, &child, NULL, 0), -ENAMETOOLONG);
}

TASK_TEST(path_is_that_of_the_childs_environment)
{
    const char *folder = folder_make();
    char path[128], file[128];
    snprintf(path, sizeof path, "PATH=/nowhere::%s/bin:/bin:/usr/bin", folder);
    snprintf(file, sizeof file, "%s/bin", folder);
    ck_assert_int_eq(mkdir(file, 0755), 0);
    snprintf(file, sizeof file, "%s/bin/tool", folder);
    file_make(file, "#!/bin/sh\necho found in $PWD $0\n", 0755);

    const char *const argv[] = {"tool", NULL};
    const char *const env[] = {path, NULL};
    yk_child_options options = {.program = "tool", .argv = argv, .env = env, .directory = folder};
    yk_child *child = child_start(self, &options);
    char text[CHILD_TEXT_BYTES], wanted[512];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    snprintf(wanted, sizeof wanted, "found in %s %s\n", folder, file);
    ck_assert_str_eq(text, wanted);
    child_end(child);

    snprintf(path, sizeof path, "PATH=bin"); /* seen from the child's directory */
    child = child_start(self, &options);
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    snprintf(wanted, sizeof wanted, "found in %s bin/tool\n", folder);
    ck_assert_str_eq(text, wanted);
    child_end(child);

    ck_assert_int_eq(chmod(file, 0644), 0);
    char sentence[YK_CHILD_ERROR_TEXT_BYTES];
    ck_assert_int_eq(child_refused(self, &options, sentence), -EACCES);
    ck_assert_str_eq(sentence, "program 'tool': found, but may not be run, in PATH 'bin'");

    ck_assert_int_eq(unlink(file), 0);
    snprintf(file, sizeof file, "%s/bin", folder);
    ck_assert_int_eq(rmdir(file), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* --- what a child begins with ----------------------------------------------------------------- */

TASK_TEST(environment_is_the_one_given_and_no_more)
{
    const char *const argv[] = {"env", NULL};
    const char *const env[] = {"ONE=1", "TWO=", NULL};
    const yk_child_options options = {.program = "env", .argv = argv, .env = env};
    yk_child *child = child_start(self, &options);
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_str_eq(text, "ONE=1\nTWO=\n");
    child_end(child);
}

TASK_TEST(descriptors_of_the_host_are_not_inherited)
{
    int inherited = open("/dev/null", O_RDONLY); /* as a foreign library does: no O_CLOEXEC */
    ck_assert_int_gt(inherited, 2);
    int high = fcntl(inherited, F_DUPFD, 200);
    ck_assert_int_ge(high, 200);
    yk_child *child = child_shell(self, "for fd in /proc/$$/fd/*; do echo ${fd##*/}; done");
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_str_eq(text, "0\n1\n2\n3\n"); /* 3 is the shell's own look at the folder */
    child_end(child);
    close(inherited);
    close(high);
}

TASK_TEST(childs_ends_wait_and_ours_do_not)
{
    /* flags: in octal, O_NONBLOCK is 04000 */
    yk_child *child = child_shell(self, "grep flags /proc/self/fdinfo/0 /proc/self/fdinfo/1");
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_str_eq(text, "/proc/self/fdinfo/0:flags:\t00\n/proc/self/fdinfo/1:flags:\t01\n");
    child_end(child);
}

TASK_TEST(signal_mask_and_dispositions_are_reset)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGALRM); /* Check's own */
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    for (int number = 1; number < 32; number++) {
        if (number != SIGKILL && number != SIGSTOP && number != SIGCHLD && number != SIGALRM)
            ck_assert(signal(number, SIG_IGN) != SIG_ERR);
    }
    const char *const argv[] = {"sed", "-n", "s/^Sig[BIC]...\t//p", "/proc/self/status", NULL};
    const yk_child_options options = {.program = "sed", .argv = argv};
    yk_child *child = child_start(self, &options);
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    unsigned long long blocked = 1, ignored = 1, caught = 1;
    ck_assert_int_eq(sscanf(text, "%llx %llx %llx", &blocked, &ignored, &caught), 3);
    ck_assert_uint_eq(blocked, 0);
    ck_assert_uint_eq(ignored & ~0x180000000ULL, 0); /* glibc ignores its own two, 32 and 33 */
    ck_assert_uint_eq(caught, 0);
    child_end(child);
}

TASK_TEST(child_leads_a_group_of_its_own_in_the_hosts_session)
{
    yk_child *child = child_shell(self, "exec cat");
    pid_t pid = yk_child_pid(child);
    ck_assert_int_eq(getpgid(pid), pid);
    ck_assert_int_eq(getsid(pid), getsid(0));
    child_end(child);
}

/* 0: as the host's. */
static void expect_limit(yk_task *self, uint64_t descriptors_max, uint64_t wanted)
{
    const char *const argv[] = {"sh", "-c", "read line; ulimit -Sn", NULL};
    const yk_child_options options = {
        .program = "sh", .argv = argv, .descriptors_max = descriptors_max};
    yk_child *child = child_start(self, &options);
    ck_assert_int_eq(yk_child_write(self, child, "\n", 1, YK_NEVER), 0);
    char text[CHILD_TEXT_BYTES];
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    ck_assert_uint_eq(strtoull(text, NULL, 10), wanted);
    child_end(child);
}

TASK_TEST(limit_of_descriptors_is_the_one_given)
{
    struct rlimit limit; /* not by getrlimit(), which valgrind answers itself */
    ck_assert_int_eq(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit), 0);
    expect_limit(self, 0, limit.rlim_cur);
    expect_limit(self, 321, 321);
    expect_limit(self, UINT64_MAX - 1, limit.rlim_cur); /* no more than it may have */
}

/* --- many, and too many ----------------------------------------------------------------------- */

#define CHILDREN 200

static int one_of_many(yk_task *self, void *arg)
{
    int number = *(int *)arg;
    char line[64], text[CHILD_TEXT_BYTES], wanted[64];
    snprintf(line, sizeof line, "read line; echo $line-%d; exit %d", number, number % 100);
    yk_child *child = child_shell(self, line);
    ck_assert_int_eq(yk_child_write(self, child, "go\n", 3, support_deadline(self)), 0);
    child_read_all(self, child, YK_CHILD_STDOUT, text, sizeof text);
    snprintf(wanted, sizeof wanted, "go-%d\n", number);
    ck_assert_str_eq(text, wanted);
    child_expect_exit(self, child, number % 100, 0);
    child_end(child);
    return 0;
}

TASK_TEST(two_hundred_children_at_once)
{
    OWNED(yk_group) yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    for (int i = 0; i < CHILDREN; i++) {
        const yk_task_options options = {.name = "one", .arg_bytes = sizeof i};
        ck_assert_int_eq(yk_group_spawn_with(group, &options, one_of_many, &i), 0);
    }
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self) * 3), 0);
}

/* The host's stdout is closed: no pipe of ours may become descriptor 1 of the child by accident. */
TASK_TEST(host_without_standard_descriptors)
{
    child_warm_up(self);
    int saved[3];
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
    yk_child *child = child_shell(self, "read line; echo got $line; echo err >&2");
    char out[CHILD_TEXT_BYTES], err[CHILD_TEXT_BYTES];
    int open_fds = 0; /* what the host prints must not reach the child's stdin */
    for (int fd = 0; fd < 3; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    int r = yk_child_write(self, child, "it\n", 3, support_deadline(self));
    child_read_all(self, child, YK_CHILD_STDOUT, out, sizeof out);
    child_read_all(self, child, YK_CHILD_STDERR, err, sizeof err);
    child_expect_exit(self, child, 0, 0); /* so that nothing of it is left at 0 to 2 */
    child_end(child);
    for (int fd = 0; fd < 3; fd++) {
        if (saved[fd] >= 0) {
            dup2(saved[fd], fd);
            close(saved[fd]);
        }
    }
    ck_assert_int_eq(open_fds, 0);
    ck_assert_int_eq(r, 0);
    ck_assert_str_eq(out, "got it\n");
    ck_assert_str_eq(err, "err\n");
}

/* From no descriptor to enough: each failure is clean, names the program and leaves nothing. */
TASK_TEST(emfile_at_each_descriptor)
{
    child_warm_up(self);
    const char *const argv[] = {"true", NULL};
    const yk_child_options options = {.program = "/bin/true", .argv = argv, .directory = "/"};
    struct rlimit limit, before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int fd_count = support_fd_count();
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(lowest, 0);
    close(lowest);
    int failures = 0;
    yk_child *child = NULL;
    for (int free_fds = 0; !child; free_fds++) {
        ck_assert_int_lt(free_fds, 20);
        limit = before;
        limit.rlim_cur = (rlim_t)(lowest + free_fds);
        char text[YK_CHILD_ERROR_TEXT_BYTES] = "";
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int r = yk_child_start(self, &options, &child, text, sizeof text);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (r == 0)
            break;
        ck_assert_int_eq(r, -EMFILE);
        ck_assert_ptr_nonnull(strstr(text, "true"));
        ck_assert_int_eq(support_fd_count(), fd_count);
        failures++;
    }
    ck_assert_int_ge(failures, 6); /* three pipes of two */
    support_register_group(yk_child_pid(child), "child");
    child_expect_exit(self, child, 0, 0);
    child_end(child);
    ck_assert_int_eq(support_fd_count(), fd_count);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

/* Returns what the start returned; the child is ended. */
static int start_with_failure(yk_task *self, const yk_child_options *options, uint64_t nth,
                              bool *out_failed)
{
    char text[YK_CHILD_ERROR_TEXT_BYTES] = "";
    yk_child *child = NULL;
    support_fail_nth_alloc(nth);
    int r = yk_child_start(self, options, &child, text, sizeof text);
    *out_failed = support_fail_nth_done();
    if (r < 0) {
        ck_assert_ptr_null(child);
        ck_assert_ptr_nonnull(strstr(text, "true"));
        return r;
    }
    support_register_group(yk_child_pid(child), "child");
    child_expect_exit(self, child, 0, 0);
    child_end(child);
    return 0;
}

TASK_TEST(enomem_at_each_allocation)
{
    const char *const argv[] = {"true", NULL};
    const yk_child_options options = {.program = "true", .argv = argv, .directory = "/"};
    child_warm_up(self);
    int fd_count = support_fd_count();
    uint64_t nth = 0;
    for (bool failed = true; failed;) {
        int r = start_with_failure(self, &options, ++nth, &failed);
        ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "%d at %llu", r, (unsigned long long)nth);
        ck_assert_msg(r < 0 || !failed, "allocation %llu", (unsigned long long)nth);
        ck_assert_int_eq(support_fd_count(), fd_count);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    }
    ck_assert_uint_ge(nth, 5);
}

static int start_one(yk_task *self, void *arg)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    const yk_child_options options = {.program = "sleep", .argv = argv};
    (void)arg;
    yk_child *child = NULL;
    int r = yk_child_start(self, &options, &child, NULL, 0);
    if (r == 0)
        support_register_group(yk_child_pid(child), "child");
    if (child)
        child_end(child);
    return r;
}

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

TASK_TEST(cancel_during_start_leaves_nothing)
{
    for (int i = 0; i < 50; i++) {
        yk_task *task = NULL;
        ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "start", start_one, NULL, &task), 0);
        for (int turn = 0; turn < i; turn++)
            ck_assert_int_eq(yk_task_yield(self), 0);
        yk_task_cancel(task);
        int r = yk_task_join_free(self, task);
        ck_assert_msg(r == 0 || r == -ECANCELED, "%d", r);
        int64_t deadline = support_deadline(self);
        while (has_children()) { /* a task reaps it; support_run() counts the descriptors */
            ck_assert_int_lt(yk_now(self), deadline);
            ck_assert_int_eq(yk_task_sleep(self, yk_deadline_ms(self, 1)), 0);
        }
    }
}

TASK_TEST(cancelled_task_starts_nothing)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "start", start_one, NULL, &task), 0);
    yk_task_cancel(task);
    int r = yk_task_join_free(self, task);
    ck_assert_msg(r == 0 || r == -ECANCELED, "%d", r);
}

int main(void)
{
    Suite *suite = suite_create("child");
    suite_add_on_every_runtime(suite, echo_is_read_to_the_end);
    suite_add_on_every_runtime(suite, cat_gives_back_a_mebibyte_byte_by_byte);
    suite_add_on_every_runtime(suite, stdin_null_is_at_its_end_and_takes_nothing);
    suite_add_on_every_runtime(suite, stderr_goes_to_stdout_in_order);
    suite_add_on_every_runtime(suite, write_is_epipe_when_nobody_reads_and_no_signal);
    suite_add_on_every_runtime(suite, write_that_waits_is_epipe_when_the_reader_goes);
    suite_add_on_every_runtime(suite, read_and_write_end_by_their_deadline);
    suite_add_on_every_runtime(suite, missing_program_is_named);
    suite_add_on_every_runtime(suite, missing_directory_is_named);
    suite_add_on_every_runtime(suite, file_that_cannot_run_says_why);
    suite_add_on_every_runtime(suite, arguments_beyond_the_limit_are_e2big);
    suite_add_on_every_runtime(suite, long_sentences_are_cut_and_say_so);
    suite_add_on_every_runtime(suite, path_is_that_of_the_childs_environment);
    suite_add_on_every_runtime(suite, environment_is_the_one_given_and_no_more);
    suite_add_on_every_runtime(suite, descriptors_of_the_host_are_not_inherited);
    suite_add_on_every_runtime(suite, childs_ends_wait_and_ours_do_not);
    suite_add_on_every_runtime(suite, signal_mask_and_dispositions_are_reset);
    suite_add_on_every_runtime(suite, child_leads_a_group_of_its_own_in_the_hosts_session);
    suite_add_on_every_runtime(suite, limit_of_descriptors_is_the_one_given);
    suite_add_on_every_runtime(suite, two_hundred_children_at_once);
    suite_add_on_every_runtime(suite, host_without_standard_descriptors);
    suite_add_on_every_runtime(suite, emfile_at_each_descriptor);
    suite_add_on_every_runtime(suite, enomem_at_each_allocation);
    suite_add_on_every_runtime(suite, cancel_during_start_leaves_nothing);
    suite_add_on_every_runtime(suite, cancelled_task_starts_nothing);
    return support_main(suite);
}
