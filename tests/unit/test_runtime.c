/* SPDX-License-Identifier: MIT
 * test_runtime.c - opening a runtime: what create() is given, and who is refused.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/host.h"
#include "core/runtime/loader.h"
#include "core/runtime/runtime.h"
#include "tests/unit/plugin_case.h"

/* The planted runtime from where it was built: these tests do not care where it lies. */
static const yk_entry *planted(void)
{
    char path[PLANTED_PATH_BYTES];
    planted_path(path);
    struct error err = {0};
    const yk_entry *entry = NULL;
    int r = loader_open_file(path, &entry, NULL, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return entry;
}

static yk_spawner *open_planted(const yk_entry *entry, const char *plant)
{
    const yk_option option = {.key = "plant", .value = plant};
    const yk_config config = {.options = &option, .options_count = 1};
    struct error err = {0};
    yk_spawner *spawner = NULL;
    int r = runtime_open(entry, &config, &spawner, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return spawner;
}

static void refused(const yk_entry *entry, const char *plant, int code, const char *sentence)
{
    const yk_option option = {.key = "plant", .value = plant};
    const yk_config config = {.options = &option, .options_count = 1};
    struct error err = {0};
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open(entry, &config, &spawner, &err), code);
    ck_assert_str_eq(err.text, sentence);
    ck_assert_ptr_null(spawner);
}

START_TEST(a_spawner_gets_its_head_and_a_copy_of_the_verbs)
{
    const yk_entry *entry = planted();
    yk_spawner *spawner = open_planted(entry, "");
    ck_assert_uint_eq(spawner->magic, YK_SPAWNER_MAGIC);
    ck_assert_ptr_eq(spawner->host, host_table());
    const struct host_spawner *host = host_spawner_of(spawner);
    ck_assert_uint_eq(host->magic, HOST_SPAWNER_MAGIC);
    ck_assert_ptr_eq(spawner->ops, &host->ops);
    ck_assert_uint_eq(spawner->ops->size, sizeof(yk_ops));
    ck_assert_ptr_nonnull(spawner->ops->park);
    ck_assert_ptr_null(spawner->ops->blocking); /* optional, and this one has none */
    ck_assert_ptr_eq(runtime_entry(spawner), entry);
    ck_assert_ptr_null(host->clock);
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

START_TEST(create_is_given_what_the_caller_wants_and_the_hosts_bytes)
{
    const yk_config config = {.workers = 3,
                              .stack_bytes = 65536,
                              .extra_bytes = 1,
                              .tasks_max = 17,
                              .offload_threads_max = 5,
                              .stack_memory_max = UINT64_C(1) << 40};
    struct error err = {0};
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open(planted(), &config, &spawner, &err), 0);
    const yk_config *given = spawner->ops->extension(spawner, "planted.config/1");
    ck_assert_uint_eq(given->size, sizeof(yk_config));
    ck_assert_uint_eq(given->workers, 3);
    ck_assert_uint_eq(given->stack_bytes, 65536);
    ck_assert_uint_eq(given->extra_bytes, HOST_EXTRA_BYTES);
    ck_assert_uint_eq(given->tasks_max, 17);
    ck_assert_uint_eq(given->offload_threads_max, 5);
    ck_assert_uint_eq(given->stack_memory_max, UINT64_C(1) << 40);
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

START_TEST(without_a_configuration_everything_is_the_default)
{
    struct error err = {0};
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open(planted(), NULL, &spawner, &err), 0);
    const yk_config *given = spawner->ops->extension(spawner, "planted.config/1");
    ck_assert_uint_eq(given->workers, 0);
    ck_assert_uint_eq(given->stack_memory_max, 0);
    ck_assert_uint_eq(given->extra_bytes, HOST_EXTRA_BYTES);
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

START_TEST(a_refusal_of_create_is_told_with_its_words)
{
    const yk_entry *entry = planted();
    refused(entry, "silent refusal", -EMFILE, "runtime planted: Too many open files");
    const yk_option option = {.key = "plnat", .value = "x"};
    const yk_config config = {.options = &option, .options_count = 1};
    struct error err = {0};
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open(entry, &config, &spawner, &err), -EINVAL);
    ck_assert_str_eq(err.text, "runtime planted: unknown key 'plnat'; allowed is plant");
}
END_TEST

START_TEST(a_create_that_breaks_the_contract_is_refused)
{
    const yk_entry *entry = planted();
    refused(entry, "positive", -EPROTO,
            "runtime planted: its create() succeeded with code 7 and no spawner");
    refused(entry, "nothing", -EPROTO,
            "runtime planted: its create() succeeded with code 0 and no spawner");
    refused(entry, "no magic", -EPROTO,
            "runtime planted: its create() succeeded with code 0 and a spawner without its magic");
    refused(entry, "no ops", -EPROTO, "runtime planted: its create() gave no verbs");
    refused(entry, "short ops", -EPROTO,
            "runtime planted: its table of verbs has 136 bytes; wanted are 144 or more");
    refused(entry, "no park", -EPROTO, "runtime planted: its table of verbs has no park");
}
END_TEST

START_TEST(a_longer_table_of_verbs_is_taken)
{
    yk_spawner *spawner = open_planted(planted(), "long ops");
    ck_assert_uint_eq(spawner->ops->size, sizeof(yk_ops));
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

START_TEST(a_spawner_that_is_busy_stays_open)
{
    yk_spawner *spawner = open_planted(planted(), "busy");
    ck_assert_int_eq(runtime_close(spawner), -EBUSY);
    ck_assert_uint_eq(host_spawner_of(spawner)->magic, HOST_SPAWNER_MAGIC);
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

/* A changed copy, which must lie where only we can write. */
static const yk_entry *changed(char folder[PLANTED_PATH_BYTES], size_t member_offset,
                               const void *bytes, size_t len)
{
    planted_folder(folder);
    planted_change_entry(folder, member_offset, bytes, len);
    char path[2 * PLANTED_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/runtime_planted.so", folder);
    struct error err = {0};
    const yk_entry *entry = NULL;
    int r = loader_open_file(path, &entry, NULL, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return entry;
}

START_TEST(a_runtime_with_virtual_time_must_have_a_clock)
{
    char folder[PLANTED_PATH_BYTES];
    const uint64_t caps = YK_CAP_VIRTUAL_TIME;
    const yk_entry *entry = changed(folder, offsetof(yk_entry, caps), &caps, sizeof caps);
    yk_spawner *spawner = open_planted(entry, "");
    const yk_clock_v1 *clock = host_spawner_of(spawner)->clock;
    ck_assert_ptr_nonnull(clock);
    ck_assert_int_eq(clock->now(spawner), 42);
    ck_assert_int_eq(runtime_close(spawner), 0);
    refused(
        entry, "no clock", -EPROTO,
        "runtime planted: it has virtual time and no clock: wanted is the extension yoke.clock/1");
    planted_remove(folder);
}
END_TEST

START_TEST(a_runtime_that_lends_too_few_bytes_is_refused)
{
    char folder[PLANTED_PATH_BYTES];
    const uint32_t few = HOST_EXTRA_BYTES - 16;
    const yk_entry *entry = changed(folder, offsetof(yk_entry, extra_bytes_max), &few, sizeof few);
    char sentence[160];
    (void)snprintf(
        sentence, sizeof sentence,
        "runtime planted: it gives at most %u bytes of each task to the host; wanted are %d", few,
        HOST_EXTRA_BYTES);
    refused(entry, "", -EPROTO, sentence);
    planted_remove(folder);
}
END_TEST

START_TEST(a_server_gets_what_its_section_says)
{
    char path[PLANTED_PATH_BYTES], text[PLANTED_PATH_BYTES + 160];
    planted_path(path);
    (void)snprintf(text, sizeof text,
                   "[default]\nruntime = %s\nworkers = 2\ntasks_max = 9\n"
                   "[echo]\nworkers = 3\nstack_size = 32K\nstack_memory_max = 1M\n"
                   "offload_threads = 6\n[runtime planted]\nplant = busy\n",
                   path);
    struct error err = {0};
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    ck_assert_int_eq(runtimes_conf_parse("r.conf", text, strlen(text), &conf, &err), 0);
    yk_spawner *spawner = NULL;
    int r = runtime_open_configured(conf, "echo", &spawner, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    const yk_config *given = spawner->ops->extension(spawner, "planted.config/1");
    ck_assert_uint_eq(given->workers, 3);
    ck_assert_uint_eq(given->stack_bytes, 32768);
    ck_assert_uint_eq(given->tasks_max, 9);
    ck_assert_uint_eq(given->stack_memory_max, 1U << 20);
    ck_assert_uint_eq(given->offload_threads_max, 6);
    ck_assert_uint_eq(given->options_count, 1);
    ck_assert_int_eq(runtime_close(spawner), -EBUSY); /* the key has reached the plugin */
    ck_assert_int_eq(runtime_close(spawner), 0);
}
END_TEST

START_TEST(every_runtime_opens_and_closes_without_a_trace_and_refuses_unknown_keys)
{
    use_built_runtimes();
    const char *name = support_runtime(_i);
    char text[160];
    (void)snprintf(text, sizeof text, "[default]\nruntime = %s\n", name);
    struct error err = {0};
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    ck_assert_int_eq(runtimes_conf_parse("r.conf", text, strlen(text), &conf, &err), 0);
    int fds = 0, threads = 0;
    yk_spawner *spawner = NULL;
    for (int i = 0; i < 2; i++) { /* the first time, libuv opens two descriptors for good */
        fds = support_fd_count();
        threads = support_thread_count();
        int r = runtime_open_configured(conf, "up", &spawner, &err);
        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_str_eq(runtime_entry(spawner)->id, name);
        ck_assert_int_eq(runtime_close(spawner), 0);
    }
    support_expect_counts(fds, threads);

    (void)snprintf(text, sizeof text, "[default]\nruntime = %s\n[runtime %s]\nno_such_key = 1\n",
                   name, name);
    OWNED(runtimes_conf) struct runtimes_conf *wrong = NULL;
    ck_assert_int_eq(runtimes_conf_parse("r.conf", text, strlen(text), &wrong, &err), 0);
    ck_assert_int_eq(runtime_open_configured(wrong, "up", &spawner, &err), -EINVAL);
    ck_assert_msg(strstr(err.text, "no_such_key") != NULL, "%s", err.text);
    support_expect_counts(fds, threads);
}
END_TEST

START_TEST(a_refused_key_is_told_with_its_line)
{
    char path[PLANTED_PATH_BYTES], text[PLANTED_PATH_BYTES + 160];
    planted_path(path);
    (void)snprintf(text, sizeof text,
                   "[default]\nruntime = %s\n[runtime planted]\nplan = 1\nplants = 2\n", path);
    struct error err = {0};
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    ck_assert_int_eq(runtimes_conf_parse("r.conf", text, strlen(text), &conf, &err), 0);
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open_configured(conf, "up", &spawner, &err), -EINVAL);
    ck_assert_str_eq(err.text, "r.conf:4: runtime planted: unknown key 'plan'; allowed is plant");
}
END_TEST

START_TEST(a_refused_setting_is_told_with_its_line)
{
    char path[PLANTED_PATH_BYTES], text[PLANTED_PATH_BYTES + 160];
    planted_path(path);
    (void)snprintf(text, sizeof text,
                   "[default]\nruntime = %s\nworkers = 2\n[runtime planted]\nplant = one\n", path);
    struct error err = {0};
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    ck_assert_int_eq(runtimes_conf_parse("r.conf", text, strlen(text), &conf, &err), 0);
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(runtime_open_configured(conf, "up", &spawner, &err), -EINVAL);
    ck_assert_str_eq(err.text, "r.conf:3: runtime planted: workers = 2 is not for this one");
}
END_TEST

START_TEST(caps_have_names)
{
    ck_assert_str_eq(runtime_cap_name(0), "parallel");
    ck_assert_str_eq(runtime_cap_name(5), "priority");
    ck_assert_ptr_null(runtime_cap_name(6));
}
END_TEST

START_TEST(no_memory_at_any_allocation_is_enomem)
{
    const yk_entry *entry = planted();
    for (uint64_t n = 1;; n++) {
        struct error err = {0};
        yk_spawner *spawner = NULL;
        support_fail_nth_alloc(n);
        int r = runtime_open(entry, NULL, &spawner, &err);
        if (!support_fail_nth_done()) {
            ck_assert_int_eq(r, 0);
            ck_assert_uint_gt(n, 2);
            ck_assert_int_eq(runtime_close(spawner), 0);
            return;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(spawner);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime");
    suite_add(suite, a_spawner_gets_its_head_and_a_copy_of_the_verbs);
    suite_add(suite, create_is_given_what_the_caller_wants_and_the_hosts_bytes);
    suite_add(suite, without_a_configuration_everything_is_the_default);
    suite_add(suite, a_refusal_of_create_is_told_with_its_words);
    suite_add(suite, a_create_that_breaks_the_contract_is_refused);
    suite_add(suite, a_longer_table_of_verbs_is_taken);
    suite_add(suite, a_spawner_that_is_busy_stays_open);
    suite_add(suite, a_runtime_with_virtual_time_must_have_a_clock);
    suite_add(suite, a_runtime_that_lends_too_few_bytes_is_refused);
    suite_add(suite, a_server_gets_what_its_section_says);
    suite_add_on_every_runtime(
        suite, every_runtime_opens_and_closes_without_a_trace_and_refuses_unknown_keys);
    suite_add(suite, a_refused_key_is_told_with_its_line);
    suite_add(suite, a_refused_setting_is_told_with_its_line);
    suite_add(suite, caps_have_names);
    suite_add(suite, no_memory_at_any_allocation_is_enomem);
    return support_main(suite);
}
