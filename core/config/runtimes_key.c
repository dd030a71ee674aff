/* SPDX-License-Identifier: MIT
 * runtimes_key.c - see runtimes_key.h. */
#include "core/config/runtimes_key.h"

#include <string.h>

enum kind { KIND_RUNTIME, KIND_NUMBER, KIND_BYTES, KIND_FOLDER };

#define KIB(n) (UINT64_C(1024) * (n))
#define MIB(n) (KIB(1024) * (n))
#define GIB(n) (MIB(1024) * (n))

static const struct key {
    const char *name;
    enum kind kind;
    bool zero_is_fine; /* beside min..max */
    uint64_t min, max;
    const char *allowed;
} keys[RUNTIMES_KEY_COUNT] = {
    [RUNTIMES_RUNTIME] = {"runtime", KIND_RUNTIME, false, 0, 0,
                          "a name made of a-z, 0-9, _ and -, or the absolute path of a plugin"},
    [RUNTIMES_WORKERS] = {"workers", KIND_NUMBER, false, 1, 256, "a whole number, 1 to 256"},
    [RUNTIMES_STACK_SIZE] = {"stack_size", KIND_BYTES, false, KIB(16), MIB(64),
                             "16K to 64M, in bytes or with suffix K, M or G"},
    [RUNTIMES_TASKS_MAX] = {"tasks_max", KIND_NUMBER, true, 1, 16777216,
                            "a whole number, 1 to 16777216, or 0: no limit"},
    [RUNTIMES_STACK_MEMORY_MAX] =
        {"stack_memory_max", KIND_BYTES, true, MIB(1), GIB(16384),
         "1M to 16384G, in bytes or with suffix K, M or G, or 0: no limit"},
    [RUNTIMES_OFFLOAD_THREADS] = {"offload_threads", KIND_NUMBER, false, 1, 1024,
                                  "a whole number, 1 to 1024"},
    [RUNTIMES_PLUGIN_DIR] = {"plugin_dir", KIND_FOLDER, false, 0, 0,
                             "the absolute path of a folder"},
};

/* Reads digits and, if allowed, one of K, M, G.  False: it is no such number, or beyond 64 bits. */
static bool number_parse(const char *text, bool suffix_allowed, uint64_t *out_number)
{
    uint64_t number = 0;
    const char *s = text;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *s - '0', &number))
            return false;
    if (s == text)
        return false;
    uint64_t unit = 1;
    if (suffix_allowed && *s != '\0') {
        unit = *s == 'K' ? KIB(1) : *s == 'M' ? MIB(1) : *s == 'G' ? GIB(1) : 0;
        s++;
    }
    return *s == '\0' && unit > 0 && !__builtin_mul_overflow(number, unit, out_number);
}

const char *runtimes_key_name(enum runtimes_key key)
{
    return keys[key].name;
}

const char *runtimes_key_allowed(enum runtimes_key key)
{
    return keys[key].allowed;
}

enum runtimes_key runtimes_key_find(const char *name)
{
    enum runtimes_key key = 0;
    while (key < RUNTIMES_KEY_COUNT && strcmp(keys[key].name, name) != 0)
        key++;
    return key;
}

bool runtimes_key_accepts(enum runtimes_key which, const char *text, uint64_t *out_number)
{
    const struct key *key = &keys[which];
    uint64_t number;
    switch (key->kind) {
    case KIND_RUNTIME:
        return text[0] == '/' || runtimes_name_valid(text);
    case KIND_FOLDER:
        return text[0] == '/';
    case KIND_NUMBER:
    case KIND_BYTES:
        break;
    }
    if (!number_parse(text, key->kind == KIND_BYTES, &number))
        return false;
    if (number == 0 ? !key->zero_is_fine : number < key->min || number > key->max)
        return false;
    *out_number = number;
    return true;
}

bool runtimes_name_valid(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len <= RUNTIMES_NAME_BYTES_MAX && text[len] == '\0';
}
