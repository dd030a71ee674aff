/* SPDX-License-Identifier: MIT
 * test_loader.c - which files are loaded as runtimes, and the sentence for each that is not.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/runtime/loader.h"
#include "core/runtime/plugin_file.h"
#include "core/runtime/plugin_path.h"
#include "tests/unit/plugin_case.h"

static char folder[PLANTED_PATH_BYTES]; /* each test has a process of its own */

static void begin(void)
{
    planted_folder(folder);
}

static void end(void)
{
    planted_remove(folder);
}

/* Good until the next call but one. */
static const char *in_folder(const char *name)
{
    static char paths[2][2 * PLANTED_PATH_BYTES];
    static int next;
    next = !next;
    (void)snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static const yk_entry *load(const char *name)
{
    struct error err = {0};
    const yk_entry *entry = NULL;
    int r = loader_open_file(in_folder(name), &entry, NULL, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    ck_assert_ptr_nonnull(entry);
    return entry;
}

/* The file is refused; `sentence` has %s where the folder's path stands. */
__attribute__((format(printf, 3, 4))) static void refused(const char *name, int code,
                                                          const char *format, ...)
{
    char sentence[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    struct error err = {0};
    const yk_entry *entry = NULL;
    char *path = NULL;
    int r = loader_open_file(in_folder(name), &entry, &path, &err);
    ck_assert_str_eq(err.text, sentence);
    ck_assert_int_eq(r, code);
    ck_assert_ptr_null(entry);
    ck_assert_ptr_null(path);
}

/* --- what is loaded -------------------------------------------------------------------------- */

START_TEST(a_good_plugin_is_loaded_and_loading_it_again_gives_the_same)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    int fds = support_fd_count(), threads = support_thread_count();
    const yk_entry *entry = load("runtime_planted.so");
    ck_assert_str_eq(entry->id, "planted");
    ck_assert_str_eq(entry->version, "1.2.3");
    ck_assert_ptr_eq(load("runtime_planted.so"), entry);
    ck_assert_int_eq(support_fd_count(), fds);
    ck_assert_int_eq(support_thread_count(), threads);
    end();
}
END_TEST

START_TEST(the_real_path_is_given)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    char real[2 * PLANTED_PATH_BYTES];
    (void)snprintf(real, sizeof real, "%s", in_folder("runtime_planted.so"));
    ck_assert_int_eq(mkdir(in_folder("links"), 0755), 0);
    ck_assert_int_eq(symlink("../runtime_planted.so", in_folder("links/runtime_planted.so")), 0);
    const yk_entry *entry = NULL;
    char *path = NULL;
    struct error err = {0};
    int r = loader_open_file(in_folder("links/runtime_planted.so"), &entry, &path, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    ck_assert_str_eq(path, real);
    ck_assert_ptr_eq(load("runtime_planted.so"), entry);
    free(path);
    end();
}
END_TEST

START_TEST(a_file_may_be_named_after_the_runtime_alone)
{
    begin();
    planted_copy(folder, "planted.so");
    ck_assert_str_eq(load("planted.so")->id, "planted");
    end();
}
END_TEST

START_TEST(a_newer_minor_is_taken_if_it_can_do_with_this_host)
{
    begin();
    PLANTED_CHANGE(folder, abi_minor, uint16_t, YK_ABI_MINOR + 7);
    ck_assert_uint_eq(load("runtime_planted.so")->abi_minor, YK_ABI_MINOR + 7);
    end();
}
END_TEST

START_TEST(a_longer_entry_is_taken)
{
    begin();
    PLANTED_CHANGE(folder, size, uint32_t, sizeof(yk_entry) + 16);
    ck_assert_uint_eq(load("runtime_planted.so")->size, sizeof(yk_entry) + 16);
    end();
}
END_TEST

START_TEST(every_built_runtime_is_loaded_by_its_name)
{
    use_built_runtimes();
    for (int i = 0; i < support_runtime_count(); i++) {
        struct error err = {0};
        const yk_entry *entry = NULL;
        int threads = support_thread_count(), fds = support_fd_count();
        int r = loader_open(support_runtime(i), NULL, &entry, NULL, &err);
        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_str_eq(entry->id, support_runtime(i));
        ck_assert_int_eq(support_thread_count(), threads);
        ck_assert_int_eq(support_fd_count(), fds);
    }
}
END_TEST

/* --- what is refused for what it is ---------------------------------------------------------- */

START_TEST(a_wrong_magic_is_refused)
{
    begin();
    planted_change_entry(folder, offsetof(yk_entry, magic) + 3, "X", 1);
    refused(
        "runtime_planted.so", -ENOEXEC,
        "%s/runtime_planted.so is no runtime: its yoke_runtime_v1 does not have the magic bytes "
        "YKRT",
        folder);
    end();
}
END_TEST

START_TEST(another_major_is_refused_with_both_versions)
{
    begin();
    PLANTED_CHANGE(folder, abi_major, uint16_t, 2);
    refused("runtime_planted.so", -EPROTO,
            "%s/runtime_planted.so was compiled for spawner ABI 2.0; wanted is ABI 1", folder);
    end();
}
END_TEST

START_TEST(a_plugin_that_wants_a_newer_host_is_refused)
{
    begin();
    PLANTED_CHANGE(folder, host_minor_min, uint16_t, YK_ABI_MINOR + 1);
    refused("runtime_planted.so", -EPROTO,
            "%s/runtime_planted.so wants a host with spawner ABI 1.1 or newer; this one has 1.0",
            folder);
    end();
}
END_TEST

START_TEST(a_short_entry_is_refused)
{
    begin();
    PLANTED_CHANGE(folder, size, uint32_t, sizeof(yk_entry) - 8);
    refused("runtime_planted.so", -EPROTO,
            "%s/runtime_planted.so: its entry has 64 bytes; wanted are 72 or more", folder);
    end();
}
END_TEST

START_TEST(an_entry_that_claims_more_than_it_has_is_refused)
{
    begin();
    PLANTED_CHANGE(folder, size, uint32_t, 4096);
    refused("runtime_planted.so", -EPROTO,
            "%s/runtime_planted.so: its entry says that it has 4096 bytes, and has 88", folder);
    end();
}
END_TEST

START_TEST(another_id_than_the_files_name_is_refused)
{
    begin();
    planted_copy(folder, "runtime_other.so");
    refused("runtime_other.so", -EPROTO,
            "%s/runtime_other.so is the runtime 'planted'; wanted is 'other', as its file is named",
            folder);
    end();
}
END_TEST

START_TEST(a_missing_symbol_is_named)
{
    begin();
    planted_write(folder, "runtime_planted.so",
                  &(struct planted_change){"\0yoke_runtime_v1", 17, 15, "9", 1, true});
    refused("runtime_planted.so", -ENOEXEC,
            "%s/runtime_planted.so is no runtime: it does not export yoke_runtime_v1", folder);
    end();
}
END_TEST

START_TEST(a_missing_library_is_named_with_the_plugin)
{
    begin();
    planted_write(folder, "runtime_planted.so",
                  &(struct planted_change){"\0libc.so.6", 11, 4, "q", 1, false});
    refused("runtime_planted.so", -ENOEXEC,
            "%s/runtime_planted.so cannot be loaded: libq.so.6: cannot open shared object file: No "
            "such file or directory",
            folder);
    end();
}
END_TEST

START_TEST(what_is_no_shared_object_is_refused)
{
    begin();
    FILE *file = fopen(in_folder("runtime_planted.so"), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("this is no shared object, however long its text may be\n", file), 0);
    ck_assert_int_eq(fclose(file), 0);
    refused("runtime_planted.so", -ENOEXEC,
            "%s/runtime_planted.so cannot be loaded: %s/runtime_planted.so: file too short", folder,
            folder);
    ck_assert_int_eq(truncate(in_folder("runtime_planted.so"), 0), 0);
    refused("runtime_planted.so", -EINVAL, "%s/runtime_planted.so is empty", folder);
    end();
}
END_TEST

/* --- what is refused for where it lies ------------------------------------------------------- */

START_TEST(a_file_that_others_may_write_is_refused)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    ck_assert_int_eq(chmod(in_folder("runtime_planted.so"), 0775), 0);
    refused("runtime_planted.so", -EPERM,
            "%s/runtime_planted.so may be changed by its group (mode 0775); wanted is by its owner "
            "only: chmod go-w",
            folder);
    ck_assert_int_eq(chmod(in_folder("runtime_planted.so"), 0757), 0);
    refused("runtime_planted.so", -EPERM,
            "%s/runtime_planted.so may be changed by everybody (mode 0757); wanted is by its owner "
            "only: chmod go-w",
            folder);
    end();
}
END_TEST

START_TEST(a_folder_that_others_may_write_is_refused)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    ck_assert_int_eq(chmod(folder, 0770), 0);
    refused("runtime_planted.so", -EPERM,
            "%s may be changed by its group (mode 0770); wanted is by its owner only: chmod go-w",
            folder);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    load("runtime_planted.so");
    end();
}
END_TEST

