/* SPDX-License-Identifier: MIT
 * launch.c - see launch.h. */
#include "core/process/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "core/process/census.h"
#include "core/process/pipe.h"
#include "core/process/program.h"

extern char **environ;

/* What posix_spawn() calls a list of strings that it does not change. */
static char *const *spawn_strings(const char *const *strings)
{
    union {
        const char *const *given;
        char *const *wanted;
    } cast = {.given = strings};
    return cast.wanted;
}

static const char *const *launch_env(const struct launch *launch)
{
    union {
        char **given;
        const char *const *wanted;
    } cast = {.given = environ};
    return launch->options->env ? launch->options->env : cast.wanted;
}

/* What the child does to its descriptors and its folder, in this order, before it runs
 * the program. */
static int actions_add(posix_spawn_file_actions_t *actions, const struct launch *launch,
                       int directory_fd)
{
    int r = 0;
    if (directory_fd >= 0)
        r = posix_spawn_file_actions_addfchdir_np(actions, directory_fd);
    if (r == 0)
        r = launch->stdin_fd < 0
                ? posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                : posix_spawn_file_actions_adddup2(actions, launch->stdin_fd, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, launch->stdout_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(
            actions, launch->stderr_fd < 0 ? launch->stdout_fd : launch->stderr_fd, STDERR_FILENO);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
    if (r ==
        0) /* the host's own are close-on-exec anyway: this is for those of foreign libraries */
        r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
    return -r;
}

static int attributes_set(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    (void)sigemptyset(&none); /* these two cannot fail */
    (void)sigfillset(&all);
    int r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                     POSIX_SPAWN_SETSIGDEF);
    if (r == 0)
        r = posix_spawnattr_setpgroup(attributes, 0);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attributes, &all);
    return -r;
}

/* posix_spawn() with all that belongs to it.  Returns 0 and the pid, or why the kernel refused. */
static int spawn_path(const struct launch *launch, const char *path, int directory_fd,
                      pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r = -posix_spawn_file_actions_init(&actions);
    if (r < 0)
        return r;
    r = -posix_spawnattr_init(&attributes);
    if (r == 0) {
        r = actions_add(&actions, launch, directory_fd);
        if (r == 0)
            r = attributes_set(&attributes);
        if (r == 0)
            r = -posix_spawn(out_pid, path, &actions, &attributes,
                             spawn_strings(launch->options->argv),
                             spawn_strings(launch_env(launch)));
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return r;
}

static void child_ends_close(struct launch *launch)
{
    pipe_close_end(&launch->stdin_fd);
    pipe_close_end(&launch->stdout_fd);
    pipe_close_end(&launch->stderr_fd);
}

/* posix_spawn() has no way to set a limit.  The program has just been loaded and reads its limit
 * later. */
static void descriptors_limit(const struct launch *launch, pid_t pid)
{
    struct rlimit limit;
    if (launch->options->descriptors_max == 0 || prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
        return; /* it has ended already */
    if (launch->options->descriptors_max < limit.rlim_max)
        limit.rlim_cur = launch->options->descriptors_max;
    (void)prlimit(pid, RLIMIT_NOFILE, &limit, NULL); /* the same */
}

/* Between registry_start_begin() and end, so that nobody else can reap the child. */
static int launch_found(struct launch *launch, const char *path, int directory_fd)
{
    const yk_child_options *options = launch->options;
    pid_t pid;
    int r = spawn_path(launch, path, directory_fd, &pid);
    child_ends_close(launch);
    if (r < 0)
        return program_explain(r, options->program, options->directory, path,
                               directory_fd < 0 ? AT_FDCWD : directory_fd, &launch->err);
    descriptors_limit(launch, pid);

    launch->entry->pid = pid;
    launch->pidfd = census_pidfd(pid);
    if (launch->pidfd >= 0)
        return 0;
    r = launch->pidfd;
    launch->pidfd = -1;
    if (r == -ENOSYS)
        return 0;
    launch_undo(NULL, launch->entry);
    return fail(&launch->err, r,
                "program '%s' was started and killed: no descriptor for its process: %s",
                options->program, error_words(r));
}

static int launch_in(struct launch *launch, int directory_fd)
{
    char *path = NULL;
    int r = program_find(launch->options->program, launch_env(launch),
                         directory_fd < 0 ? AT_FDCWD : directory_fd, &path, &launch->err);
    if (r < 0)
        return r;
    launch->entry->pid = 0;
    registry_start_begin(launch->registry);
    r = launch_found(launch, path, directory_fd);
    registry_start_end(launch->registry, launch->entry);
    free(path);
    return r;
}

/* A process that ignores SIGCHLD, which is inherited over exec, has its children reaped by the
 * kernel. */
static int sigchld_check(struct launch *launch)
{
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) < 0)
        return -errno;
    if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT))
        return 0;
    return fail(&launch->err, -EINVAL,
                "program '%s': this process ignores SIGCHLD, so that nobody could tell how a "
                "child of it ended",
                launch->options->program);
}

int launch_run(struct launch *launch)
{
    const yk_child_options *options = launch->options;
    int directory_fd = -1;
    int r = sigchld_check(launch);
    if (r == 0 && options->directory) {
        directory_fd = program_open_directory(options->directory, options->program, &launch->err);
        r = directory_fd < 0 ? directory_fd : 0;
    }
    if (r == 0)
        r = launch_in(launch, directory_fd);
    pipe_close_end(&directory_fd);
    child_ends_close(launch);
    return r;
}

void launch_undo(struct registry *registry, struct registry_entry *entry)
{
    siginfo_t info;
    (void)kill(-entry->pid, SIGKILL); /* it is not reaped, so the number is its own */
    while (waitid(P_PID, (id_t)entry->pid, &info, WEXITED) < 0 && errno == EINTR)
        continue;
    if (registry)
        registry_disown(registry, entry);
    entry->pid = 0;
}
