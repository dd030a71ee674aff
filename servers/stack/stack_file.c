/* SPDX-License-Identifier: MIT
 * stack_file.c - see stack_file.h. */
#include "servers/stack/stack_file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/suggest.h"
#include "servers/stack/yaml.h"

#define CANDIDATES_MAX 256 /* services that are looked at for a suggestion */

static const char *const version_wanted = "1.0";

/* ---- Top-level keys ---- */

static int read_version(struct reader *reader, const char *key, const struct yaml_node *node,
                        void *field)
{
    (void)field;
    int r = reader_need(reader, key, node, YAML_SCALAR);
    if (r < 0 || strcmp(node->text, version_wanted) == 0)
        return r;
    return problems_add(reader->problems, node->place,
                        "version '%s' is not supported; this Yoke reads version \"%s\"", node->text,
                        version_wanted);
}

static int read_log_level(struct reader *reader, const char *key, const struct yaml_node *node,
                          void *field)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};
    const char *text = NULL;
    int r = reader_text(reader, key, node, &text);
    if (r < 0)
        return r;
    for (size_t i = 0; levels[i]; i++)
        if (strcmp(levels[i], text) == 0) {
            *(const char **)field = levels[i];
            return 0;
        }
    return problems_add(reader->problems, node->place,
                        "'log_level' is error, warn, info, debug or trace, not '%s'", text);
}

static int read_settings(struct reader *reader, const char *key, const struct yaml_node *node,
                         void *field)
{
#define FIELD(member) offsetof(struct settings, member)
    static const struct reader_key keys[] = {
        {"log_level", read_log_level, FIELD(log_level), READER_ANY, false},
        {"health_check_interval", reader_positive, FIELD(health_check_interval_s), READER_ANY,
         false},
        {"startup_timeout", reader_positive, FIELD(startup_timeout_s), READER_ANY, false},
        {"shutdown_timeout", reader_count, FIELD(shutdown_timeout_s), READER_ANY, false},
        {0},
    };
#undef FIELD
    return reader_map(reader, key, node, keys, READER_ANY, field);
}

static int read_networks(struct reader *reader, const char *key, const struct yaml_node *node,
                         void *field)
{
    struct stack *stack = field;
    int r = reader_need(reader, key, node, YAML_MAP);
    if (r < 0)
        return r;
    if (node->count > STACK_NETWORKS_MAX)
        return problems_add(reader->problems, node->place, "more than %u networks",
                            STACK_NETWORKS_MAX);
    stack->networks = arena_take_array(stack->arena, node->count, sizeof stack->networks[0]);
    if (!stack->networks)
        return -ENOMEM;
    stack->network_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        r = network_read(reader, node->pairs[i].key, node->pairs[i].value, &stack->networks[i]);
        if (r == -ENOMEM)
            return r;
    }
    return 0;
}

/* The services come last, in stack_parse(): they may refer to what stands below them. */
static int read_services(struct reader *reader, const char *key, const struct yaml_node *node,
                         void *field)
{
    (void)field;
    return reader_need(reader, key, node, YAML_MAP);
}

#define FIELD(member) offsetof(struct stack, member)
static const struct reader_key stack_keys[] = {
    {"version", read_version, 0, READER_ANY, true},
    {"name", reader_text, FIELD(name), READER_ANY, false},
    {"description", reader_text, FIELD(description), READER_ANY, false},
    {"settings", read_settings, FIELD(settings), READER_ANY, false},
    {"networks", read_networks, 0, READER_ANY, false},
    {"services", read_services, 0, READER_ANY, true},
    {0},
};
#undef FIELD

/* ---- Services ---- */

static int compare_services(const void *left, const void *right)
{
    const struct service *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* Reads names and types, and makes the tables by name. */
static int read_types(struct reader *reader, struct stack *stack, const struct yaml_node *services)
{
    if (services->count > STACK_SERVICES_MAX)
        return problems_add(reader->problems, services->place, "more than %u services",
                            STACK_SERVICES_MAX);
    stack->services = arena_take_array(stack->arena, services->count, sizeof stack->services[0]);
    stack->by_name = arena_take_array(stack->arena, services->count, sizeof stack->by_name[0]);
    if (!stack->services || !stack->by_name)
        return -ENOMEM;

    for (size_t i = 0; i < services->count; i++) {
        const struct yaml_pair *pair = &services->pairs[i];
        int r = service_read_type(reader, pair->key, pair->value, &stack->services[i]);
        if (r == -ENOMEM)
            return r;
        stack->by_name[i] = &stack->services[i];
    }
    stack->service_count = services->count;
    qsort(stack->by_name, stack->service_count, sizeof stack->by_name[0], compare_services);
    return 0;
}

/* What ${service.ip} gives.  A process runs on this machine; what port it listens on it does not
 * tell. */
static int list_scope_services(const struct stack *stack, struct scope *scope)
{
    struct scope_service *items =
        arena_take_array(stack->arena, stack->service_count, sizeof items[0]);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < stack->service_count; i++) {
        const struct service *service = stack->by_name[i];
        bool is_local = service->type == SERVICE_PROCESS;
        items[i] = (struct scope_service){
            .name = service->name,
            .type = service->type == SERVICE_UNKNOWN ? "unknown" : service_type_name(service->type),
            .ip = is_local ? "127.0.0.1" : NULL,
            .host = is_local ? "localhost" : NULL,
        };
    }
    scope->services = items;
    scope->service_count = stack->service_count;
    return 0;
}

