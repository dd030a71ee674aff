/* SPDX-License-Identifier: MIT
 * janitor.c - runs a test program and stops what it leaves behind: janitor PROGRAM [ARGUMENT...]
 *
 * Layer: tests/support, a program of its own.  Threads: one.  Start at main().
 *
 * It is the parent of the test program, so it survives every end of it: a failed assertion, Check's
 * timeout, kill -9. Tests write lines to the pipe whose number is in YOKE_JANITOR_FD (support.h
 * does; a shell script may echo them):
 *
 *     add KIND ID START OWNER LABEL     KIND: group, daemon, container, namespace
 *     forget KIND ID
 *
 * START is field 22 of /proc/ID/stat, or 0 if unknown: it keeps a number that was used again from
 * harm.  OWNER is the pid of the process that registers; when that ends, what it has not forgotten
 * is stopped and named.  Being a child subreaper, the janitor inherits every orphan too; those that
 * are there when the program has ended are leaks as well, registered or not.
 *
 * Exit status: the program's (128 + n if signal n ended it), but JANITOR_EXIT_LEAK if that was 0 or
 * 77 and something was left behind.  SIGINT, SIGTERM and SIGHUP end the program and what it left.
 * Sources: prctl(2) PR_SET_CHILD_SUBREAPER, pidfd_open(2), waitid(2), proc(5). */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JANITOR_EXIT_LEAK    70
#define JANITOR_EXIT_TROUBLE 99 /* automake's "hard error" */
#define THINGS_MAX           4096
#define OWNERS_MAX           256
#define ID_BYTES             128
#define LABEL_BYTES          64
#define LINE_BYTES           512
#define GRACE_MS             300   /* what was killed by its test may still be on its way out */
#define KILL_MS              10000 /* what survives SIGKILL for so long is stuck in the kernel */
#define WORDS_BYTES          256

enum kind { KIND_GROUP, KIND_DAEMON, KIND_CONTAINER, KIND_NAMESPACE, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"group", "daemon", "container", "namespace"};

struct thing {
    enum kind kind;
    char id[ID_BYTES];
    unsigned long long start; /* of the process with that id; 0: unknown */
    pid_t owner;
    char label[LABEL_BYTES];
};

struct owner {
    pid_t pid;
    int pidfd; /* owned */
};

/* One process, as /proc/PID/stat tells it. */
struct process {
    pid_t pid, parent, group;
    char state;
    unsigned long long start;
};

struct janitor {
    const char *program_name;
    pid_t program; /* 0: it has ended */
    int program_status;
    int pipe_fd;   /* owned */
    int signal_fd; /* owned */
    char line[LINE_BYTES];
    size_t line_bytes;
    struct thing things[THINGS_MAX];
    size_t things_count;
    struct owner owners[OWNERS_MAX];
    size_t owners_count;
    bool left_behind; /* something was: the run fails */
    bool trouble;     /* a line that makes no sense, a table that is full */
    pid_t late_owner; /* had ended when its registration was read; 0: none */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[LINE_BYTES + WORDS_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); /* a longer line is cut */
    va_end(args);
    (void)fprintf(stderr, "janitor: %s\n", line); /* where else could it complain */
}

/* Returns 1, or 0 if there is no such process. */
static int process_read(pid_t pid, struct process *out_process)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    char *after_name = strrchr(text, ')'); /* the name may hold anything */
    struct process p = {.pid = pid};
    int parent, group;
    if (!after_name || sscanf(after_name + 1,
                              " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
                              " %*d %*d %llu",
                              &p.state, &parent, &group, &p.start) != 4)
        return 0;
    p.parent = parent;
    p.group = group;
    *out_process = p;
    return 1;
}

/* The process's command line for people, or "?". */
static void process_words(pid_t pid, char words[WORDS_BYTES])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(words, 1, WORDS_BYTES - 1, file) : 0;
    if (file)
        (void)fclose(file);
    while (len > 0 && words[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)words[i] < ' ')
            words[i] = ' ';
    words[len] = '\0';
    if (len == 0)
        (void)snprintf(words, WORDS_BYTES, "?");
}

/* Looks for a living process: one of `group` if that is not 0, else a child of ours.  Returns its
 * pid or 0. */
