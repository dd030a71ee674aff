/* SPDX-License-Identifier: MIT
 * service.c - see service.h. */
#include "servers/stack/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/suggest.h"

static const char *const type_names[] = {
    [SERVICE_DOCKER] = "docker",   [SERVICE_PROCESS] = "process", [SERVICE_REMOTE] = "remote",
    [SERVICE_PACKAGE] = "package", [SERVICE_UNKNOWN] = NULL,
};

const char *service_type_name(enum service_type type)
{
    return type_names[type];
}

/* ---- Values ---- */

static int read_nothing(struct reader *reader, const char *key, const struct yaml_node *node,
                        void *field)
{
    (void)reader, (void)key, (void)node, (void)field;
    return 0; /* service_read_type() has read it */
}

static int read_network(struct reader *reader, const char *key, const struct yaml_node *node,
                        void *field)
{
    struct service *service = field;
    service->network_place = node->place;
    return reader_text(reader, key, node, &service->network);
}

static int read_user(struct reader *reader, const char *key, const struct yaml_node *node,
                     void *field)
{
    int r = reader_text(reader, key, node, field);
    if (r < 0)
        return r;
    return reader_add_obstacle(reader, node->place, "'user' is not supported yet by this version");
}

static int read_health_check(struct reader *reader, const char *key, const struct yaml_node *node,
                             void *field)
{
    int r = health_check_read(reader, key, node, field);
    if (r < 0)
        return r;
    return reader_add_obstacle(reader, node->place,
                               "'health_check' is not supported yet by this version");
}

static int read_variable(struct reader *reader, const struct yaml_pair *pair,
                         struct service_variable *variable)
{
    const char *name = pair->key->text;
    if (*name == '\0' || strchr(name, '='))
        return problems_add(reader->problems, pair->key->place,
                            "'%s' cannot be the name of an environment variable", name);
    if (pair->value->kind == YAML_NULL)
        return problems_add(
            reader->problems, pair->key->place,
            "the environment variable '%s' has no value; write \"\" for an empty one", name);
    variable->name = name;
    return reader_text(reader, name, pair->value, &variable->value);
}

static int read_env(struct reader *reader, const char *key, const struct yaml_node *node,
                    void *field)
{
    int r = reader_need(reader, key, node, YAML_MAP);
    if (r < 0)
        return r;
    struct service_variables *env = field;
    env->items = arena_take_array(reader->arena, node->count, sizeof env->items[0]);
    if (!env->items)
        return -ENOMEM;
    env->count = node->count;
    int failed = 0;
    for (size_t i = 0; i < node->count; i++) {
        r = read_variable(reader, &node->pairs[i], &env->items[i]);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            failed = r;
    }
    return failed;
}

static int read_dependencies(struct reader *reader, const char *key, const struct yaml_node *node,
                             void *field)
{
    int r = reader_need(reader, key, node, YAML_LIST);
    if (r < 0)
        return r;
    struct service_dependencies *dependencies = field;
    dependencies->items =
        arena_take_array(reader->arena, node->count, sizeof dependencies->items[0]);
    if (!dependencies->items)
        return -ENOMEM;
    for (size_t i = 0; i < node->count; i++) {
        struct service_dependency *dependency = &dependencies->items[dependencies->count];
        dependency->place = node->items[i]->place;
        r = reader_text(reader, key, node->items[i], &dependency->name);
        if (r < 0)
            return r;
        dependencies->count++;
    }
    return 0;
}

/* "8080" or "18080:8080". */
static int read_port(struct reader *reader, const char *key, const struct yaml_node *node,
                     struct service_port *port)
{
    const char *text = NULL;
    int r = reader_text(reader, key, node, &text);
    if (r < 0)
        return r;
    const char *colon = strchr(text, ':');
    const char *host_text = colon ? arena_copy(reader->arena, text, (size_t)(colon - text)) : text;
    if (!host_text)
        return -ENOMEM;
    int64_t host = reader_number(host_text, UINT16_MAX);
    int64_t container = colon ? reader_number(colon + 1, UINT16_MAX) : host;
    if (host < 1 || container < 1)
        return problems_add(reader->problems, node->place,
                            "a port is a number in 1..65535 or \"HOST:CONTAINER\", not '%s'", text);
    *port = (struct service_port){(uint16_t)host, (uint16_t)container};
    return 0;
}

static int read_ports(struct reader *reader, const char *key, const struct yaml_node *node,
                      void *field)
{
    int r = reader_need(reader, key, node, YAML_LIST);
    if (r < 0)
        return r;
    struct service_ports *ports = field;
    ports->items = arena_take_array(reader->arena, node->count, sizeof ports->items[0]);
    if (!ports->items)
        return -ENOMEM;
    ports->count = node->count;
    int failed = 0;
    for (size_t i = 0; i < node->count; i++) {
        r = read_port(reader, key, node->items[i], &ports->items[i]);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            failed = r;
    }
    return failed;
}

