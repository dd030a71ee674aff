/* SPDX-License-Identifier: MIT
 * vigil.h - what the guardian's process does: awaits its host's end, then ends what that has left.
 *
 * Layer: core/process.  Threads: the only one of a process of its own, no runtime; blocks.  Start
 * at vigil_run().
 *
 * It reads lines from descriptor 0, all written by guardian.c:
 *
 *     intent        a child is about to be started
 *     failed        it was not
 *     start P S     it was: leader P of group P, which started at S (field 22 of /proc/P/stat)
 *     end P         group P is not the guardian's to end any more
 *     farewell      the host ends in order: exit 0
 *
 * and writes VIGIL_GREETING to descriptor 1 when it is ready.  At the end of the pipe without a
 * farewell it looks for everything of the run until two looks in a row have found nothing: SIGTERM
 * and SIGCONT, the grace later SIGKILL. Of the run is
 *   - whose environment at its exec had YOKE_RUN_ID equal to the run's id, or that and a slash and
 *     more;
 *   - who is in a group that was told of, if that group is the same still: its leader, if there is
 *     one, started at S, and a member started before the end of the pipe.  The number of a group
 *     with a member cannot be used again.
 * While a child was intended but not told of, it keeps looking for VIGIL_INTENT_MS: the child may
 * be between fork and exec, where it has no environment of its own yet.  One that clears its
 * environment by another exec before it is told of, a fraction of a millisecond, is not found. */
#pragma once

#define VIGIL_GREETING     "yoke guardian 1\n"
#define VIGIL_GRACE_MS_MAX 3600000
#define VIGIL_KILL_MS      10000
#define VIGIL_INTENT_MS    1000
#define VIGIL_GROUPS_MAX   65536

/* Ignores the signals that would end it, leaves the folder it is in, and keeps watch.
 *
 * argv  the process's: { ..., GUARDIAN_COMMAND, the run's id, its grace in milliseconds }
 * Returns the process's exit status: 0 (farewell, or nothing is left), 1 (something survives), 2 (a
 * bad line or argument: nothing was ended). */
int vigil_run(int argc, char **argv);
