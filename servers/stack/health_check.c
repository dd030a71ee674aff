/* SPDX-License-Identifier: MIT
 * health_check.c - see health_check.h. */
#include "servers/stack/health_check.h"

#include <errno.h>

#define INTERVAL_S_DEFAULT 30
#define RETRIES_DEFAULT    3
#define TIMEOUT_S_DEFAULT  10

#define FIELD(member)      offsetof(struct health_check, member)

static int read_tcp(struct reader *reader, const char *key, const struct yaml_node *node,
                    void *field)
{
    static const struct reader_key keys[] = {
        {"port", reader_port, FIELD(tcp.port) - FIELD(tcp), READER_ANY, true},
        {"timeout", reader_positive, FIELD(tcp.timeout_s) - FIELD(tcp), READER_ANY, false},
        {0},
    };
    return reader_map(reader, key, node, keys, READER_ANY, field);
}

static const struct reader_key health_keys[] = {
    {"command", reader_text, FIELD(command), READER_ANY, false},
    {"args", reader_texts, FIELD(args), READER_ANY, false},
    {"http", reader_text, FIELD(http), READER_ANY, false},
    {"tcp", read_tcp, FIELD(tcp), READER_ANY, false},
    {"interval", reader_positive, FIELD(interval_s), READER_ANY, false},
    {"retries", reader_count, FIELD(retries), READER_ANY, false},
    {"timeout", reader_positive, FIELD(timeout_s), READER_ANY, false},
    {"start_period", reader_count, FIELD(start_period_s), READER_ANY, false},
    {0},
};

#undef FIELD

/* Exactly one of the forms; the reference takes the first of several and says nothing. */
static int choose_kind(struct reader *reader, const struct yaml_node *node,
                       struct health_check *check)
{
    int forms = (check->command != NULL) + (check->http != NULL) + (check->tcp.port != 0);
    if (forms != 1)
        return problems_add(reader->problems, node->place,
                            "'health_check' needs one of command, http and tcp, not %s",
                            forms == 0 ? "none" : "several");
    check->kind = check->command ? HEALTH_COMMAND : check->http ? HEALTH_HTTP : HEALTH_TCP;
    if (check->args.items && check->kind != HEALTH_COMMAND)
        return problems_add(reader->problems, node->place,
                            "'args' of 'health_check' needs 'command' beside it");
    return 0;
}

int health_check_read(struct reader *reader, const char *key, const struct yaml_node *node,
                      void *field)
{
    struct health_check *check = field;
    *check = (struct health_check){
        .place = node->place,
        .tcp = {.timeout_s = TIMEOUT_S_DEFAULT},
        .interval_s = INTERVAL_S_DEFAULT,
        .retries = RETRIES_DEFAULT,
        .timeout_s = TIMEOUT_S_DEFAULT,
    };
    int r = reader_map(reader, key, node, health_keys, READER_ANY, check);
    return r < 0 ? r : choose_kind(reader, node, check);
}