static int check_network(struct reader *reader, const struct stack *stack,
                         const struct service *service)
{
    if (!service->network)
        return 0;
    for (size_t i = 0; i < stack->network_count; i++)
        if (strcmp(stack->networks[i].name, service->network) == 0)
            return 0;
    return problems_add(reader->problems, service->network_place,
                        "service '%s': there is no network '%s'", service->name, service->network);
}

static int read_service_bodies(struct reader *reader, struct stack *stack,
                               const struct yaml_node *services)
{
    for (size_t i = 0; i < services->count && !problems_full(reader->problems); i++) {
        if (stack->services[i].type == SERVICE_UNKNOWN)
            continue; /* told */
        int r = service_read(reader, services->pairs[i].value, &stack->services[i]);
        if (r == -ENOMEM)
            return r;
        if (r >= 0)
            (void)check_network(reader, stack, &stack->services[i]); /* told */
    }
    return 0;
}

static int read_all_services(struct reader *reader, struct stack *stack,
                             const struct yaml_node *root)
{
    const struct yaml_node *services = reader_find(root, "services");
    if (!services || services->kind != YAML_MAP)
        return 0; /* told */
    struct scope scope = *reader->scope;
    int r = read_types(reader, stack, services);
    if (r < 0)
        return r;
    r = list_scope_services(stack, &scope);
    if (r < 0)
        return r;
    struct reader service_reader = *reader;
    service_reader.scope = &scope;
    return read_service_bodies(&service_reader, stack, services);
}

/* ---- The whole ---- */

static int read_root(struct stack *stack, const struct stack_source *source, const char *const *env,
                     struct problems *problems)
{
    const struct yaml_node *root = NULL;
    int r = yaml_parse(source->bytes, source->len, stack->arena, problems, &root);
    if (r < 0)
        return r;
    if (!root || root->kind == YAML_NULL)
        return problems_add(problems, (struct place){0, 0},
                            "the file is empty; it needs 'version' and 'services'");

    const struct scope scope = {.env = env};
    struct reader reader = {.arena = stack->arena, .problems = problems, .scope = &scope};
    r = reader_map(&reader, "the file", root, stack_keys, READER_ANY, stack);
    if (r == -ENOMEM || root->kind != YAML_MAP)
        return r;
    r = read_all_services(&reader, stack, root);
    if (r < 0)
        return r;
    return problems_count(problems) > 0 ? -EINVAL : 0;
}

int stack_parse(const struct stack_source *source, const char *const *env,
                struct problems *problems, struct stack **out_stack)
{
    assert(source->path && source->directory && source->bytes && env);
    OWNED(stack) struct stack *stack = calloc(1, sizeof *stack);
    if (!stack)
        return -ENOMEM;
    int r = arena_new(STACK_MEMORY_BYTES_MAX, &stack->arena);
    if (r < 0)
        return r;
    stack->path = arena_copy(stack->arena, source->path, strlen(source->path));
    stack->directory = arena_copy(stack->arena, source->directory, strlen(source->directory));
    if (!stack->path || !stack->directory)
        return -ENOMEM;
    stack->settings = (struct settings){
        .health_check_interval_s = SERVICE_SECONDS_NONE,
        .startup_timeout_s = SERVICE_SECONDS_NONE,
        .shutdown_timeout_s = SERVICE_SECONDS_NONE,
    };
    r = read_root(stack, source, env, problems);
    if (r < 0)
        return r;
    *out_stack = MOVE(stack);
    return 0;
}

static void free_bytes(char **bytes)
{
    free(*bytes);
}

/* The absolute folder of the file; caller frees. */
static int find_directory(const char *path, char **out_directory, struct error *err)
{
    const char *slash = strrchr(path, '/');
    __attribute__((cleanup(free_bytes))) char *folder =
        slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return fail(err, -ENOMEM, "out of memory");
    return file_real_path(folder, out_directory, err);
}

int stack_load(const char *path, const char *const *env, struct problems *problems,
               struct stack **out_stack, struct error *err)
{
    __attribute__((cleanup(free_bytes))) char *bytes = NULL;
    __attribute__((cleanup(free_bytes))) char *directory = NULL;
    struct stack_source source = {.path = path};
    int r = file_read(path, STACK_FILE_BYTES_MAX, &bytes, &source.len, err);
    if (r < 0)
        return r;
    r = find_directory(path, &directory, err);
    if (r < 0)
        return r;
    source.bytes = bytes;
    source.directory = directory;
    r = stack_parse(&source, env, problems, out_stack);
    if (r == -ENOMEM)
        return fail(err, r,
                    "%s: there is not enough memory to read it, or it takes more than %zu MiB",
                    path, STACK_MEMORY_BYTES_MAX >> 20);
    return r;
}

/* ---- Looking up ---- */

static int compare_name(const void *key, const void *item)
{
    return strcmp(key, (*(const struct service *const *)item)->name);
}

const struct service *stack_find(const struct stack *stack, const char *name)
{
    const struct service *const *found =
        bsearch(name, stack->by_name, stack->service_count, sizeof stack->by_name[0], compare_name);
    return found ? *found : NULL;
}

const char *stack_suggest(const struct stack *stack, const char *name)
{
    const char *candidates[CANDIDATES_MAX + 1] = {0};
    for (size_t i = 0; i < stack->service_count && i < CANDIDATES_MAX; i++)
        candidates[i] = stack->services[i].name;
    return suggest(name, candidates);
}

void stack_free(struct stack *take_stack)
{
    if (!take_stack)
        return;
    arena_free(take_stack->arena);
    free(take_stack);
}
