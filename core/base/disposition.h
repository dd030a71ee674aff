/* SPDX-License-Identifier: MIT
 * disposition.h - whether the process was told to ignore a signal, as nohup(1) tells it.
 *
 * Layer: core/base.  Threads: any. */
#pragma once

#include <stdbool.h>

bool disposition_is_ignored(int signal);
