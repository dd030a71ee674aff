/* SPDX-License-Identifier: MIT
 * runtimes_parser.c - see runtimes_parser.h.
 *
 * inih splits a line into key and value.  What it would let pass or cut in silence is refused
 * before, in read_line(): long lines and names, continued lines, `:` for `=`, words behind a
 * section, comments behind a value, empty sections that come twice.  So its options, which only
 * some distributions make variables, do not matter. */
#include "core/config/runtimes_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "config.h"
#include "core/base/suggest.h"

#define OPTION_KEY_BYTES_MAX 63
#define PLUGIN_PREFIX        "runtime "
#define BYTE_ORDER_MARK      "\xef\xbb\xbf"

static const char *const servers[] = {"default", "up",   "daemon", "registry",
                                      "graph",   "echo", "keeper", NULL};
_Static_assert(sizeof servers / sizeof servers[0] == RUNTIMES_SERVER_COUNT + 1,
               "a section a server");

/* Invariant: server and plugin are not both set; neither before the first section.  After a
 * mistake, code < 0. */
struct parser {
    struct runtimes_conf *conf; /* borrowed, as all below */
    const char *file_name;
    const char *next; /* the byte after the line that was read */
    const char *end;
    int line; /* of the line that was read, from 1 */
    int code;
    struct server_section *server;
    struct plugin_section *plugin;
    struct error *err;
};