static pid_t process_find(pid_t group)
{
    DIR *folder = opendir("/proc");
    if (!folder)
        return 0;
    pid_t found = 0;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        struct process p;
        if (pid <= 0 || *end || !process_read((pid_t)pid, &p) || p.state == 'Z' || p.state == 'X')
            continue;
        if (group ? p.group == group : p.parent == getpid())
            found = p.pid;
    }
    (void)closedir(folder);
    return found;
}

static int pidfd_open_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Waits until the process has ended, or until the deadline. */
static void process_await(pid_t pid, int64_t deadline_ms)
{
    int pidfd = pidfd_open_of(pid);
    if (pidfd < 0)
        return; /* it has */
    int64_t left = deadline_ms - now_ms();
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    (void)poll(&wait, 1, left > 0 ? (int)left : 0);
    (void)close(pidfd);
}

/* Reaps what has ended; remembers the program's status. */
static void reap(struct janitor *j)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != j->program)
            continue; /* an orphan that we inherited */
        j->program = 0;
        j->program_status = status;
    }
}

/* Runs `program` with up to three arguments, without output.  Returns whether it ended with 0. */
static bool command(const char *program, const char *one, const char *two, const char *three)
{
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        int null_fd = open("/dev/null", O_RDWR);
        (void)dup2(null_fd, 0);
        (void)dup2(null_fd, 1);
        (void)dup2(null_fd, 2);
        (void)execlp(program, program, one, two, three, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Kills `pid` if it still is what process_find() said: through a pidfd, so that it cannot be a
 * stranger. */
static void process_kill(pid_t pid, pid_t group)
{
    int pidfd = pidfd_open_of(pid);
    struct process p;
    if (pidfd >= 0 && process_read(pid, &p) && (group ? p.group == group : p.parent == getpid()))
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* gone meanwhile is fine */
    if (pidfd >= 0)
        (void)close(pidfd);
}

/* Kills processes until none is left: those of `group`, or with 0 all that we inherited.  `what`
 * starts the line that names each.  Returns how many were left behind after the grace. */
static int processes_stop(struct janitor *j, pid_t group, const char *what)
{
    int count = 0;
    pid_t named = 0;
    int64_t grace_end = now_ms() + GRACE_MS, kill_end = grace_end + KILL_MS;
    for (pid_t pid; (pid = process_find(group)) != 0; reap(j)) {
        if (now_ms() < grace_end) {
            process_await(pid, grace_end);
            continue;
        }
        if (now_ms() > kill_end) {
            say("%s: pid %d survives SIGKILL", what, (int)pid);
            return count + 1;
        }
        if (pid != named) {
            char words[WORDS_BYTES];
            process_words(pid, words);
            say("%s: pid %d (%s) was left behind; killed", what, (int)pid, words);
            named = pid;
            count++;
        }
        process_kill(pid, group);
        process_await(pid, kill_end);
    }
    return count;
}

static bool pid_stop(struct janitor *j, pid_t pid, const char *what)
{
    struct process p;
    process_await(pid, now_ms() + GRACE_MS);
    reap(j);
    if (!process_read(pid, &p) || p.state == 'Z' || p.state == 'X')
        return false;
    char words[WORDS_BYTES];
    process_words(pid, words);
    say("%s: pid %d (%s) was left behind; killed", what, (int)pid, words);
    (void)kill(pid, SIGKILL);
    process_await(pid, now_ms() + KILL_MS);
    reap(j);
    return true;
}

static bool container_stop(const char *name, const char *what)
{
    const char *engine = getenv("YOKE_TEST_DOCKER");
    if (!engine)
        engine = "docker";
    if (!command(engine, "inspect", name, NULL))
        return false;
    bool removed = command(engine, "rm", "-f", name);
    say("%s was left behind; %s", what, removed ? "removed" : "CANNOT be removed");
    return true;
}

static bool namespace_stop(const char *name, const char *what)
{
    char path[ID_BYTES + 64];
    (void)snprintf(path, sizeof path, "/run/netns/%s", name);
    if (access(path, F_OK) < 0)
        return false;
    bool removed = command("ip", "netns", "delete", name);
    say("%s was left behind; %s", what, removed ? "removed" : "CANNOT be removed");
    return true;
}

/* Stops one thing if it is there still. */
static void thing_stop(struct janitor *j, const struct thing *thing)
{
    char what[LINE_BYTES];
    (void)snprintf(what, sizeof what, "%s: %s %s '%s' of test process %d", j->program_name,
                   kind_names[thing->kind], thing->id, thing->label, (int)thing->owner);
    bool left = false;
    struct process p;
    pid_t pid = (pid_t)strtol(thing->id, NULL, 10);
    bool reused = thing->kind <= KIND_DAEMON && thing->start && process_read(pid, &p) &&
                  p.start != thing->start;
    if (reused)
        return;
    if (thing->kind == KIND_GROUP)
        left = processes_stop(j, pid, what) > 0;
    else if (thing->kind == KIND_DAEMON)
        left = pid_stop(j, pid, what);
    else if (thing->kind == KIND_CONTAINER)
        left = container_stop(thing->id, what);
    else
        left = namespace_stop(thing->id, what);
    j->left_behind |= left;
}

/* Stops what `owner` has registered and not forgotten; everybody's if 0. */
static void owner_sweep(struct janitor *j, pid_t owner)
{
    for (size_t i = 0; i < j->things_count;) {
        if (owner && j->things[i].owner != owner) {
            i++;
            continue;
        }
        struct thing thing = j->things[i];
        j->things[i] = j->things[--j->things_count];
        thing_stop(j, &thing);
    }
}

static void owner_add(struct janitor *j, pid_t pid)
{
    for (size_t i = 0; i < j->owners_count; i++)
        if (j->owners[i].pid == pid)
            return;
    int pidfd = pidfd_open_of(pid);
    if (pidfd < 0) {
        j->late_owner = pid; /* it has ended already; it may have forgotten the thing further on */
        return;
    }
    if (j->owners_count == OWNERS_MAX) {
        say("more than %d processes register things", OWNERS_MAX);
        j->trouble = true;
        (void)close(pidfd);
        return;
    }
    j->owners[j->owners_count++] = (struct owner){.pid = pid, .pidfd = pidfd};
}

static bool kind_find(const char *word, enum kind *out_kind)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (strcmp(word, kind_names[kind]) != 0)
            continue;
        *out_kind = (enum kind)kind;
        return true;
    }
    return false;
}

