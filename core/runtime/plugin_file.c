/* SPDX-License-Identifier: MIT
 * plugin_file.c - see plugin_file.h.
 *
 * What /proc/self/maps says of device and inode is not what fstat says on overlayfs and btrfs.  So
 * two mappings are compared, the plugin's and one of the descriptor that was checked: whatever the
 * kernel shows, it shows for both. */
#include "core/runtime/plugin_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PREFIX "runtime_"
#define FILE_SUFFIX ".so"
#define PAGE_BYTES  1 /* mmap rounds up */

void plugin_file_free(struct plugin_file *take_file)
{
    if (!take_file)
        return;
    if (take_file->page)
        (void)munmap(take_file->page, PAGE_BYTES); /* cannot fail on our own mapping */
    if (take_file->fd >= 0)
        (void)close(take_file->fd); /* it was only read */
    free(take_file->path);
    free(take_file->name);
    free(take_file);
}

static int out_of_memory(struct error *err)
{
    return fail(err, -ENOMEM, "cannot open a runtime's file: out of memory");
}

/* --- who can change it
 * --------------------------------------------------------------------------------------------- */

static int check_owner(const char *path, const struct stat *status, struct error *err)
{
    if (status->st_uid == 0 || status->st_uid == geteuid())
        return 0;
    return fail(err, -EPERM,
                "%s belongs to user %u; wanted is root or user %u, who runs this program", path,
                (unsigned)status->st_uid, (unsigned)geteuid());
}

static int check_rights(const char *path, const struct stat *status, struct error *err)
{
    int r = check_owner(path, status, err);
    if (r < 0)
        return r;
    if (S_ISDIR(status->st_mode) && status->st_uid == 0 && (status->st_mode & S_ISVTX))
        return 0; /* as /tmp: everybody may add, nobody may replace what is another's */
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return fail(err, -EPERM,
                    "%s may be changed by %s (mode %04o); wanted is by its owner only: chmod go-w",
                    path, status->st_mode & S_IWOTH ? "everybody" : "its group",
                    (unsigned)status->st_mode & 07777);
    return 0;
}

/* Checks a folder on the way to the plugin, and the symbolic link that it may be given as. */
static int check_folder(const char *folder, struct error *err)
{
    struct stat status;
    if (lstat(folder, &status) < 0)
        return fail(err, -errno, "cannot look at the folder %s: %s", folder, error_words(-errno));
    if (!S_ISLNK(status.st_mode))
        return check_rights(folder, &status, err);
    int r = check_owner(folder, &status, err);
    if (r < 0)
        return r;
    if (stat(folder, &status) < 0)
        return fail(err, -errno, "cannot look at the folder %s: %s", folder, error_words(-errno));
    return check_rights(folder, &status, err);
}

/* Checks the folder that holds `path`, which is absolute, and those above it. */
static int check_folders(const char *path, struct error *err)
{
    char *folder = strdup(path);
    if (!folder)
        return out_of_memory(err);
    int r = 0;
    char *slash = strrchr(folder, '/');
    while (r == 0 && slash) {
        slash[slash == folder ? 1 : 0] = '\0';
        r = check_folder(folder, err);
        slash = folder[1] == '\0' ? NULL : strrchr(folder, '/');
    }
    free(folder);
    return r;
}

