/* SPDX-License-Identifier: MIT
 * test_stack_file.c - services.yaml: what is read, what is refused and in which words. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/stack_case.h"

/* The sample with every key that docs of the reference give. */
static const char every_key[] =
    "version: \"1.0\"                # required, exactly this string\n"
    "name: demo\n"
    "description: optional\n"
    "settings: {log_level: info, health_check_interval: 30, startup_timeout: 60, shutdown_timeout: "
    "30}\n"
    "networks:\n"
    "  here: {type: local, subnet: 10.1.0.0/24}\n"
    "  lab:\n"
    "    type: lan\n"
    "    subnet: 192.168.1.0/24\n"
    "    nodes: [{host: 192.168.1.10, name: box, ssh_user: ci, ssh_key: ~/.ssh/id}]\n"
    "  mesh:\n"
    "    type: wireguard\n"
    "    subnet: 10.42.0.0/16\n"
    "    config_path: /etc/wireguard/wg0.conf\n"
    "    nodes: [{host: 10.42.0.2, ssh_user: ci, package_deploy: true}]\n"
    "services:\n"
    "  db:\n"
    "    type: docker\n"
    "    network: here\n"
    "    image: postgres:15\n"
    "    ports: [5432, \"15432:5433\"]\n"
    "    volumes: [\"./data:/var/lib/postgresql/data\"]\n"
    "    command: [postgres, -c, fsync=off]\n"
    "    entrypoint: [docker-entrypoint.sh]\n"
    "    env: {POSTGRES_PASSWORD: \"${DB_PASSWORD:-secret}\"}\n"
    "    health_check: {command: pg_isready, args: [-U, postgres], interval: 5, retries: 3, "
    "timeout: 2, "
    "start_period: 10}\n"
    "  api:\n"
    "    type: process\n"
    "    network: here\n"
    "    binary: ./api\n"
    "    args: [--serve]\n"
    "    working_dir: ./app\n"
    "    user: nobody\n"
    "    env: {DB: \"postgres://${db.ip}:${db.port}/x\", TOKEN: \"${API_TOKEN}\"}\n"
    "    dependencies: [db]\n"
    "    startup_timeout: 30\n"
    "    shutdown_timeout: 10\n"
    "    health_check: {http: \"http://localhost:8080/health\"}\n"
    "  worker:\n"
    "    type: remote\n"
    "    network: lab\n"
    "    host: box\n"
    "    binary: /opt/w\n"
    "    args: []\n"
    "    working_dir: /opt\n"
    "    health_check: {tcp: {port: 9000, timeout: 10}}\n"
    "  pkg: {type: package, network: mesh, host: 10.42.0.2, package: w-1.0.tgz, version: \"1.0\", "
    "install_path: /opt/w}\n";

static const char *const token_env[] = {"API_TOKEN=t0ken", NULL};

START_TEST(every_key_of_the_schema_is_read)
{
    CASE c = stack_case_parse(every_key, strlen(every_key), token_env);
    ck_assert_str_eq(problems_text(c.problems), "");
    const struct stack *stack = c.stack;
    ck_assert_str_eq(stack->name, "demo");
    ck_assert_str_eq(stack->description, "optional");
    ck_assert_str_eq(stack->settings.log_level, "info");
    ck_assert_int_eq(stack->settings.health_check_interval_s, 30);
    ck_assert_int_eq(stack->settings.startup_timeout_s, 60);
    ck_assert_int_eq(stack->settings.shutdown_timeout_s, 30);

    ck_assert_uint_eq(stack->network_count, 3);
    ck_assert_int_eq(stack->networks[0].type, NETWORK_LOCAL);
    ck_assert_str_eq(stack->networks[0].subnet, "10.1.0.0/24");
    ck_assert_uint_eq(stack->networks[1].nodes.count, 1);
    ck_assert_str_eq(stack->networks[1].nodes.items[0].ssh_key, "~/.ssh/id");
    ck_assert_str_eq(stack->networks[2].config_path, "/etc/wireguard/wg0.conf");
    ck_assert(stack->networks[2].nodes.items[0].package_deploy);

    const struct service *pkg = stack_find(stack, "pkg");
    ck_assert_int_eq(pkg->type, SERVICE_PACKAGE);
    ck_assert_str_eq(pkg->version, "1.0");
    ck_assert_str_eq(pkg->install_path, "/opt/w");
    const struct service *worker = stack_find(stack, "worker");
    ck_assert_str_eq(worker->host, "box");
    ck_assert_uint_eq(worker->args.count, 0);
    ck_assert_ptr_nonnull(worker->args.items);
    ck_assert_int_eq(worker->health_check.kind, HEALTH_TCP);
    ck_assert_uint_eq(worker->health_check.tcp.port, 9000);
    ck_assert_int_eq(worker->health_check.interval_s, 30);
}
END_TEST