START_TEST(a_folder_further_up_counts_too)
{
    begin();
    ck_assert_int_eq(mkdir(in_folder("a"), 0700), 0);
    ck_assert_int_eq(mkdir(in_folder("a/b"), 0700), 0);
    planted_copy(folder, "a/b/runtime_planted.so");
    ck_assert_int_eq(chmod(in_folder("a"), 0702), 0);
    refused("a/b/runtime_planted.so", -EPERM,
            "%s/a may be changed by everybody (mode 0702); wanted is by its owner only: chmod go-w",
            folder);
    ck_assert_int_eq(chmod(in_folder("a"), 0700), 0);
    load("a/b/runtime_planted.so");
    end();
}
END_TEST

START_TEST(a_link_in_a_folder_that_others_may_write_is_refused)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    ck_assert_int_eq(mkdir(in_folder("open"), 0700), 0);
    ck_assert_int_eq(symlink("../runtime_planted.so", in_folder("open/runtime_planted.so")), 0);
    ck_assert_int_eq(chmod(in_folder("open"), 0777), 0);
    refused("open/runtime_planted.so", -EPERM,
            "%s/open may be changed by everybody (mode 0777); wanted is by its owner only: chmod "
            "go-w",
            folder);
    end();
}
END_TEST

START_TEST(a_link_into_a_folder_that_others_may_write_is_refused)
{
    begin();
    ck_assert_int_eq(mkdir(in_folder("open"), 0700), 0);
    planted_copy(folder, "open/runtime_planted.so");
    ck_assert_int_eq(symlink("open/runtime_planted.so", in_folder("runtime_planted.so")), 0);
    load("runtime_planted.so");
    ck_assert_int_eq(chmod(in_folder("open"), 0777), 0);
    refused("runtime_planted.so", -EPERM,
            "%s/open may be changed by everybody (mode 0777); wanted is by its owner only: chmod "
            "go-w",
            folder);
    end();
}
END_TEST

