/* SPDX-License-Identifier: MIT
 * fuzz_runtimes_conf.c - any bytes as a runtimes.conf: refused with a place, or read.
 *
 * Layer: tests/fuzz.  Start at LLVMFuzzerTestOneInput(); see
 * https://llvm.org/docs/LibFuzzer.html */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/runtimes_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One sentence that begins with the file, and for a mistake in a line with its number. */
static void check_refusal(int r, const struct error *err, int lines)
{
    assert(r == -EINVAL || r == -ENOMEM);
    assert(err->code == r && err->text[0] == 'f' && !strchr(err->text, '\n'));
    if (strncmp(err->text, "f:", 2) == 0) {
        int line = (int)strtol(err->text + 2, NULL, 10);
        assert(line >= 1 && line <= lines);
    }
}

/* What holds for a server is allowed, and stands on a line that there is. */
static void check_settings(const struct runtimes_settings *settings, int lines)
{
    for (enum runtimes_key key = 0; key < RUNTIMES_KEY_COUNT; key++) {
        const struct runtimes_value *value = &settings->values[key];
        assert(value->line >= 0 && value->line <= lines);
        assert((value->line == 0) == (value->from != NULL));
        uint64_t number = 0;
        if (value->line > 0)
            assert(runtimes_key_accepts(key, value->text, &number) && number == value->number);
    }
}

static void check_plugins(const struct runtimes_conf *conf, int lines)
{
    for (size_t i = 0; runtimes_conf_plugin(conf, i); i++) {
        assert(i < RUNTIMES_CONF_PLUGINS_MAX && runtimes_name_valid(runtimes_conf_plugin(conf, i)));
        const struct runtimes_option *options = NULL;
        size_t count = runtimes_conf_options(conf, runtimes_conf_plugin(conf, i), &options);
        assert(count <= RUNTIMES_CONF_OPTIONS_MAX);
        for (size_t j = 0; j < count; j++) {
            assert(options[j].line >= 1 && options[j].line <= lines);
            assert(options[j].key[0] != '\0' && options[j].value[0] != '\0');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    struct error err = {0};
    int r = runtimes_conf_parse("f", (const char *)data, size, &conf, &err);
    assert((r == 0) == (conf != NULL));
    if (r < 0) {
        check_refusal(r, &err, lines);
        return 0;
    }
    for (size_t i = 0; runtimes_conf_server(i); i++) {
        struct runtimes_settings settings;
        r = runtimes_conf_settings(conf, runtimes_conf_server(i), &settings, &err);
        if (r == 0)
            check_settings(&settings, lines);
        else
            assert(err.text[0] != '\0');
    }
    check_plugins(conf, lines);
    return 0;
}