START_TEST(docker_and_process_services_are_read)
{
    CASE c = stack_case_parse(every_key, strlen(every_key), token_env);
    ck_assert_int_eq(c.result, 0);
    const struct service *db = stack_find(c.stack, "db");
    ck_assert_int_eq(db->type, SERVICE_DOCKER);
    ck_assert_str_eq(db->image, "postgres:15");
    ck_assert_uint_eq(db->ports.count, 2);
    ck_assert_uint_eq(db->ports.items[0].host, 5432);
    ck_assert_uint_eq(db->ports.items[0].container, 5432);
    ck_assert_uint_eq(db->ports.items[1].host, 15432);
    ck_assert_uint_eq(db->ports.items[1].container, 5433);
    ck_assert_str_eq(db->volumes.items[0], "./data:/var/lib/postgresql/data");
    ck_assert_str_eq(db->command.items[2], "fsync=off");
    ck_assert_ptr_null(db->command.items[3]);
    ck_assert_str_eq(db->entrypoint.items[0], "docker-entrypoint.sh");
    ck_assert_str_eq(db->env.items[0].name, "POSTGRES_PASSWORD");
    ck_assert_str_eq(db->env.items[0].value, "secret");
    ck_assert_int_eq(db->health_check.kind, HEALTH_COMMAND);
    ck_assert_str_eq(db->health_check.args.items[1], "postgres");
    ck_assert_int_eq(db->health_check.start_period_s, 10);

    const struct service *api = stack_find(c.stack, "api");
    ck_assert_str_eq(api->binary, "./api");
    ck_assert_str_eq(api->args.items[0], "--serve");
    ck_assert_str_eq(api->working_dir, "./app");
    ck_assert_str_eq(api->user, "nobody");
    ck_assert_str_eq(api->env.items[1].value, "t0ken");
    ck_assert_str_eq(api->dependencies.items[0].name, "db");
    ck_assert_uint_eq(api->dependencies.items[0].place.line, 35);
    ck_assert_uint_eq(api->dependencies.items[0].place.column, 20);
    ck_assert_int_eq(api->startup_timeout_s, 30);
    ck_assert_int_eq(api->shutdown_timeout_s, 10);
    ck_assert_str_eq(api->health_check.http, "http://localhost:8080/health");
}
END_TEST

static void expect_obstacle(const struct obstacle *obstacle, unsigned line, unsigned column,
                            const char *sentence)
{
    ck_assert_ptr_nonnull(obstacle);
    ck_assert_str_eq(obstacle->sentence, sentence);
    ck_assert_uint_eq(obstacle->place.line, line);
    ck_assert_uint_eq(obstacle->place.column, column);
}

START_TEST(what_cannot_run_yet_is_noted_with_its_place)
{
    CASE c = stack_case_parse(every_key, strlen(every_key), token_env);
    const struct obstacle *of_db = stack_find(c.stack, "db")->obstacles;
    expect_obstacle(of_db, 18, 11, "type docker is not supported yet by this version");
    expect_obstacle(of_db->next, 26, 19, "'health_check' is not supported yet by this version");
    const struct obstacle *of_api = stack_find(c.stack, "api")->obstacles;
    expect_obstacle(of_api, 33, 11, "'user' is not supported yet by this version");
    expect_obstacle(
        of_api->next, 34, 15,
        "'${db.ip}': the ip of service 'db' (type docker) is not known in this version");
    expect_obstacle(of_api->next->next, 38, 19,
                    "'health_check' is not supported yet by this version");
    ck_assert_ptr_null(of_api->next->next->next);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
    CASE c =
        stack_case_of(WITH_SERVICES "  a: {type: process, binary: sh, args: null, network: ~}\n");
    ck_assert_str_eq(problems_text(c.problems), "");
    const struct service *a = stack_find(c.stack, "a");
    ck_assert_ptr_null(a->args.items);
    ck_assert_ptr_null(a->network);
    ck_assert_ptr_null(a->working_dir);
    ck_assert_ptr_null(a->obstacles);
    ck_assert_int_eq(a->shutdown_timeout_s, SERVICE_SECONDS_NONE);
    ck_assert_int_eq(c.stack->settings.shutdown_timeout_s, SERVICE_SECONDS_NONE);
    ck_assert_int_eq(a->health_check.kind, HEALTH_NONE);
    ck_assert_ptr_null(stack_find(c.stack, "b"));
    ck_assert_ptr_null(stack_find(c.stack, ""));
}
END_TEST

