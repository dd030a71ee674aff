/* SPDX-License-Identifier: MIT
 * fuzz_runtimes_conf.c - any bytes as a runtimes.conf: refused with a place, or read.
 *
 * Layer: tests/fuzz.  Start at LLVMFuzzerTestOneInput(); see
 * https://llvm.org/docs/LibFuzzer.html */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/config/runtimes_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    struct error err = {0};
    int r = runtimes_conf_parse("f", (const char *)data, size, &conf, &err);
    assert((r == 0) == (conf != NULL));
    if (r < 0) {
        assert(r == -EINVAL || r == -ENOMEM);
        assert(err.code == r && err.text[0] != '\0' && !strchr(err.text, '\n'));
        return 0;
    }
    for (size_t i = 0; runtimes_conf_server(i); i++) {
        struct runtimes_settings settings;
        r = runtimes_conf_settings(conf, runtimes_conf_server(i), &settings, &err);
        assert(r == 0 || err.text[0] != '\0');
    }
    return 0;
}
