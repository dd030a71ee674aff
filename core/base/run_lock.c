/* SPDX-License-Identifier: MIT
 * run_lock.c - see run_lock.h. */
#include "core/base/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX         100 /* against holders that remove their file while we open it */
#define CONTENT_BYTES_MAX 64

struct run_lock {
    int fd; /* of the lock file */
    char *file;
};

/* ---- The folder ---- */

static int user_folder(const char *folder, char **out_folder)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    int len = 0;
    char *path = NULL;
    if (folder)
        len = asprintf(&path, "%s/run", folder);
    else if (geteuid() == 0)
        len = asprintf(&path, "/run/yoke");
    else if (xdg && xdg[0] == '/')
        len = asprintf(&path, "%s/yoke", xdg);
    else
        len = asprintf(&path, "/tmp/yoke-%u", (unsigned)geteuid());
    if (len < 0)
        return -ENOMEM;
    *out_folder = path;
    return 0;
}

static int make_folder(const char *folder, struct error *err)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(err, -errno, "cannot make the runtime folder %s: %s", folder,
                    error_words(-errno));
    struct stat status;
    if (lstat(folder, &status) < 0)
        return fail(err, -errno, "cannot use the runtime folder %s: %s", folder,
                    error_words(-errno));
    if (!S_ISDIR(status.st_mode))
        return fail(err, -ENOTDIR, "cannot use the runtime folder %s: it is not a folder", folder);
    if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)))
        return fail(err, -EPERM,
                    "cannot use the runtime folder %s: it must belong to user %u and be writable "
                    "by nobody else",
                    folder, (unsigned)geteuid());
    return 0;
}

/* ---- The file ---- */

/* FNV-1a, 64 bits.  Source: http://www.isthe.com/chongo/tech/comp/fnv */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        hash = (hash ^ *c) * UINT64_C(0x100000001b3);
    return hash;
}

static pid_t read_holder(int fd)
{
    char content[CONTENT_BYTES_MAX + 1] = "";
    ssize_t n = pread(fd, content, CONTENT_BYTES_MAX, 0);
    char *end = NULL;
    long pid = n > 0 ? strtol(content, &end, 10) : 0;
    return pid > 0 && end && *end == '\n' ? (pid_t)pid : 0;
}

static int write_holder(int fd)
{
    char content[CONTENT_BYTES_MAX];
    int len = snprintf(content, sizeof content, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0)
        return -errno;
    ssize_t n = pwrite(fd, content, (size_t)len, 0);
    return n < 0 ? -errno : n < len ? -ENOSPC : 0;
}

/* Whether the file that `fd` has open is still the one that the name leads to. */
static bool is_current(int fd, const char *file)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && lstat(file, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* Opens and locks once.
 * Returns 0; -EAGAIN: somebody holds it (*out_held), or the file was removed meanwhile: try
 * again. */
static int try_lock(struct run_lock *lock, bool *out_held, pid_t *out_holder)
{
    *out_held = false;
    lock->fd = open(lock->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (lock->fd < 0)
        return -errno;
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        if (is_current(lock->fd, lock->file))
            return write_holder(lock->fd);
        (void)close(lock->fd);
        lock->fd = -1;
        return -EAGAIN;
    }
    int code = -errno;
    if (code == -EAGAIN) { /* the same number as -EWOULDBLOCK */
        *out_held = true;
        if (out_holder)
            *out_holder = read_holder(lock->fd);
    }
    (void)close(lock->fd);
    lock->fd = -1;
    return code;
}

static void free_string(char **string)
{
    free(*string);
}

int run_lock_take(const char *path, const char *folder, struct run_lock **out_lock,
                  pid_t *out_holder, struct error *err)
{
    OWNED(run_lock) struct run_lock *lock = calloc(1, sizeof *lock);
    if (!lock)
        return fail(err, -ENOMEM, "out of memory");
    lock->fd = -1;
    __attribute__((cleanup(free_string))) char *place = NULL;
    int r = user_folder(folder, &place);
    if (r < 0)
        return fail(err, r, "out of memory");
    if (folder && mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(err, -errno, "cannot make the folder %s: %s", folder, error_words(-errno));
    r = make_folder(place, err);
    if (r < 0)
        return r;
    if (asprintf(&lock->file, "%s/%016" PRIx64 ".lock", place, hash_of(path)) < 0) {
        lock->file = NULL;
        return fail(err, -ENOMEM, "out of memory");
    }

    bool held = false;
    r = -EAGAIN;
    for (int i = 0; i < TRIES_MAX && r == -EAGAIN && !held; i++)
        r = try_lock(lock, &held, out_holder);
    if (held)
        return fail(err, -EWOULDBLOCK, "%s is in use", path);
    if (r < 0)
        return fail(err, r, "cannot lock %s: %s", lock->file, error_words(r));
    *out_lock = MOVE(lock);
    return 0;
}

void run_lock_free(struct run_lock *take_lock)
{
    if (!take_lock)
        return;
    if (take_lock->fd >= 0) {
        /* Removed while it is locked: who opened it meanwhile sees that it is not current. */
        (void)unlink(take_lock->file); /* left behind it does no harm */
        (void)close(take_lock->fd);
    }
    free(take_lock->file);
    free(take_lock);
}
