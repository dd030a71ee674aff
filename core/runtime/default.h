/* SPDX-License-Identifier: MIT
 * default.h - the spawner of those who were given none.
 *
 * Layer: core/runtime.  Installed as <yoke/default.h>.
 *
 * Give a spawner to what needs one.  This is for the twin of a constructor, x_server_new_default(),
 * which fetches it and calls x_server_new(); see docs/INJECTION. */
#pragma once

#include <yoke/spawner.h>

/* The spawner that section [default] of runtimes.conf describes; YOKE_RUNTIMES and YOKE_RUNTIME
 * count.  The first call loads and makes it, which blocks its thread for some milliseconds; it
 * lives as long as the process, and there is one. Any thread, on a task or off; two first calls at
 * once are fine.
 *
 * Returns it, borrowed; or NULL after an error line on the log that says what is wrong.  The next
 * call tries again. */
yk_spawner *yk_default_spawner(void);
