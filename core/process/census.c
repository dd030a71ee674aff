/* SPDX-License-Identifier: MIT
 * census.c - see census.h. */
#include "core/process/census.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/process/pipe.h"

#define STAT_BYTES    1024 /* the fields that we read lie in the first 400 */
#define ENTRIES_FIRST 256
#define ENTRIES_MAX   ((size_t)1 << 22) /* PID_MAX_LIMIT of the kernel */

/* The numbers of the fields in proc(5); the state, field 3, is the first one after the name. */
enum { FIELD_PARENT = 4, FIELD_GROUP = 5, FIELD_THREADS = 20, FIELD_START = 22 };

int census_parse(const char *text, struct census_entry *out_entry)
{
    char *end;
    struct census_entry entry = {.pid = (pid_t)strtol(text, &end, 10)};
    const char *name_end = strrchr(text, ')'); /* the name may hold spaces and parentheses itself */
    if (end == text || !name_end || name_end[1] != ' ' || !name_end[2])
        return -EPROTO;

    char state = name_end[2];
    const char *at = name_end + 3;
    long long threads = 0;
    for (int field = FIELD_PARENT; field <= FIELD_START; field++) {
        long long number = strtoll(at, &end, 10);
        if (end == at)
            return -EPROTO;
        at = end;
        if (field == FIELD_PARENT)
            entry.parent = (pid_t)number;
        else if (field == FIELD_GROUP)
            entry.group = (pid_t)number;
        else if (field == FIELD_THREADS)
            threads = number;
        else if (field == FIELD_START)
            entry.start = (uint64_t)number;
    }
    entry.alive = (state != 'Z' && state != 'X' && state != 'x') || threads > 1;
    *out_entry = entry;
    return 0;
}

int census_look(pid_t pid, struct census_entry *out_entry)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid); /* fits */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    char text[STAT_BYTES];
    ssize_t len = read(fd, text, sizeof text - 1);
    int r = len < 0 ? -errno : 0; /* -ESRCH when it went meanwhile */
    (void)close(fd);
    if (r < 0)
        return r;
    text[len] = '\0';
    return census_parse(text, out_entry);
}

static int entry_add(struct census *census, const struct census_entry *entry)
{
    if (census->count == census->capacity) {
        size_t capacity = census->capacity ? census->capacity * 2 : ENTRIES_FIRST;
        if (capacity > ENTRIES_MAX)
            return -ENOMEM;
        struct census_entry *entries = realloc(census->entries, capacity * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        census->entries = entries;
        census->capacity = capacity;
    }
    census->entries[census->count++] = *entry;
    return 0;
}

static int entries_read(struct census *census, DIR *folder)
{
    for (;;) {
        errno = 0;
        const struct dirent *item = readdir(folder);
        if (!item)
            return -errno; /* 0 at the end */
        if (!isdigit((unsigned char)item->d_name[0]))
            continue;
        struct census_entry entry;
        int r = census_look((pid_t)strtol(item->d_name, NULL, 10), &entry);
        if (r == -ESRCH || r == -EACCES || r == -EPERM)
            continue; /* gone, or hidden from us by the mount option hidepid: not one of ours */
        if (r == 0)
            r = entry_add(census, &entry);
        if (r < 0)
            return r;
    }
}

int census_take(struct census **out_census)
{
    OWNED(census) struct census *census = calloc(1, sizeof *census);
    if (!census)
        return -ENOMEM;
    DIR *folder = opendir("/proc");
    if (!folder)
        return -errno;
    int r = entries_read(census, folder);
    (void)closedir(folder);
    if (r < 0)
        return r;
    *out_census = MOVE(census);
    return 0;
}

const struct census_entry *census_find_alive(const struct census *census, pid_t group)
{
    for (size_t i = 0; i < census->count; i++) {
        if (census->entries[i].group == group && census->entries[i].alive)
            return &census->entries[i];
    }
    return NULL;
}

void census_free(struct census *take_census)
{
    if (!take_census)
        return;
    free(take_census->entries);
    free(take_census);
}

int census_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
    if (fd < 0)
        return errno == EPERM ? -ENOSYS : -errno; /* EPERM: a container's filter of system calls */
    fd = pipe_above_standard(fd);
    if (fd < 0)
        return fd;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) { /* PIDFD_NONBLOCK needs Linux 5.10 */
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

int census_open(const struct census_entry *entry)
{
    int fd = census_pidfd(entry->pid);
    if (fd < 0)
        return fd == -EINVAL ? -ESRCH : fd; /* EINVAL: the number is a thread's by now */
    struct census_entry now;
    int r = census_look(entry->pid, &now);
    if (r == 0 && now.start == entry->start && now.group == entry->group)
        return fd;
    (void)close(fd);
    return r == 0 ? -ESRCH : r;
}
