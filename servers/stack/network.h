/* SPDX-License-Identifier: MIT
 * network.h - a network of services.yaml.
 *
 * Layer: servers/stack. */
#pragma once

#include "servers/stack/reader.h"

enum network_type { NETWORK_LOCAL, NETWORK_LAN, NETWORK_WIREGUARD };

/* A machine of a network that services may be put on. */
struct network_node {
    const char *host;
    const char *name; /* NULL: the host is its name */
    const char *ssh_user;
    const char *ssh_key; /* NULL: what ssh itself finds */
    bool package_deploy;
};

struct network {
    const char *name;
    struct place place;
    enum network_type type;
    const char *subnet;      /* NULL: none given */
    const char *config_path; /* of WireGuard; NULL: none given */
    struct network_nodes {
        struct network_node *items;
        size_t count;
    } nodes;
};

/* Reads one network.  name: its key. */
MUST_USE int network_read(struct reader *reader, const struct yaml_node *name,
                          const struct yaml_node *node, struct network *out_network);
