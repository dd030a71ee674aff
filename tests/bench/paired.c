/* SPDX-License-Identifier: MIT
 * paired.c - two commands in turn, and the ratio of what they print.
 *
 * Usage: paired [-n PAIRS] [-m MAX] COMMAND_A COMMAND_B
 * Each command is a shell line that prints "NAME NUMBER", the smaller the better.  Runs A B, B A, A
 * B ... and prints "A B RATIO LOW HIGH": the medians of both, the median of the ratios A/B of each
 * pair, and the bounds of its 95 % interval, from order statistics.  With -m exits 1 when the
 * interval lies wholly above MAX.
 * Source: Hahn and Meeker, "Statistical Intervals" (1991), 5.2: an interval for a median. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAIRS_DEFAULT 31
#define PAIRS_MAX 1001

struct series {
    double values[PAIRS_MAX];
    int count;
};

static double run(const char *command)
{
    FILE *out = popen(command, "r");
    double value = -1;
    if (!out || fscanf(out, "%*s %lf", &value) != 1 || pclose(out) != 0 || value <= 0) {
        fprintf(stderr, "paired: no figure from: %s\n", command);
        exit(2);
    }
    return value;
}

static void add(struct series *series, double value)
{
    series->values[series->count++] = value;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(struct series *series)
{
    qsort(series->values, (size_t)series->count, sizeof series->values[0], by_size);
    int half = series->count / 2;
    return series->count % 2 ? series->values[half]
                             : (series->values[half - 1] + series->values[half]) / 2;
}

/* How many of the sorted values lie below the interval, and above: the normal approximation. */
static int outside(int count)
{
    int k = (int)floor((count - 1) / 2.0 - 0.98 * sqrt(count));
    return k < 0 ? 0 : k;
}

int main(int argc, char **argv)
{
    static struct series a, b, ratios;
    int pairs = PAIRS_DEFAULT;
    double max = INFINITY;
    for (int option; (option = getopt(argc, argv, "n:m:")) != -1;) {
        if (option == 'n')
            pairs = (int)strtol(optarg, NULL, 10);
        else if (option == 'm')
            max = strtod(optarg, NULL);
        else
            return 2;
    }
    if (argc - optind != 2 || pairs < 1 || pairs > PAIRS_MAX) {
        fprintf(stderr, "usage: paired [-n PAIRS] [-m MAX] COMMAND_A COMMAND_B\n");
        return 2;
    }
    const char *command_a = argv[optind], *command_b = argv[optind + 1];
    (void)run(command_a); /* once each to warm up */
    (void)run(command_b);
    for (int i = 0; i < pairs; i++) {
        bool a_first = i % 2 == 0;
        double first = run(a_first ? command_a : command_b);
        double second = run(a_first ? command_b : command_a);
        add(&a, a_first ? first : second);
        add(&b, a_first ? second : first);
        add(&ratios, a_first ? first / second : second / first);
    }
    double middle = median(&ratios); /* sorts them */
    double low = ratios.values[outside(pairs)];
    double high = ratios.values[pairs - 1 - outside(pairs)];
    printf("%.2f %.2f %.3f %.3f %.3f\n", median(&a), median(&b), middle, low, high);
    return low > max;
}