START_TEST(unknown_keys_are_refused_with_a_suggestion)
{
    expect_refused("version: \"1.0\"\nservcies: {}\n",
                   "s.yaml:1:1: the file needs the key 'services'\n"
                   "s.yaml:2:1: the file has no key 'servcies'; did you mean 'services'?\n");
    expect_refused(
        WITH_SERVICES "  a:\n    type: process\n    binay: sh\n",
        "s.yaml:4:5: service 'a' (type process) needs the key 'binary'\n"
        "s.yaml:5:5: service 'a' (type process) has no key 'binay'; did you mean 'binary'?\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, image: x}\n",
                   "s.yaml:3:34: service 'a' (type process) has no key 'image'\n");
    expect_refused(
        WITH_SERVICES "  a: {type: proces, binary: sh}\n",
        "s.yaml:3:13: the type of service 'a' is process, docker, remote or package, not "
        "'proces'; did you mean 'process'?\n");
    expect_refused(
        "version: \"1.0\"\nservices: {}\nsettings: {log_levle: info, startup_timeout: 0}\n",
        "s.yaml:3:12: settings has no key 'log_levle'; did you mean 'log_level'?\n"
        "s.yaml:3:46: 'startup_timeout' must be a number in 1..1000000000, not '0'\n");
    expect_refused("version: \"1.0\"\nservices: {}\nnetworks: {n: {type: local, nodes: []}}\n",
                   "s.yaml:3:29: network 'n' (type local) has no key 'nodes'\n");
}
END_TEST

START_TEST(wrong_types_are_refused)
{
    expect_refused("[]\n", "s.yaml:1:1: the file must be a map, not a list\n");
    expect_refused("version: \"1.0\"\nservices: [a]\n",
                   "s.yaml:2:11: 'services' must be a map, not a list\n");
    expect_refused(WITH_SERVICES "  a: x\n",
                   "s.yaml:3:6: service 'a' must be a map, not a single value\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: [sh]}\n",
                   "s.yaml:3:30: 'binary' must be a single value, not a list\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, args: -c}\n",
                   "s.yaml:3:40: 'args' must be a list, not a single value\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, args: [a, ~, {b: c}]}\n",
                   "s.yaml:3:44: 'args' must be a single value, not nothing\n"
                   "s.yaml:3:47: 'args' must be a single value, not a map\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, startup_timeout: \"5\"}\n",
                   "s.yaml:3:51: 'startup_timeout' must be a number, not the text '5'\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, shutdown_timeout: 5s}\n",
                   "s.yaml:3:52: 'shutdown_timeout' must be a number in 0..1000000000, not '5s'\n");
    expect_refused(
        WITH_SERVICES "  a: {type: process, binary: sh, env: {A: , \"B=\": 1, C: [1]}}\n",
        "s.yaml:3:40: the environment variable 'A' has no value; write \"\" for an empty one\n"
        "s.yaml:3:45: 'B=' cannot be the name of an environment variable\n"
        "s.yaml:3:57: 'C' must be a single value, not a list\n");
    expect_refused(
        WITH_SERVICES "  a: {type: docker, image: i, ports: [0, 65536, \"1:x\", 80:80, 1]}\n",
        "s.yaml:3:39: a port is a number in 1..65535 or \"HOST:CONTAINER\", not '0'\n"
        "s.yaml:3:42: a port is a number in 1..65535 or \"HOST:CONTAINER\", not '65536'\n"
        "s.yaml:3:49: a port is a number in 1..65535 or \"HOST:CONTAINER\", not '1:x'\n");
}
END_TEST

START_TEST(the_text_of_a_scalar_is_taken_as_it_stands)
{
    CASE c = stack_case_of(
        WITH_SERVICES
        "  a: {type: process, binary: sh, env: {N: 0x1F, F: 1.50, B: yes, E: \"\", Z: 007}}\n");
    ck_assert_str_eq(problems_text(c.problems), "");
    const struct service_variables *env = &c.stack->services[0].env;
    static const char *const values[] = {"0x1F", "1.50", "yes", "", "007"};
    ck_assert_uint_eq(env->count, 5);
    for (size_t i = 0; i < env->count; i++)
        ck_assert_str_eq(env->items[i].value, values[i]);
}
END_TEST

START_TEST(names_and_references_are_checked)
{
    expect_refused(
        WITH_SERVICES "  a b: {type: process, binary: sh}\n",
        "s.yaml:3:3: 'a b' cannot be the name of a service: letters, digits, '_', '-' and "
        "'.' only, a letter or digit first\n");
    expect_refused(
        WITH_SERVICES "  yoke: {type: process, binary: sh}\n",
        "s.yaml:3:3: a service cannot be called 'yoke': lines of that name are Yoke's own\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, network: lan1}\n",
                   "s.yaml:3:43: service 'a': there is no network 'lan1'\n");
    expect_refused(WITH_SERVICES "  a: {type: process, binary: sh, health_check: {}}\n",
                   "s.yaml:3:48: 'health_check' needs one of command, http and tcp, not none\n");
    expect_refused(WITH_SERVICES
                   "  a: {type: process, binary: sh, health_check: {http: x, tcp: {port: 1}}}\n",
                   "s.yaml:3:48: 'health_check' needs one of command, http and tcp, not several\n");
}
END_TEST

