/* SPDX-License-Identifier: MIT
 * plugin_case.h - copies of the planted runtime, some with bytes changed, for tests of the loader.
 *
 * Layer: tests/unit. */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yoke/spawner.h>

#define PLANTED_BYTES_MAX  ((size_t)1024 * 1024)
#define PLANTED_PATH_BYTES 256

/* The build folder: the current one for a test that is run by hand. */
static inline void build_folder(char out_folder[PLANTED_PATH_BYTES])
{
    const char *builddir = getenv("builddir");
    if (builddir)
        (void)snprintf(out_folder, PLANTED_PATH_BYTES, "%s", builddir);
    else
        ck_assert_ptr_nonnull(getcwd(out_folder, PLANTED_PATH_BYTES));
}

/* The built module. */
static inline void planted_path(char out_path[PLANTED_PATH_BYTES])
{
    char folder[PLANTED_PATH_BYTES];
    build_folder(folder);
    int len = snprintf(out_path, PLANTED_PATH_BYTES,
                       "%s/tests/unit/plugins/.libs/runtime_planted.so", folder);
    ck_assert_int_lt(len, PLANTED_PATH_BYTES);
}

/* From now on names of runtimes stand for those of the build folder. */
static inline void use_built_runtimes(void)
{
    char folder[PLANTED_PATH_BYTES], path[PLANTED_PATH_BYTES + 8];
    build_folder(folder);
    (void)snprintf(path, sizeof path, "%s/.libs", folder);
    const char *tested = getenv("YOKE_TEST_PLUGIN_DIR");
    ck_assert_int_eq(setenv("YOKE_PLUGIN_PATH", tested ? tested : path, 1), 0);
}

/* Makes a folder of the test's own; /tmp is a sticky one of root's. */
static inline void planted_folder(char out_folder[PLANTED_PATH_BYTES])
{
    (void)snprintf(out_folder, PLANTED_PATH_BYTES, "/tmp/yoke-test-plugin.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(out_folder));
}

static inline void planted_remove(const char *folder)
{
    char command[PLANTED_PATH_BYTES + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Some bytes of the module, found by what stands at `offset` before them and only there. */
struct planted_change {
    const void *place;
    size_t place_len;
    int offset;
    const void *bytes;
    size_t len;
    bool repeats; /* the place is the first of several */
};

/* Writes the module to `folder`/`name`, changed; NULL: as it is. */
static inline void planted_write(const char *folder, const char *name,
                                 const struct planted_change *change)
{
    char path[2 * PLANTED_PATH_BYTES];
    planted_path(path);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    char *content = malloc(PLANTED_BYTES_MAX);
    ck_assert_ptr_nonnull(content);
    size_t size = fread(content, 1, PLANTED_BYTES_MAX, file);
    ck_assert_int_eq(fclose(file), 0);
    if (change) {
        char *place = memmem(content, size, change->place, change->place_len);
        ck_assert_ptr_nonnull(place);
        size_t rest = size - (size_t)(place + 1 - content);
        ck_assert(change->repeats || !memmem(place + 1, rest, change->place, change->place_len));
        memcpy(place + change->offset, change->bytes, change->len);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0755), 0);
    free(content);
}

/* The module as it is. */
static inline void planted_copy(const char *folder, const char *name)
{
    planted_write(folder, name, NULL);
}

/* The module with the member at `member_offset` of its entry changed. */
static inline void planted_change_entry(const char *folder, size_t member_offset, const void *bytes,
                                        size_t len)
{
    const struct planted_change change = {.place = YK_ENTRY_MAGIC,
                                          .place_len = sizeof YK_ENTRY_MAGIC,
                                          .offset =
                                              (int)member_offset - (int)offsetof(yk_entry, magic),
                                          .bytes = bytes,
                                          .len = len};
    planted_write(folder, "runtime_planted.so", &change);
}

#define PLANTED_CHANGE(folder, member, type, value)                                                \
    planted_change_entry(folder, offsetof(yk_entry, member), &(type){value}, sizeof(type))