/* A process or group that must never be ours to stop. */
static bool id_is_forbidden(const struct thing *thing)
{
    long pid = strtol(thing->id, NULL, 10);
    if (thing->kind > KIND_DAEMON)
        return false;
    return pid <= 1 || pid == getpid() || (thing->kind == KIND_GROUP && pid == getpgrp());
}

/* Does what one line says.  Returns 0 or -EINVAL. */
static int line_obey(struct janitor *j, const char *line)
{
    char kind[16];
    struct thing thing = {.owner = 0};
    int owner;
    if (sscanf(line, "add %15s %127s %llu %d %63s", kind, thing.id, &thing.start, &owner,
               thing.label) == 5) {
        thing.owner = owner;
        if (owner <= 1 || !kind_find(kind, &thing.kind) || id_is_forbidden(&thing) ||
            j->things_count == THINGS_MAX)
            return -EINVAL;
        j->things[j->things_count++] = thing;
        owner_add(j, owner);
        return 0;
    }
    if (sscanf(line, "forget %15s %127s", kind, thing.id) != 2 || !kind_find(kind, &thing.kind))
        return -EINVAL;
    for (size_t i = j->things_count; i-- > 0;) {
        if (j->things[i].kind != thing.kind || strcmp(j->things[i].id, thing.id) != 0)
            continue;
        j->things[i] = j->things[--j->things_count];
        return 0;
    }
    return 0; /* stopped by us a moment ago */
}

