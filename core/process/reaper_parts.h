/* SPDX-License-Identifier: MIT
 * reaper_parts.h - what the children of a host share through its reaper.
 *
 * Layer: core/process, for child.c and reaper.c only. */
#pragma once

#include "core/process/census_share.h"
#include "core/process/reaper.h"
#include "core/process/registry.h"

/* Borrowed from the reaper; NULL of NULL. */
struct registry *reaper_registry(yk_reaper *reaper);
struct census_share *reaper_census(yk_reaper *reaper);
