/* SPDX-License-Identifier: MIT
 * health_check.h - how a service of services.yaml is asked whether it is well.
 *
 * Layer: servers/stack. */
#pragma once

#include "servers/stack/reader.h"

enum health_check_kind { HEALTH_NONE, HEALTH_COMMAND, HEALTH_HTTP, HEALTH_TCP };

struct health_check {
    enum health_check_kind kind;
    struct place place;
    const char *command; /* of HEALTH_COMMAND */
    struct texts args;
    const char *http; /* the URL of HEALTH_HTTP */
    struct {
        uint16_t port;
        int64_t timeout_s;
    } tcp;
    int64_t interval_s;
    int64_t retries;
    int64_t timeout_s;
    int64_t start_period_s;
};

/* A reader_fn; field: struct health_check. */
int health_check_read(struct reader *reader, const char *key, const struct yaml_node *node,
                      void *field);
