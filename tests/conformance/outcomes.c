/* SPDX-License-Identifier: MIT
 * outcomes.c - see outcomes.h. */
#include "tests/conformance/outcomes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {"none", "pass", "warn", "skip", "fail"};
    return words[verdict];
}

void outcome_print(const struct outcome *outcome)
{
    (void)printf("%s  %s%s%s%s\n", verdict_word(outcome->verdict), outcome->behaviour->name,
                 outcome->reason[0] ? "  (" : "", outcome->reason, outcome->reason[0] ? ")" : "");
    char text[RUNNER_OUTPUT_BYTES];
    memcpy(text, outcome->output, sizeof text);
    char *rest = NULL;
    for (const char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        (void)printf("    | %s\n", line);
    (void)fflush(stdout);
}

struct totals outcomes_total(const struct outcome *outcomes, size_t count)
{
    struct totals totals = {0};
    for (size_t i = 0; i < count; i++) {
        totals.pass += outcomes[i].verdict == VERDICT_PASS;
        totals.warn += outcomes[i].verdict == VERDICT_WARN;
        totals.skip += outcomes[i].verdict == VERDICT_SKIP;
        totals.fail += outcomes[i].verdict == VERDICT_FAIL;
    }
    return totals;
}

void outcomes_print_summary(const struct bed *bed, const struct plugin_facts *facts,
                            const struct outcome *outcomes, size_t count)
{
    struct totals totals = outcomes_total(outcomes, count);
    (void)printf("%s %s (%s): %zu behaviours: %d pass, %d warn, %d skip, %d fail; seed %" PRIu64
                 "\n",
                 facts->id, facts->version, facts->build, count, totals.pass, totals.warn,
                 totals.skip, totals.fail, bed->seed);
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].verdict == VERDICT_FAIL)
            (void)printf("again: yoke-conformance %s --seed %" PRIu64 " --only '%s'\n", bed->path,
                         bed->seed, outcomes[i].behaviour->name);
}

static void json_text(const char *text)
{
    (void)putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            (void)printf("\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            (void)printf("\\u%04x", *c); /* bytes beyond ASCII as Latin-1: always valid JSON */
        else
            (void)putchar(*c);
    }
    (void)putchar('"');
}

static void json_member(const char *name, const char *text, const char *end)
{
    json_text(name);
    (void)printf(": ");
    json_text(text);
    (void)printf("%s", end);
}

static void json_outcome(const struct outcome *outcome)
{
    (void)printf("    {");
    json_member("name", outcome->behaviour->name, ", ");
    json_member("theme", outcome->theme->name, ", ");
    json_member("class", CLASS_PLUGIN, ", ");
    json_member("result", verdict_word(outcome->verdict), ", ");
    json_member("reason", outcome->reason, ", ");
    json_member("summary", outcome->behaviour->summary, ", ");
    (void)printf("\"ms\": %" PRId64 "}", outcome->ms);
}

void outcomes_print_json(const struct bed *bed, const struct plugin_facts *facts,
                         const struct outcome *outcomes, size_t count)
{
    struct totals totals = outcomes_total(outcomes, count);
    (void)printf("{\n  ");
    json_member("file", bed->path, ",\n  ");
    json_member("id", facts->id, ",\n  ");
    json_member("version", facts->version, ",\n  ");
    json_member("build", facts->build, ",\n  ");
    (void)printf("\"caps\": %" PRIu64 ",\n  \"seed\": %" PRIu64 ",\n", facts->caps, bed->seed);
    (void)printf(
        "  \"pass\": %d,\n  \"warn\": %d,\n  \"skip\": %d,\n  \"fail\": %d,\n  \"results\": [\n",
        totals.pass, totals.warn, totals.skip, totals.fail);
    for (size_t i = 0; i < count; i++) {
        json_outcome(&outcomes[i]);
        (void)printf("%s\n", i + 1 < count ? "," : "");
    }
    (void)printf("  ]\n}\n");
}