START_TEST(all_problems_are_told_in_the_order_of_the_file)
{
    expect_refused(
        "services:\n  b: {type: process, binary: \"${NOPE}\"}\n  a: {binary: sh}\nversion: 2\n",
        "s.yaml:2:30: the variable 'NOPE' is not set; set it, or write ${NOPE:-default}\n"
        "s.yaml:3:6: service 'a' needs the key 'type': process, docker, remote or package\n"
        "s.yaml:4:10: version '2' is not supported; this Yoke reads version \"1.0\"\n");
}
END_TEST

START_TEST(variables_are_put_into_every_value)
{
    static const char *const env[] = {"DIR=/srv", "SECONDS=7", NULL};
    const char *text =
        "version: \"1.0\"\n"
        "name: ${STACK:-s}\n"
        "settings: {shutdown_timeout: \"${SECONDS}\"}\n"
        "services:\n"
        "  ${x}: {type: process, binary: $$HOME}\n"
        "  web: {type: process, binary: \"${DIR}/web\", args: [\"${db.host}:${PORT:-80}\"],\n"
        "    working_dir: \"${DIR}\", env: {\"${K}\": \"${DIR}\"}}\n"
        "  db: {type: process, binary: \"${web.ip}\"}\n";
    CASE c = stack_case_parse(text, strlen(text), env);
    ck_assert_int_eq(c.result, -EINVAL); /* a name is no value */
    ck_assert(
        strstr(problems_text(c.problems), "s.yaml:5:3: '${x}' cannot be the name of a service"));

    const char *good = strchr(strstr(text, "  ${x}"), '\n');
    char fixed[1024];
    (void)snprintf(fixed, sizeof fixed, "%.*s%s", (int)(strstr(text, "  ${x}") - text), text,
                   good + 1);
    CASE d = stack_case_parse(fixed, strlen(fixed), env);
    ck_assert_str_eq(problems_text(d.problems), "");
    const struct service *web = stack_find(d.stack, "web");
    ck_assert_str_eq(d.stack->name, "s");
    ck_assert_int_eq(d.stack->settings.shutdown_timeout_s, 7);
    ck_assert_str_eq(web->binary, "/srv/web");
    ck_assert_str_eq(web->args.items[0], "localhost:80");
    ck_assert_str_eq(web->working_dir, "/srv");
    ck_assert_str_eq(web->env.items[0].name, "${K}");
    ck_assert_str_eq(stack_find(d.stack, "db")->binary, "127.0.0.1");
}
END_TEST

START_TEST(a_file_is_read_with_its_folder)
{
    char folder[] = "/tmp/yoke-test-stack-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    FILE *file = fopen("services.yaml", "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fputs(WITH_SERVICES "  a: {type: process, binary: sh}\n", file), 0);
    ck_assert_int_eq(fclose(file), 0);

    static const char *const env[] = {NULL};
    OWNED(problems) struct problems *problems = NULL;
    ck_assert_int_eq(problems_new("services.yaml", &problems), 0);
    OWNED(stack) struct stack *stack = NULL;
    struct error err = {0};
    ck_assert_int_eq(stack_load("services.yaml", env, problems, &stack, &err), 0);
    ck_assert_str_eq(stack->directory, folder);
    ck_assert_str_eq(stack->path, "services.yaml");

    OWNED(stack) struct stack *other = NULL;
    ck_assert_int_eq(stack_load("nothing.yaml", env, problems, &other, &err), -ENOENT);
    ck_assert_str_eq(err.text, "cannot read nothing.yaml: No such file or directory");
    ck_assert_int_eq(stack_load(".", env, problems, &other, &err), -EISDIR);
    ck_assert_int_eq(unlink("services.yaml"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stack_file");
    suite_add(suite, every_key_of_the_schema_is_read);
    suite_add(suite, docker_and_process_services_are_read);
    suite_add(suite, what_cannot_run_yet_is_noted_with_its_place);
    suite_add(suite, what_is_left_out_has_its_default);
    suite_add(suite, unknown_keys_are_refused_with_a_suggestion);
    suite_add(suite, wrong_types_are_refused);
    suite_add(suite, the_text_of_a_scalar_is_taken_as_it_stands);
    suite_add(suite, names_and_references_are_checked);
    suite_add(suite, all_problems_are_told_in_the_order_of_the_file);
    suite_add(suite, variables_are_put_into_every_value);
    suite_add(suite, a_file_is_read_with_its_folder);
    return support_main(suite);
}
