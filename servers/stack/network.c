/* SPDX-License-Identifier: MIT
 * network.c - see network.h. */
#include "servers/stack/network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/suggest.h"

#define LAN           (1U << NETWORK_LAN)
#define WIREGUARD     (1U << NETWORK_WIREGUARD)

#define FIELD(member) offsetof(struct network_node, member)
static const struct reader_key node_keys[] = {
    {"host", reader_text, FIELD(host), READER_ANY, true},
    {"name", reader_text, FIELD(name), READER_ANY, false},
    {"ssh_user", reader_text, FIELD(ssh_user), READER_ANY, true},
    {"ssh_key", reader_text, FIELD(ssh_key), READER_ANY, false},
    {"package_deploy", reader_bool, FIELD(package_deploy), WIREGUARD, false},
    {0},
};
#undef FIELD

static int read_nodes(struct reader *reader, const struct yaml_node *list, unsigned owner,
                      struct network_nodes *nodes)
{
    int r = reader_need(reader, "nodes", list, YAML_LIST);
    if (r < 0)
        return r;
    nodes->items = arena_take_array(reader->arena, list->count, sizeof nodes->items[0]);
    if (!nodes->items)
        return -ENOMEM;
    nodes->count = list->count;
    int failed = 0;
    for (size_t i = 0; i < list->count; i++) {
        r = reader_map(reader, owner == LAN ? "a node of a lan" : "a node of a wireguard network",
                       list->items[i], node_keys, owner, &nodes->items[i]);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            failed = r;
    }
    return failed;
}

static int read_lan_nodes(struct reader *reader, const char *key, const struct yaml_node *node,
                          void *field)
{
    (void)key;
    return read_nodes(reader, node, LAN, field);
}

static int read_wireguard_nodes(struct reader *reader, const char *key,
                                const struct yaml_node *node, void *field)
{
    (void)key;
    return read_nodes(reader, node, WIREGUARD, field);
}

static const char *const type_names[] = {"local", "lan", "wireguard", NULL};

static int read_type(struct reader *reader, const char *key, const struct yaml_node *node,
                     void *field)
{
    const char *text = NULL;
    int r = reader_text(reader, key, node, &text);
    if (r < 0)
        return r;
    for (size_t i = 0; type_names[i]; i++)
        if (strcmp(type_names[i], text) == 0) {
            *(enum network_type *)field = (enum network_type)i;
            return 0;
        }
    const char *meant = suggest(text, type_names);
    return problems_add(reader->problems, node->place,
                        "a network's type is local, lan or wireguard, not '%s'%s%s%s", text,
                        meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

#define FIELD(member) offsetof(struct network, member)
static const struct reader_key local_keys[] = {
    {"type", read_type, FIELD(type), READER_ANY, true},
    {"subnet", reader_text, FIELD(subnet), READER_ANY, false},
    {0},
};
static const struct reader_key lan_keys[] = {
    {"type", read_type, FIELD(type), READER_ANY, true},
    {"subnet", reader_text, FIELD(subnet), READER_ANY, true},
    {"nodes", read_lan_nodes, FIELD(nodes), READER_ANY, false},
    {0},
};
static const struct reader_key wireguard_keys[] = {
    {"type", read_type, FIELD(type), READER_ANY, true},
    {"subnet", reader_text, FIELD(subnet), READER_ANY, true},
    {"config_path", reader_text, FIELD(config_path), READER_ANY, false},
    {"nodes", read_wireguard_nodes, FIELD(nodes), READER_ANY, false},
    {0},
};
#undef FIELD

static const struct reader_key *const keys_of[] = {
    [NETWORK_LOCAL] = local_keys,
    [NETWORK_LAN] = lan_keys,
    [NETWORK_WIREGUARD] = wireguard_keys,
};

int network_read(struct reader *reader, const struct yaml_node *name, const struct yaml_node *node,
                 struct network *out_network)
{
    *out_network = (struct network){.name = name->text, .place = name->place};
    int r = reader_check_name(reader, "network", name);
    if (r < 0)
        return r;
    char what[READER_NAME_BYTES_MAX + 64];
    (void)snprintf(what, sizeof what, "network '%s'", name->text);
    r = reader_need(reader, what, node, YAML_MAP);
    if (r < 0)
        return r;

    const struct yaml_node *type = reader_find(node, "type");
    if (!type || type->kind == YAML_NULL)
        return problems_add(reader->problems, node->place,
                            "%s needs the key 'type': local, lan or wireguard", what);
    r = read_type(reader, "type", type, &out_network->type);
    if (r < 0)
        return r;
    (void)snprintf(what, sizeof what, "network '%s' (type %s)", name->text,
                   type_names[out_network->type]);
    return reader_map(reader, what, node, keys_of[out_network->type], READER_ANY, out_network);
}
