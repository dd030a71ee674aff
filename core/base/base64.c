/* SPDX-License-Identifier: MIT
 * base64.c - see base64.h. */
#include "core/base/base64.h"

#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t len, char *out_text)
{
    const uint8_t *octets = bytes;
    char *at = out_text;
    for (size_t i = 0; i < len; i += 3) {
        size_t count = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)octets[i] << 16;
        if (count > 1)
            group |= (uint32_t)octets[i + 1] << 8;
        if (count > 2)
            group |= octets[i + 2];
        at[0] = letters[group >> 18];
        at[1] = letters[group >> 12 & 63];
        at[2] = '=';
        at[3] = '=';
        if (count > 1)
            at[2] = letters[group >> 6 & 63];
        if (count > 2)
            at[3] = letters[group & 63];
        at += 4;
    }
    *at = '\0';
}
