/* SPDX-License-Identifier: MIT
 * file.c - see file.h. */
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(int fd, const char *path, size_t bytes_max, struct stat *out_status,
                      struct error *err)
{
    if (fstat(fd, out_status) < 0)
        return fail(err, -errno, "cannot read %s: %s", path, error_words(-errno));
    if (S_ISDIR(out_status->st_mode))
        return fail(err, -EISDIR, "cannot read %s: it is a directory", path);
    if (!S_ISREG(out_status->st_mode))
        return fail(err, -EINVAL, "cannot read %s: it is not a regular file", path);
    if (out_status->st_size < 0 || (uintmax_t)out_status->st_size > bytes_max)
        return fail(err, -EFBIG, "cannot read %s: it is longer than %zu bytes", path, bytes_max);
    return 0;
}

/* Reads until the end; `room` bytes are what its size promised (files of /proc promise nothing). */
static int read_all(int fd, const char *path, size_t room, char *bytes, size_t *out_len,
                    struct error *err)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, bytes + len, room + 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, -errno, "cannot read %s: %s", path, error_words(-errno));
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > room)
            return fail(err, -EFBIG,
                        "cannot read %s: it is longer than %zu bytes, or it grew meanwhile", path,
                        room);
    }
    bytes[len] = '\0';
    *out_len = len;
    return 0;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* it was only read */
}

static void free_bytes(char **bytes)
{
    free(*bytes);
}

int file_read(const char *path, size_t bytes_max, char **out_bytes, size_t *out_len,
              struct error *err)
{
    /* O_NONBLOCK: the open of a FIFO that nobody writes must not wait. */
    __attribute__((cleanup(close_fd))) const int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(err, -errno, "cannot read %s: %s", path, error_words(-errno));

    struct stat status;
    int r = check_kind(fd, path, bytes_max, &status, err);
    if (r < 0)
        return r;

    size_t room = status.st_size == 0 ? bytes_max : (size_t)status.st_size;
    __attribute__((cleanup(free_bytes))) char *bytes = malloc(room + 2);
    if (!bytes)
        return fail(err, -ENOMEM, "cannot read %s: out of memory", path);
    size_t len = 0;
    r = read_all(fd, path, room, bytes, &len, err);
    if (r < 0)
        return r;
    if (out_len)
        *out_len = len;
    *out_bytes = MOVE(bytes);
    return 0;
}

int file_real_path(const char *path, char **out_path, struct error *err)
{
    char *real_path = realpath(path, NULL);
    if (!real_path)
        return fail(err, -errno, "cannot find %s: %s", path, error_words(-errno));
    *out_path = real_path;
    return 0;
}
