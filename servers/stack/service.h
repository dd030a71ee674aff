/* SPDX-License-Identifier: MIT
 * service.h - a service of services.yaml.
 *
 * Layer: servers/stack. */
#pragma once

#include "servers/stack/health_check.h"
#include "servers/stack/reader.h"

#define SERVICE_SECONDS_NONE (-1) /* of a time that was left out */

/* SERVICE_UNKNOWN: of a service whose type could not be read, which fails the whole file. */
enum service_type {
    SERVICE_DOCKER,
    SERVICE_PROCESS,
    SERVICE_REMOTE,
    SERVICE_PACKAGE,
    SERVICE_UNKNOWN
};

struct service_variable {
    const char *name;
    const char *value;
};

struct service_variables {
    struct service_variable *items;
    size_t count;
};

struct service_dependency {
    const char *name;
    struct place place;
};

struct service_dependencies {
    struct service_dependency *items;
    size_t count;
};

struct service_port {
    uint16_t host;
    uint16_t container;
};

struct service_ports {
    struct service_port *items;
    size_t count;
};

/* What each type has: see service.c.  Texts that were left out are NULL. */
struct service {
    const char *name;
    struct place place;
    enum service_type type;
    struct obstacle *obstacles; /* why this version cannot run it; NULL: it can */

    const char *network;
    struct place network_place;
    struct service_variables env;
    struct service_dependencies dependencies;
    int64_t startup_timeout_s;
    int64_t shutdown_timeout_s;
    struct health_check health_check;

    const char *binary;
    struct texts args;
    const char *working_dir;
    const char *user;

    const char *image;
    struct service_ports ports;
    struct texts volumes;
    struct texts command;
    struct texts entrypoint;

    const char *host;
    const char *package;
    const char *version;
    const char *install_path;
};

/* Reads name and type alone, which the references in other services need. */
MUST_USE int service_read_type(struct reader *reader, const struct yaml_node *name,
                               const struct yaml_node *node, struct service *out_service);

/* Reads the rest of a service whose type is read. */
MUST_USE int service_read(struct reader *reader, const struct yaml_node *node,
                          struct service *service);

/* "docker".  Static. */
const char *service_type_name(enum service_type type);
