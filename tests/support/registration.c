/* SPDX-License-Identifier: MIT
 * registration.c - tells the janitor what a test has started; see support.h and janitor.c. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 400 /* the janitor takes 511; at most PIPE_BUF, so that lines do not mix */

_Static_assert(LINE_BYTES <= PIPE_BUF, "lines must be written whole");

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
    const char *number = getenv("YOKE_JANITOR_FD");
    ck_assert_msg(number != NULL, "no janitor: run this as `tests/support/janitor PROGRAM`");
    int fd = (int)strtol(number, NULL, 10);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* what tests start has no business with it */

    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ck_assert_int_gt(len, 0);
    ck_assert_int_lt(len, LINE_BYTES);
    ssize_t written;
    do
        written = write(fd, line, (size_t)len);
    while (written < 0 && errno == EINTR);
    ck_assert_msg(written == len, "the janitor is gone: %m");
}

/* When the process was started, in clock ticks: with the pid, its identity.  0 if it is gone. */
static unsigned long long process_start(pid_t pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *field = strrchr(text, ')'); /* ends field 2 */
    for (int number = 2; field && number < 22; number++)
        field = strchr(field + 1, ' ');
    return field ? strtoull(field + 1, NULL, 10) : 0;
}

static void add(const char *kind, const char *id, unsigned long long start, const char *label)
{
    tell("add %s %s %llu %d %s\n", kind, id, start, (int)getpid(), label && *label ? label : "-");
}

static void add_process(const char *kind, pid_t pid, const char *label)
{
    char id[16];
    (void)snprintf(id, sizeof id, "%d", (int)pid);
    add(kind, id, process_start(pid), label);
}

void support_register_group(pid_t leader, const char *label)
{
    add_process("group", leader, label);
}

void support_forget_group(pid_t leader)
{
    tell("forget group %d\n", (int)leader);
}

void support_register_daemon(pid_t pid, const char *label)
{
    add_process("daemon", pid, label);
}

void support_forget_daemon(pid_t pid)
{
    tell("forget daemon %d\n", (int)pid);
}

void support_register_container(const char *name)
{
    add("container", name, 0, name);
}

void support_forget_container(const char *name)
{
    tell("forget container %s\n", name);
}

void support_register_namespace(const char *name)
{
    add("namespace", name, 0, name);
}

void support_forget_namespace(const char *name)
{
    tell("forget namespace %s\n", name);
}
