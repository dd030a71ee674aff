/* SPDX-License-Identifier: MIT
 * utf8.c - see utf8.h. */
#include "core/base/utf8.h"

#include <stdint.h>

/* Length of the character at the front of `bytes`, or 0 if it is none.  len > 0. */
static size_t character_len(const uint8_t *bytes, size_t len)
{
    uint8_t first = bytes[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;

    /* The second byte's range leaves out overlong forms, surrogates and what lies beyond U+10FFFF.
     * */
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    size_t needed = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (len < needed || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < needed; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    return needed;
}

size_t utf8_valid_len(const char *bytes, size_t len)
{
    const uint8_t *octets = (const uint8_t *)bytes;
    size_t valid = 0;
    while (valid < len) {
        size_t step = character_len(octets + valid, len - valid);
        if (step == 0)
            break;
        valid += step;
    }
    return valid;
}
