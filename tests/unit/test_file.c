/* SPDX-License-Identifier: MIT
 * test_file.c - a whole regular file at once. */
#include "core/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/support.h"

static char folder[] = "/tmp/yoke-test-file-XXXXXX";

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    FILE *file = fopen("ten", "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite("01234\0"
                             "678\n",
                             1, 10, file),
                      10);
    ck_assert_int_eq(fclose(file), 0);
}

static void teardown(void)
{
    (void)unlink("ten");
    (void)unlink("fifo");
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(a_file_is_read_whole)
{
    setup();
    char *bytes = NULL;
    size_t len = 0;
    struct error err = {0};
    ck_assert_int_eq(file_read("ten", 10, &bytes, &len, &err), 0);
    ck_assert_uint_eq(len, 10);
    ck_assert_int_eq(memcmp(bytes,
                            "01234\0"
                            "678\n",
                            11),
                     0);
    free(bytes);
    ck_assert_int_eq(file_read("/proc/self/status", 100000, &bytes, &len, &err),
                     0); /* says it is empty */
    ck_assert_ptr_nonnull(strstr(bytes, "Pid:"));
    free(bytes);
    teardown();
}
END_TEST

START_TEST(what_is_no_file_or_too_long_is_refused)
{
    setup();
    char *bytes = NULL;
    struct error err = {0};
    ck_assert_int_eq(file_read("ten", 9, &bytes, NULL, &err), -EFBIG);
    ck_assert_str_eq(err.text, "cannot read ten: it is longer than 9 bytes");
    ck_assert_int_eq(file_read("none", 9, &bytes, NULL, &err), -ENOENT);
    ck_assert_int_eq(file_read(".", 9, &bytes, NULL, &err), -EISDIR);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(file_read("fifo", 9, &bytes, NULL, &err),
                     -EINVAL); /* and does not wait for a writer */
    ck_assert_str_eq(err.text, "cannot read fifo: it is not a regular file");
    ck_assert_int_eq(file_read("/proc/self/status", 10, &bytes, NULL, &err), -EFBIG);
    ck_assert_ptr_null(bytes);
    teardown();
}
END_TEST

START_TEST(a_real_path_has_no_links)
{
    setup();
    char *path = NULL;
    struct error err = {0};
    ck_assert_int_eq(file_real_path("./../x", &path, &err), -ENOENT);
    ck_assert_int_eq(file_real_path("./ten", &path, &err), 0);
    ck_assert(strncmp(path, folder, strlen(folder)) == 0);
    ck_assert_str_eq(path + strlen(folder), "/ten");
    free(path);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    suite_add(suite, a_file_is_read_whole);
    suite_add(suite, what_is_no_file_or_too_long_is_refused);
    suite_add(suite, a_real_path_has_no_links);
    return support_main(suite);
}