START_TEST(anothers_file_or_folder_is_refused)
{
    if (geteuid() != 0)
        return; /* only root can give files away; tests/system/test_loader_rights.sh says skip */
    begin();
    planted_copy(folder, "runtime_planted.so");
    ck_assert_int_eq(chown(in_folder("runtime_planted.so"), 4242, 4242), 0);
    refused("runtime_planted.so", -EPERM,
            "%s/runtime_planted.so belongs to user 4242; wanted is root or user 0, who runs this "
            "program",
            folder);
    ck_assert_int_eq(chown(in_folder("runtime_planted.so"), 0, 0), 0);
    ck_assert_int_eq(chown(folder, 4242, 4242), 0);
    refused("runtime_planted.so", -EPERM,
            "%s belongs to user 4242; wanted is root or user 0, who runs this program", folder);
    end();
}
END_TEST

START_TEST(a_sticky_folder_of_roots_is_safe_and_anothers_link_in_it_is_not)
{
    if (geteuid() != 0)
        return;
    begin();
    planted_copy(folder, "runtime_planted.so");
    ck_assert_int_eq(chmod(folder, 01777), 0);
    load("runtime_planted.so");
    ck_assert_int_eq(symlink("runtime_planted.so", in_folder("planted.so")), 0);
    load("planted.so");
    ck_assert_int_eq(lchown(in_folder("planted.so"), 4242, 4242), 0);
    refused("planted.so", -EPERM,
            "%s/planted.so belongs to user 4242; wanted is root or user 0, who runs this program",
            folder);
    end();
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
    begin();
    ck_assert_int_eq(mkfifo(in_folder("runtime_planted.so"), 0600), 0);
    refused("runtime_planted.so", -EINVAL, "%s/runtime_planted.so is not a regular file", folder);
    ck_assert_int_eq(mkdir(in_folder("runtime_folder.so"), 0700), 0);
    refused("runtime_folder.so", -EINVAL, "%s/runtime_folder.so is not a regular file", folder);
    refused("runtime_gone.so", -ENOENT, "cannot find %s/runtime_gone.so: No such file or directory",
            folder);
    refused("runtime_planted.txt", -EINVAL,
            "%s/runtime_planted.txt is not named like a runtime: wanted is runtime_NAME.so",
            folder);
    end();
}
END_TEST

START_TEST(a_relative_path_is_refused)
{
    struct error err = {0};
    const yk_entry *entry = NULL;
    ck_assert_int_eq(loader_open("./runtime_planted.so", NULL, &entry, NULL, &err), -EINVAL);
    ck_assert_str_eq(
        err.text, "'./runtime_planted.so' cannot be a runtime: wanted is a name made of a-z, 0-9, "
                  "_ and -, or the absolute path of a plugin");
    ck_assert_int_eq(loader_open_file("runtime_planted.so", &entry, NULL, &err), -EINVAL);
    ck_assert_str_eq(err.text, "runtime_planted.so is not an absolute path");
}
END_TEST

