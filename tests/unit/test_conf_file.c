/* SPDX-License-Identifier: MIT
 * test_conf_file.c - which runtimes.conf counts: the order of the places.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/config/conf_file.h"

#define BYTES_MAX 4096

/* A folder with runtimes.conf in every place; each holds its own path. */
struct scene {
    char top[64];
    char option[96], variable[96], xdg[96], xdg_file[128], home[96], home_file[128], system[96],
        system_file[128];
};

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(path, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void scene_begin(struct scene *scene)
{
    (void)snprintf(scene->top, sizeof scene->top, "/tmp/yoke-test-conf.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scene->top));
    (void)snprintf(scene->option, sizeof scene->option, "%s/option.conf", scene->top);
    (void)snprintf(scene->variable, sizeof scene->variable, "%s/variable.conf", scene->top);
    (void)snprintf(scene->xdg, sizeof scene->xdg, "%s/xdg", scene->top);
    (void)snprintf(scene->home, sizeof scene->home, "%s/home", scene->top);
    (void)snprintf(scene->system, sizeof scene->system, "%s/system", scene->top);
    char folder[128];
    make_folder(scene->xdg);
    (void)snprintf(folder, sizeof folder, "%s/yoke", scene->xdg);
    make_folder(folder);
    (void)snprintf(scene->xdg_file, sizeof scene->xdg_file, "%s/yoke/runtimes.conf", scene->xdg);
    make_folder(scene->home);
    (void)snprintf(folder, sizeof folder, "%s/.config", scene->home);
    make_folder(folder);
    (void)snprintf(folder, sizeof folder, "%s/.config/yoke", scene->home);
    make_folder(folder);
    (void)snprintf(scene->home_file, sizeof scene->home_file, "%s/.config/yoke/runtimes.conf",
                   scene->home);
    make_folder(scene->system);
    (void)snprintf(scene->system_file, sizeof scene->system_file, "%s/runtimes.conf",
                   scene->system);
    write_file(scene->option);
    write_file(scene->variable);
    write_file(scene->xdg_file);
    write_file(scene->home_file);
    write_file(scene->system_file);
}

static void scene_end(const struct scene *scene)
{
    static const char *const names[] = {"option.conf",
                                        "variable.conf",
                                        "xdg/yoke/runtimes.conf",
                                        "home/.config/yoke/runtimes.conf",
                                        "system/runtimes.conf",
                                        "xdg/yoke",
                                        "xdg",
                                        "home/.config/yoke",
                                        "home/.config",
                                        "home",
                                        "system",
                                        "runtimes.conf",
                                        "yoke/runtimes.conf",
                                        "yoke",
                                        "fifo",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", scene->top, names[i]);
        (void)remove(path); /* some are not there */
    }
}

static struct conf_places all_places(const struct scene *scene)
{
    return (struct conf_places){.option = scene->option,
                                .variable = scene->variable,
                                .xdg_config_home = scene->xdg,
                                .home = scene->home,
                                .system_folder = scene->system};
}

/* The places lead to the file `path`, for the reason `why`. */
static void expect_file(const struct conf_places *places, const char *path, const char *why)
{
    struct error err = {0};
    OWNED(conf_file) struct conf_file *file = NULL;
    int r = conf_file_open(places, BYTES_MAX, &file, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    ck_assert_ptr_nonnull(file->path);
    ck_assert_str_eq(file->path, path);
    ck_assert_str_eq(file->why, why);
    ck_assert_uint_eq(file->len, strlen(path));
    ck_assert_mem_eq(file->bytes, path, file->len);
}

static void expect_error(const struct conf_places *places, int code, const char *sentence)
{
    struct error err = {0};
    struct conf_file *file = NULL;
    ck_assert_int_eq(conf_file_open(places, BYTES_MAX, &file, &err), code);
    ck_assert_ptr_null(file);
    ck_assert_str_eq(err.text, sentence);
}

START_TEST(the_places_count_in_their_order)
{
    struct scene scene;
    scene_begin(&scene);
    struct conf_places places = all_places(&scene);
    expect_file(&places, scene.option, "named by --runtimes");
    places.option = NULL;
    expect_file(&places, scene.variable, "named by YOKE_RUNTIMES");
    places.variable = "";
    expect_file(&places, scene.xdg_file, "found in the user's configuration folder");
    places.xdg_config_home = NULL;
    expect_file(&places, scene.home_file, "found in the user's configuration folder");
    places.home = NULL;
    expect_file(&places, scene.system_file, "found in the system's configuration folder");
    scene_end(&scene);
}
END_TEST

START_TEST(a_folder_without_the_file_is_passed_over)
{
    struct scene scene;
    scene_begin(&scene);
    struct conf_places places = all_places(&scene);
    places.option = NULL;
    places.variable = NULL;
    ck_assert_int_eq(unlink(scene.xdg_file), 0);
    expect_file(&places, scene.system_file, "found in the system's configuration folder");
    ck_assert_int_eq(unlink(scene.system_file), 0);
    char why[320];
    (void)snprintf(why, sizeof why, "neither %s nor %s exists", scene.xdg_file, scene.system_file);
    struct error err = {0};
    OWNED(conf_file) struct conf_file *file = NULL;
    ck_assert_int_eq(conf_file_open(&places, BYTES_MAX, &file, &err), 0);
    ck_assert_ptr_null(file->path);
    ck_assert_ptr_null(file->bytes);
    ck_assert_str_eq(file->why, why);
    scene_end(&scene);
}
END_TEST

START_TEST(the_current_folder_is_not_looked_at)
{
    struct scene scene;
    scene_begin(&scene);
    ck_assert_int_eq(chdir(scene.top), 0);
    write_file("runtimes.conf");
    make_folder("yoke");
    write_file("yoke/runtimes.conf");
    char nowhere[96];
    (void)snprintf(nowhere, sizeof nowhere, "%s/nowhere", scene.top);
    /* Neither an empty nor a relative folder is made one of the current folder. */
    static const char *const relative[] = {"", ".", "xdg", "home"};
    for (size_t i = 0; i < sizeof relative / sizeof relative[0]; i++) {
        struct conf_places places = {
            .xdg_config_home = relative[i], .home = relative[i], .system_folder = nowhere};
        struct error err = {0};
        OWNED(conf_file) struct conf_file *file = NULL;
        ck_assert_int_eq(conf_file_open(&places, BYTES_MAX, &file, &err), 0);
        ck_assert_ptr_null(file->path);
    }
    scene_end(&scene);
}
END_TEST

START_TEST(a_file_that_was_asked_for_must_be_there)
{
    struct conf_places places = {.option = "/nonexistent/r.conf", .system_folder = "/nonexistent"};
    expect_error(
        &places, -ENOENT,
        "cannot read /nonexistent/r.conf: No such file or directory (named by --runtimes)");
    places =
        (struct conf_places){.variable = "/nonexistent/r.conf", .system_folder = "/nonexistent"};
    expect_error(
        &places, -ENOENT,
        "cannot read /nonexistent/r.conf: No such file or directory (named by YOKE_RUNTIMES)");
    places = (struct conf_places){.option = "", .system_folder = "/nonexistent"};
    expect_error(&places, -ENOENT, "cannot read : No such file or directory (named by --runtimes)");
}
END_TEST

START_TEST(what_is_no_regular_file_or_too_long_is_refused)
{
    struct scene scene;
    scene_begin(&scene);
    struct conf_places places = {.option = scene.xdg, .system_folder = scene.system};
    char sentence[256];
    (void)snprintf(sentence, sizeof sentence,
                   "cannot read %s: it is a directory (named by --runtimes)", scene.xdg);
    expect_error(&places, -EISDIR, sentence);

    char fifo[96];
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", scene.top);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    places.option = fifo;
    (void)snprintf(sentence, sizeof sentence,
                   "cannot read %s: it is not a regular file (named by --runtimes)", fifo);
    expect_error(&places, -EINVAL, sentence);

    ck_assert_int_eq(truncate(scene.option, BYTES_MAX), 0);
    places.option = scene.option;
    struct error err = {0};
    OWNED(conf_file) struct conf_file *file = NULL;
    ck_assert_int_eq(conf_file_open(&places, BYTES_MAX, &file, &err), 0);
    ck_assert_int_eq(truncate(scene.option, BYTES_MAX + 1), 0);
    (void)snprintf(sentence, sizeof sentence,
                   "cannot read %s: it is longer than 4096 bytes (named by --runtimes)",
                   scene.option);
    expect_error(&places, -EFBIG, sentence);
    scene_end(&scene);
}
END_TEST

START_TEST(a_file_in_a_folder_that_cannot_be_read_is_not_passed_over)
{
    struct scene scene;
    scene_begin(&scene);
    ck_assert_int_eq(unlink(scene.xdg_file), 0);
    make_folder(scene.xdg_file); /* unreadable for root as well */
    struct conf_places places = {.xdg_config_home = scene.xdg, .system_folder = scene.system};
    char sentence[256];
    (void)snprintf(sentence, sizeof sentence,
                   "cannot read %s: it is a directory; --runtimes or YOKE_RUNTIMES can name "
                   "another file",
                   scene.xdg_file);
    expect_error(&places, -EISDIR, sentence);
    scene_end(&scene);
}
END_TEST

START_TEST(no_memory_at_any_allocation_is_enomem)
{
    struct scene scene;
    scene_begin(&scene);
    struct conf_places places = all_places(&scene);
    for (uint64_t n = 1;; n++) {
        struct conf_file *file = NULL;
        struct error err = {0};
        support_fail_nth_alloc(n);
        int r = conf_file_open(&places, BYTES_MAX, &file, &err);
        if (!support_fail_nth_done()) {
            ck_assert_int_eq(r, 0);
            ck_assert_uint_gt(n, 2);
            conf_file_free(file);
            break;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(file);
    }
    scene_end(&scene);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf_file");
    suite_add(suite, the_places_count_in_their_order);
    suite_add(suite, a_folder_without_the_file_is_passed_over);
    suite_add(suite, the_current_folder_is_not_looked_at);
    suite_add(suite, a_file_that_was_asked_for_must_be_there);
    suite_add(suite, what_is_no_regular_file_or_too_long_is_refused);
    suite_add(suite, a_file_in_a_folder_that_cannot_be_read_is_not_passed_over);
    suite_add(suite, no_memory_at_any_allocation_is_enomem);
    return support_main(suite);
}