/* Reads and does everything that is in the pipe. */
static void pipe_drain(struct janitor *j)
{
    for (;;) {
        ssize_t n = read(j->pipe_fd, j->line + j->line_bytes, sizeof j->line - j->line_bytes - 1);
        if (n <= 0)
            break; /* -EAGAIN; there is no end, for we hold a writing end ourselves */
        j->line_bytes += (size_t)n;
        j->line[j->line_bytes] = '\0';
        char *begin = j->line;
        for (char *end; (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
            *end = '\0';
            if (line_obey(j, begin) < 0) {
                say("cannot do what this line says: '%s'", begin);
                j->trouble = true;
            }
        }
        j->line_bytes -= (size_t)(begin - j->line);
        memmove(j->line, begin, j->line_bytes);
        if (j->line_bytes == sizeof j->line - 1) {
            say("a line is longer than %d bytes", LINE_BYTES);
            j->trouble = true;
            j->line_bytes = 0;
        }
    }
    if (j->late_owner)
        owner_sweep(j, j->late_owner);
    j->late_owner = 0;
}

/* The program ends; what it left is stopped by main. */
static void stop_on_signal(struct janitor *j, int signal)
{
    say("%s: signal %d: stopping it", j->program_name, signal);
    j->trouble = true;
    if (!j->program)
        return;
    (void)kill(j->program, SIGTERM);
    process_await(j->program, now_ms() + GRACE_MS);
    (void)kill(j->program, SIGKILL); /* not reaped before, so it is nobody else */
    process_await(j->program, now_ms() + KILL_MS);
    reap(j);
}

static void signals_read(struct janitor *j)
{
    struct signalfd_siginfo info;
    while (read(j->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            stop_on_signal(j, (int)info.ssi_signo);
    reap(j);
}

/* Waits for one thing to happen and deals with it. */
static void turn(struct janitor *j)
{
    struct pollfd waits[2 + OWNERS_MAX] = {{.fd = j->pipe_fd, .events = POLLIN},
                                           {.fd = j->signal_fd, .events = POLLIN}};
    size_t owners_count = j->owners_count;
    for (size_t i = 0; i < owners_count; i++)
        waits[2 + i] = (struct pollfd){.fd = j->owners[i].pidfd, .events = POLLIN};
    if (poll(waits, (nfds_t)(2 + owners_count), -1) < 0)
        return; /* EINTR */
    pipe_drain(j);
    if (waits[1].revents)
        signals_read(j);
    for (size_t i = owners_count; i-- > 0;) {
        if (!waits[2 + i].revents)
            continue;
        struct owner owner = j->owners[i];
        j->owners[i] = j->owners[--j->owners_count];
        (void)close(owner.pidfd);
        pipe_drain(j); /* its last words */
        owner_sweep(j, owner.pid);
    }
}

/* Starts the program.  Returns 0 or a negative errno. */
static int program_start(struct janitor *j, char **argv, int write_fd, const sigset_t *mask_before)
{
    pid_t janitor_pid = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0) {
        j->program = pid;
        return 0;
    }
    char number[16];
    (void)snprintf(number, sizeof number, "%d", write_fd);
    (void)fcntl(write_fd, F_SETFD, 0); /* the program's registrations go through it */
    (void)setenv("YOKE_JANITOR_FD", number, 1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != janitor_pid)
        _exit(JANITOR_EXIT_TROUBLE); /* it died before we asked for the signal */
    (void)sigprocmask(SIG_SETMASK, mask_before, NULL);
    (void)execvp(argv[0], argv);
    say("%s: %s", argv[0], strerror(errno));
    _exit(127);
}

/* The program has ended: stops everything that it registered, then every orphan, then what those
 * registered. */
static void clean_up(struct janitor *j)
{
    char what[LINE_BYTES];
    (void)snprintf(what, sizeof what, "%s: unregistered", j->program_name);
    pipe_drain(j);
    owner_sweep(j, 0);
    if (processes_stop(j, 0, what) > 0)
        j->left_behind = true;
    pipe_drain(j);
    owner_sweep(j, 0);
}

static int exit_status(const struct janitor *j)
{
    int status = WIFEXITED(j->program_status) ? WEXITSTATUS(j->program_status)
                                              : 128 + WTERMSIG(j->program_status);
    if (status != 0 && status != 77)
        return status;
    if (j->trouble)
        return JANITOR_EXIT_TROUBLE;
    return j->left_behind ? JANITOR_EXIT_LEAK : status;
}

int main(int argc, char **argv)
{
    static struct janitor j;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: janitor PROGRAM [ARGUMENT...]\n");
        return JANITOR_EXIT_TROUBLE;
    }
    j.program_name = argv[1];

    sigset_t signals, before;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    j.signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    int pipe_fds[2];
    if (j.signal_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0 ||
        fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) < 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        say("cannot begin: %s", strerror(errno));
        return JANITOR_EXIT_TROUBLE;
    }
    j.pipe_fd = pipe_fds[0];
    int r = program_start(&j, argv + 1, pipe_fds[1], &before);
    if (r < 0) {
        say("cannot start %s: %s", argv[1], strerror(-r));
        return JANITOR_EXIT_TROUBLE;
    }

    while (j.program)
        turn(&j);
    clean_up(&j);
    return exit_status(&j);
}