/* --- what was mapped ------------------------------------------------------------------------- */

START_TEST(a_file_that_was_replaced_after_it_was_loaded_is_refused)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    load("runtime_planted.so");
    ck_assert_int_eq(rename(in_folder("runtime_planted.so"), in_folder("old.so")), 0);
    planted_copy(folder, "runtime_planted.so"); /* another file; dlopen() knows the path already */
    struct error err = {0};
    const yk_entry *entry = NULL;
    ck_assert_int_eq(loader_open_file(in_folder("runtime_planted.so"), &entry, NULL, &err),
                     -ESTALE);
    ck_assert_ptr_nonnull(strstr(err.text, "/runtime_planted.so is not what was loaded (device "));
    end();
}
END_TEST

START_TEST(an_address_counts_only_in_a_mapping_of_the_checked_file)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    planted_copy(folder, "planted.so");
    const yk_entry *entry = load("runtime_planted.so");
    struct error err = {0};
    OWNED(plugin_file) struct plugin_file *same = NULL;
    ck_assert_int_eq(plugin_file_open(in_folder("runtime_planted.so"), &same, &err), 0);
    ck_assert_int_eq(plugin_file_holds(same, entry, &err), 0);
    int on_the_stack = 0;
    ck_assert_int_eq(plugin_file_holds(same, &on_the_stack, &err), -ESTALE);
    ck_assert_int_eq(plugin_file_holds(same, NULL, &err), -ESTALE);
    OWNED(plugin_file) struct plugin_file *twin = NULL;
    ck_assert_int_eq(plugin_file_open(in_folder("planted.so"), &twin, &err), 0);
    ck_assert_int_eq(plugin_file_holds(twin, entry, &err), -ESTALE);
    end();
}
END_TEST

/* --- no memory ------------------------------------------------------------------------------- */

START_TEST(no_memory_at_any_allocation_is_enomem)
{
    begin();
    planted_copy(folder, "runtime_planted.so");
    load("runtime_planted.so"); /* dlopen's own allocations are not ours */
    for (uint64_t n = 1;; n++) {
        struct error err = {0};
        const yk_entry *entry = NULL;
        support_fail_nth_alloc(n);
        int r = loader_open("planted", folder, &entry, NULL, &err);
        if (!support_fail_nth_done()) {
            ck_assert_int_eq(r, 0);
            ck_assert_uint_gt(n, 3);
            break;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(entry);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    suite_add(suite, a_good_plugin_is_loaded_and_loading_it_again_gives_the_same);
    suite_add(suite, the_real_path_is_given);
    suite_add(suite, a_file_may_be_named_after_the_runtime_alone);
    suite_add(suite, a_newer_minor_is_taken_if_it_can_do_with_this_host);
    suite_add(suite, a_longer_entry_is_taken);
    suite_add(suite, every_built_runtime_is_loaded_by_its_name);
    suite_add(suite, a_wrong_magic_is_refused);
    suite_add(suite, another_major_is_refused_with_both_versions);
    suite_add(suite, a_plugin_that_wants_a_newer_host_is_refused);
    suite_add(suite, a_short_entry_is_refused);
    suite_add(suite, an_entry_that_claims_more_than_it_has_is_refused);
    suite_add(suite, another_id_than_the_files_name_is_refused);
    suite_add(suite, a_missing_symbol_is_named);
    suite_add(suite, a_missing_library_is_named_with_the_plugin);
    suite_add(suite, what_is_no_shared_object_is_refused);
    suite_add(suite, a_file_that_others_may_write_is_refused);
    suite_add(suite, a_folder_that_others_may_write_is_refused);
    suite_add(suite, a_folder_further_up_counts_too);
    suite_add(suite, a_link_in_a_folder_that_others_may_write_is_refused);
    suite_add(suite, a_link_into_a_folder_that_others_may_write_is_refused);
    suite_add(suite, anothers_file_or_folder_is_refused);
    suite_add(suite, a_sticky_folder_of_roots_is_safe_and_anothers_link_in_it_is_not);
    suite_add(suite, what_is_no_regular_file_is_refused);
    suite_add(suite, a_relative_path_is_refused);
    suite_add(suite, a_file_that_was_replaced_after_it_was_loaded_is_refused);
    suite_add(suite, an_address_counts_only_in_a_mapping_of_the_checked_file);
    suite_add(suite, no_memory_at_any_allocation_is_enomem);
    return support_main(suite);
}