/* Records a mistake in the line that was read; the first one counts. */
__attribute__((format(printf, 2, 3))) static int refuse(struct parser *parser, const char *format,
                                                        ...)
{
    if (parser->code < 0)
        return parser->code;
    char text[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* fail() cuts a long one visibly */
    va_end(args);
    parser->code = fail(parser->err, -EINVAL, "%s:%d: %s", parser->file_name, parser->line, text);
    return parser->code;
}

static int refuse_memory(struct parser *parser)
{
    parser->code =
        fail(parser->err, -ENOMEM, "%s:%d: out of memory", parser->file_name, parser->line);
    return parser->code;
}

/* --- sections -------------------------------------------------------------------------------- */

int runtimes_server_index(const char *name)
{
    for (int i = 0; servers[i]; i++)
        if (strcmp(servers[i], name) == 0)
            return i;
    return -1;
}

const char *runtimes_conf_server(size_t i)
{
    return i < RUNTIMES_SERVER_COUNT ? servers[i] : NULL;
}

const struct plugin_section *runtimes_plugin_find(const struct runtimes_conf *conf,
                                                  const char *name)
{
    for (size_t i = 0; i < conf->plugins_count; i++)
        if (strcmp(conf->plugins[i].name, name) == 0)
            return &conf->plugins[i];
    return NULL;
}

/* Writes "default, up, daemon ..." */
static void join_words(const char *const *words, char *out_text, size_t text_bytes)
{
    size_t len = 0;
    out_text[0] = '\0';
    for (size_t i = 0; words[i] && len < text_bytes; i++)
        len +=
            (size_t)snprintf(out_text + len, text_bytes - len, "%s%s", i > 0 ? ", " : "", words[i]);
}

int runtimes_section_refuse(const char *where, const char *name, struct error *err)
{
    char list[128];
    join_words(servers, list, sizeof list);
    const char *near = suggest(name, servers);
    return fail(err, -EINVAL, "%s: unknown section [%.*s]%s%s%s; there are: %s, runtime NAME",
                where, RUNTIMES_QUOTED_BYTES_MAX, name, near ? " (did you mean [" : "",
                near ? near : "", near ? "]?)" : "", list);
}

static int begin_plugin_section(struct parser *parser, const char *name)
{
    struct runtimes_conf *conf = parser->conf;
    if (!runtimes_name_valid(name))
        return refuse(
            parser,
            "[runtime %.*s]: a runtime's name is made of a-z, 0-9, _ and -, at most %d of them",
            RUNTIMES_QUOTED_BYTES_MAX, name, RUNTIMES_NAME_BYTES_MAX);
    const struct plugin_section *known = runtimes_plugin_find(conf, name);
    if (known)
        return refuse(parser, "the section [runtime %s] comes twice, first on line %d", name,
                      known->line);
    if (conf->plugins_count == RUNTIMES_CONF_PLUGINS_MAX)
        return refuse(parser, "there are more than %d sections [runtime NAME]",
                      RUNTIMES_CONF_PLUGINS_MAX);

    struct plugin_section *plugin = &conf->plugins[conf->plugins_count];
    plugin->name = arena_copy(conf->arena, name, strlen(name));
    plugin->options =
        arena_take_array(conf->arena, RUNTIMES_CONF_OPTIONS_MAX, sizeof *plugin->options);
    if (!plugin->name || !plugin->options)
        return refuse_memory(parser);
    plugin->line = parser->line;
    conf->plugins_count++;
    parser->server = NULL;
    parser->plugin = plugin;
    return 0;
}

static int begin_server_section(struct parser *parser, const char *name)
{
    int i = runtimes_server_index(name);
    if (i < 0) {
        char where[ERROR_TEXT_BYTES / 2];
        (void)snprintf(where, sizeof where, "%s:%d", parser->file_name,
                       parser->line); /* a long path is cut */
        parser->code = runtimes_section_refuse(where, name, parser->err);
        return parser->code;
    }
    struct server_section *server = &parser->conf->servers[i];
    if (server->line > 0)
        return refuse(parser, "the section [%s] comes twice, first on line %d", name, server->line);
    server->line = parser->line;
    parser->server = server;
    parser->plugin = NULL;
    return 0;
}

/* Takes a line that begins with '['. */
static int begin_section(struct parser *parser, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    if (!close)
        return refuse(parser, "the section has no ']' at its end");
    if (close != line + len - 1)
        return refuse(parser, "there is something behind the section's ']'");

    char name[RUNTIMES_CONF_LINE_BYTES_MAX + 1];
    memcpy(name, line + 1, len - 2);
    name[len - 2] = '\0';
    const size_t prefix_len = strlen(PLUGIN_PREFIX);
    if (strncmp(name, PLUGIN_PREFIX, prefix_len) == 0)
        return begin_plugin_section(parser, name + prefix_len);
    return begin_server_section(parser, name);
}

/* --- keys and values ------------------------------------------------------------------------- */

static int refuse_key(struct parser *parser, const char *name)
{
    const char *names[RUNTIMES_KEY_COUNT + 1] = {NULL};
    for (enum runtimes_key key = 0; key < RUNTIMES_KEY_COUNT; key++)
        names[key] = runtimes_key_name(key);
    char list[160];
    join_words(names, list, sizeof list);
    const char *near = suggest(name, names);
    return refuse(parser, "unknown key '%.*s'%s%s%s; allowed are: %s", RUNTIMES_QUOTED_BYTES_MAX,
                  name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", list);
}

static int set_key(struct parser *parser, const char *name, const char *text)
{
    enum runtimes_key key = runtimes_key_find(name);
    if (key == RUNTIMES_KEY_COUNT)
        return refuse_key(parser, name);

    struct runtimes_value *value = &parser->server->values[key];
    if (value->line > 0)
        return refuse(parser, "%s is set twice in this section, first on line %d", name,
                      value->line);
    if (text[0] == '\0')
        return refuse(parser, "%s has no value; allowed is %s", name, runtimes_key_allowed(key));
    uint64_t number = 0;
    if (!runtimes_key_accepts(key, text, &number))
        return refuse(parser, "%s = '%.*s' is not allowed; allowed is %s", name,
                      RUNTIMES_QUOTED_BYTES_MAX, text, runtimes_key_allowed(key));
    *value = (struct runtimes_value){.text = arena_copy(parser->conf->arena, text, strlen(text)),
                                     .number = number,
                                     .line = parser->line};
    return value->text ? 0 : refuse_memory(parser);
}

static bool option_key_valid(const char *key)
{
    size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return len > 0 && len <= OPTION_KEY_BYTES_MAX && key[len] == '\0';
}

static int set_option(struct parser *parser, const char *key, const char *text)
{
    struct plugin_section *plugin = parser->plugin;
    if (!option_key_valid(key))
        return refuse(
            parser,
            "the key '%.*s' is not made of letters, digits, '_', '-' and '.', at most %d of them",
            RUNTIMES_QUOTED_BYTES_MAX, key, OPTION_KEY_BYTES_MAX);
    for (size_t i = 0; i < plugin->options_count; i++)
        if (strcmp(plugin->options[i].key, key) == 0)
            return refuse(parser, "%s is set twice in this section, first on line %d", key,
                          plugin->options[i].line);
    if (text[0] == '\0')
        return refuse(parser, "%s has no value", key);
    if (plugin->options_count == RUNTIMES_CONF_OPTIONS_MAX)
        return refuse(parser, "the section [runtime %s] has more than %d keys", plugin->name,
                      RUNTIMES_CONF_OPTIONS_MAX);

    struct arena *arena = parser->conf->arena;
    struct runtimes_option option = {.key = arena_copy(arena, key, strlen(key)),
                                     .value = arena_copy(arena, text, strlen(text)),
                                     .line = parser->line};
    if (!option.key || !option.value)
        return refuse_memory(parser);
    plugin->options[plugin->options_count++] = option;
    return 0;
}

/* inih's handler.  Returns 1 to go on, 0 after a mistake. */
static int take_assignment(void *user, const char *section, const char *name, const char *value)
{
    (void)section; /* ours is not cut at 49 bytes */
    struct parser *parser = user;
    int r = 0;
    if (parser->server)
        r = set_key(parser, name, value);
    else if (parser->plugin)
        r = set_option(parser, name, value);
    else
        r = refuse(parser, "'%.*s' stands before the first section; begin with [default]",
                   RUNTIMES_QUOTED_BYTES_MAX, name);
    return r == 0;
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Refuses bytes that belong in no text, and cuts blanks off both ends. */
static int trim_line(struct parser *parser, const char **line, size_t *len)
{
    const char *s = *line;
    size_t n = *len;
    if (parser->line == 1 && n >= strlen(BYTE_ORDER_MARK) && memcmp(s, BYTE_ORDER_MARK, 3) == 0) {
        s += strlen(BYTE_ORDER_MARK);
        n -= strlen(BYTE_ORDER_MARK);
    }
    if (n > 0 && s[n - 1] == '\r')
        n--;
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
            return refuse(parser, "the byte 0x%02x has no place in a line of text",
                          (unsigned char)s[i]);
    for (; n > 0 && is_blank(s[0]); n--)
        s++;
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    *line = s;
    *len = n;
    return 0;
}

/* Refuses what inih would take in another way than is documented. */
static int check_assignment(struct parser *parser, const char *line, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (line[i] == ';' && is_blank(line[i - 1]))
            return refuse(parser, "a comment stands on a line of its own, not behind a value");
    size_t sign = 0;
    while (sign < len && line[sign] != '=' && line[sign] != ':')
        sign++;
    int shown = (int)(len < RUNTIMES_QUOTED_BYTES_MAX ? len : RUNTIMES_QUOTED_BYTES_MAX);
    if (sign == len || line[sign] == ':')
        return refuse(parser,
                      "'%.*s' has no '='%s; a line is key = value, [section] or a comment after #",
                      shown, line, sign == len ? "" : " before its ':'");
    if (sign == 0)
        return refuse(parser, "there is no key before '='");
    return 0;
}

/* Finds the next line, without its newline. */
static const char *next_line(struct parser *parser, size_t *out_len)
{
    const char *line = parser->next;
    size_t room = (size_t)(parser->end - line);
    const char *newline = memchr(line, '\n', room);
    *out_len = newline ? (size_t)(newline - line) : room;
    parser->next = newline ? newline + 1 : parser->end;
    parser->line++;
    return line;
}

/* inih's reader: gives the next line, without blanks around it and ended by a newline; NULL at the
 * end and after a mistake.  What is not an assignment is given as an empty line, so that inih
 * counts as we do. */
static char *read_line(char *buffer, int buffer_bytes, void *stream)
{
    struct parser *parser = stream;
    if (parser->code < 0 || parser->next == parser->end)
        return NULL;
    size_t len;
    const char *line = next_line(parser, &len);

    size_t len_max = (size_t)buffer_bytes - 3; /* newline, NUL, and inih's test for a full buffer */
    if (len_max > RUNTIMES_CONF_LINE_BYTES_MAX)
        len_max = RUNTIMES_CONF_LINE_BYTES_MAX;
    if (len > len_max) {
        (void)refuse(parser, "the line has %zu bytes, allowed are %zu", len, len_max);
        return NULL;
    }
    if (trim_line(parser, &line, &len) < 0)
        return NULL;
    bool is_comment = len > 0 && (line[0] == '#' || line[0] == ';');
    bool is_section = len > 0 && line[0] == '[';
    int r = is_section ? begin_section(parser, line, len) : 0;
    if (is_comment || is_section)
        len = 0;
    if (len > 0)
        r = check_assignment(parser, line, len);
    if (r < 0)
        return NULL;
    memcpy(buffer, line, len);
    memcpy(buffer + len, "\n", 2);
    return buffer;
}

/* Where inih has variables instead of constants, its buffer can be made long enough. */
static void tell_inih(void)
{
#if HAVE_DECL_INI_MAX_LINE
    __atomic_store_n(&ini_max_line, RUNTIMES_CONF_LINE_BYTES_MAX + 3, __ATOMIC_RELAXED);
#endif
}

int runtimes_parser_run(struct runtimes_conf *conf, const char *file_name, const char *bytes,
                        size_t len, struct error *err)
{
    struct parser parser = {
        .conf = conf, .file_name = file_name, .next = bytes, .end = bytes + len, .err = err};
    tell_inih();
    int r = ini_parse_stream(read_line, &parser, take_assignment, &parser);
    if (parser.code < 0)
        return parser.code;
    if (r > 0)
        return fail(err, -EINVAL, "%s:%d: the line is not understood", file_name, r);
    return r == 0 ? 0 : fail(err, -ENOMEM, "cannot read %s: out of memory", file_name);
}
