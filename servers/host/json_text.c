/* SPDX-License-Identifier: MIT
 * json_text.c - see json_text.h. */
#include "servers/host/json_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"

json_t *json_text(const char *text)
{
    if (!text)
        return json_null();
    const size_t len = strlen(text);
    if (utf8_is_valid(text, len))
        return json_stringn(text, len);
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    for (size_t i = utf8_valid_len(copy, len); i < len; i += utf8_valid_len(copy + i, len - i))
        copy[i] = '?';
    json_t *value = json_stringn(copy, len);
    free(copy);
    return value;
}

json_t *json_words(const char *words)
{
    json_t *array = json_array();
    for (const char *word = words + strspn(words, " "); array && *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (json_array_append_new(array, json_stringn(word, len)) < 0) {
            json_decref(array);
            return NULL;
        }
        word += len + strspn(word + len, " ");
    }
    return array;
}

int json_print(json_t *take_document)
{
    char *text = take_document ? json_dumps(take_document, JSON_INDENT(2)) : NULL;
    json_decref(take_document);
    if (!text)
        return -ENOMEM;
    puts(text);
    free(text);
    return 0;
}