static int check_file(const char *path, int fd, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return fail(err, -errno, "cannot look at %s: %s", path, error_words(-errno));
    if (!S_ISREG(status.st_mode))
        return fail(err, -EINVAL, "%s is not a regular file", path);
    if (status.st_size == 0)
        return fail(err, -EINVAL, "%s is empty", path);
    return check_rights(path, &status, err);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Writes NAME of ".../runtime_NAME.so" or ".../NAME.so". */
static int name_file(struct plugin_file *file, const char *path, struct error *err)
{
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(name);
    if (strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
        name += strlen(FILE_PREFIX);
        len -= strlen(FILE_PREFIX);
    }
    const size_t suffix_len = strlen(FILE_SUFFIX);
    if (len <= suffix_len || strcmp(name + len - suffix_len, FILE_SUFFIX) != 0)
        return fail(err, -EINVAL,
                    "%s is not named like a runtime: wanted is " FILE_PREFIX "NAME" FILE_SUFFIX,
                    path);
    file->name = strndup(name, len - suffix_len);
    return file->name ? 0 : out_of_memory(err);
}

static int open_checked(struct plugin_file *file, const char *path, struct error *err)
{
    file->path = realpath(path, NULL);
    if (!file->path)
        return fail(err, -errno, "cannot find %s: %s", path, error_words(-errno));
    struct stat link;
    if (lstat(path, &link) < 0)
        return fail(err, -errno, "cannot look at %s: %s", path, error_words(-errno));
    int r = check_owner(path, &link, err);
    if (r == 0)
        r = check_folders(path, err);
    if (r == 0 && strcmp(path, file->path) != 0) /* it leads over symbolic links */
        r = check_folders(file->path, err);
    if (r < 0)
        return r;
    /* O_NONBLOCK: the open of a FIFO must not wait. */
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (file->fd < 0)
        return fail(err, -errno, "cannot open %s: %s", file->path, error_words(-errno));
    return check_file(file->path, file->fd, err);
}

int plugin_file_open(const char *path, struct plugin_file **out_file, struct error *err)
{
    if (path[0] != '/')
        return fail(err, -EINVAL, "%s is not an absolute path", path);
    OWNED(plugin_file) struct plugin_file *file = calloc(1, sizeof *file);
    if (!file)
        return out_of_memory(err);
    file->fd = -1;
    int r = name_file(file, path, err);
    if (r == 0)
        r = open_checked(file, path, err);
    if (r < 0)
        return r;
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (page == MAP_FAILED)
        return fail(err, -errno, "cannot map %s: %s", file->path, error_words(-errno));
    file->page = page;
    *out_file = MOVE(file);
    return 0;
}

/* --- what was mapped ------------------------------------------------------------------------- */

/* A line of /proc/self/maps.  Source: proc(5). */
struct mapping {
    uintptr_t start, end;
    unsigned major, minor;
    uint64_t inode;
};

static bool mapping_holds(const struct mapping *mapping, const void *address)
{
    return (uintptr_t)address >= mapping->start && (uintptr_t)address < mapping->end;
}

/* Finds the mappings of two addresses; one that is in none stays zero. */
static int find_mappings(const void *const addresses[2], struct mapping out_mappings[2],
                         struct error *err)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return fail(err, -errno, "cannot read /proc/self/maps: %s", error_words(-errno));
    char *line = NULL;
    size_t line_bytes = 0;
    while (getline(&line, &line_bytes, maps) > 0) {
        struct mapping mapping;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %x:%x %" SCNu64, &mapping.start,
                   &mapping.end, &mapping.major, &mapping.minor, &mapping.inode) != 5)
            continue;
        for (int i = 0; i < 2; i++)
            if (mapping_holds(&mapping, addresses[i]))
                out_mappings[i] = mapping;
    }
    free(line);
    (void)fclose(maps); /* it was only read */
    return 0;
}

int plugin_file_holds(const struct plugin_file *file, const void *address, struct error *err)
{
    const void *const addresses[2] = {file->page, address};
    struct mapping mappings[2] = {{0}};
    int r = find_mappings(addresses, mappings, err);
    if (r < 0)
        return r;
    const struct mapping *checked = &mappings[0], *loaded = &mappings[1];
    if (checked->inode == 0)
        return fail(err, -ENOENT, "%s: /proc/self/maps does not show what was mapped", file->path);
    if (checked->major != loaded->major || checked->minor != loaded->minor ||
        checked->inode != loaded->inode)
        return fail(
            err, -ESTALE,
            "%s is not what was loaded (device %x:%x inode %" PRIu64 ", loaded was %x:%x %" PRIu64
            "): the file was replaced meanwhile, or the symbol comes from a library that it needs",
            file->path, checked->major, checked->minor, checked->inode, loaded->major,
            loaded->minor, loaded->inode);
    return 0;
}