/* ---- The whole ---- */

#define DOCKER        (1U << SERVICE_DOCKER)
#define PROCESS       (1U << SERVICE_PROCESS)
#define REMOTE        (1U << SERVICE_REMOTE)
#define PACKAGE       (1U << SERVICE_PACKAGE)

#define FIELD(member) offsetof(struct service, member)
static const struct reader_key service_keys[] = {
    {"type", read_nothing, 0, READER_ANY, true},
    {"network", read_network, 0, READER_ANY, false},
    {"env", read_env, FIELD(env), READER_ANY, false},
    {"dependencies", read_dependencies, FIELD(dependencies), READER_ANY, false},
    {"startup_timeout", reader_positive, FIELD(startup_timeout_s), READER_ANY, false},
    {"shutdown_timeout", reader_count, FIELD(shutdown_timeout_s), READER_ANY, false},
    {"health_check", read_health_check, FIELD(health_check), READER_ANY, false},
    {"binary", reader_text, FIELD(binary), PROCESS | REMOTE, true},
    {"args", reader_texts, FIELD(args), PROCESS | REMOTE, false},
    {"working_dir", reader_text, FIELD(working_dir), PROCESS | REMOTE, false},
    {"user", read_user, FIELD(user), PROCESS, false},
    {"image", reader_text, FIELD(image), DOCKER, true},
    {"ports", read_ports, FIELD(ports), DOCKER, false},
    {"volumes", reader_texts, FIELD(volumes), DOCKER, false},
    {"command", reader_texts, FIELD(command), DOCKER, false},
    {"entrypoint", reader_texts, FIELD(entrypoint), DOCKER, false},
    {"host", reader_text, FIELD(host), REMOTE | PACKAGE, true},
    {"package", reader_text, FIELD(package), PACKAGE, true},
    {"version", reader_text, FIELD(version), PACKAGE, false},
    {"install_path", reader_text, FIELD(install_path), PACKAGE, false},
    {0},
};
#undef FIELD

static int read_type(struct reader *reader, const struct yaml_node *node, const char *what,
                     struct service *service)
{
    const struct yaml_node *type = reader_find(node, "type");
    if (!type || type->kind == YAML_NULL)
        return problems_add(reader->problems, node->place,
                            "%s needs the key 'type': process, docker, remote or package", what);
    const char *text = NULL;
    int r = reader_text(reader, "type", type, &text);
    if (r < 0)
        return r;
    for (size_t i = 0; type_names[i]; i++) {
        if (strcmp(type_names[i], text) != 0)
            continue;
        service->type = (enum service_type)i;
        if (service->type == SERVICE_PROCESS)
            return 0;
        reader->obstacles = &service->obstacles;
        r = reader_add_obstacle(reader, type->place, "type %s is not supported yet by this version",
                                text);
        reader->obstacles = NULL;
        return r;
    }
    const char *meant = suggest(text, type_names);
    return problems_add(reader->problems, type->place,
                        "the type of %s is process, docker, remote or package, not '%s'%s%s%s",
                        what, text, meant ? "; did you mean '" : "", meant ? meant : "",
                        meant ? "'?" : "");
}

int service_read_type(struct reader *reader, const struct yaml_node *name,
                      const struct yaml_node *node, struct service *out_service)
{
    *out_service = (struct service){
        .name = name->text,
        .place = name->place,
        .type = SERVICE_UNKNOWN,
        .startup_timeout_s = SERVICE_SECONDS_NONE,
        .shutdown_timeout_s = SERVICE_SECONDS_NONE,
    };
    int r = reader_check_name(reader, "service", name);
    if (r < 0)
        return r;
    if (strcmp(name->text, "yoke") == 0)
        return problems_add(reader->problems, name->place,
                            "a service cannot be called 'yoke': lines of that name are Yoke's own");
    char what[READER_NAME_BYTES_MAX + 64];
    (void)snprintf(what, sizeof what, "service '%s'", name->text);
    r = reader_need(reader, what, node, YAML_MAP);
    return r < 0 ? r : read_type(reader, node, what, out_service);
}

int service_read(struct reader *reader, const struct yaml_node *node, struct service *service)
{
    char what[READER_NAME_BYTES_MAX + 64];
    (void)snprintf(what, sizeof what, "service '%s' (type %s)", service->name,
                   type_names[service->type]);
    reader->obstacles = &service->obstacles;
    int r = reader_map(reader, what, node, service_keys, 1U << service->type, service);
    reader->obstacles = NULL;
    return r;
}
