#!/bin/sh
# SPDX-License-Identifier: MIT
# test_loader_rights.sh - who runs yoke, who owns a plugin, and whose environment counts.  Only root can try.
set -u
. "${srcdir:-.}/tests/system/cli_case.sh"

[ "$(id -u)" -eq 0 ] || { echo "not root: files cannot be given to others"; exit 77; }
planted=$builddir/tests/unit/plugins/.libs/runtime_planted.so
[ -f "$planted" ] || { echo "there is no $planted"; exit 77; }
chmod 711 "$folder"
mkdir "$folder/plugins"
cp "$planted" "$folder/plugins/"
printf '[default]\nruntime = planted\n' >"$folder/planted.conf"
chmod 644 "$folder/planted.conf"

# Under another user's rights than its caller's (AT_SECURE) no variable counts.
cp "$yoke" "$folder/yoke"
YOKE_PLUGIN_PATH=$folder/plugins
YOKE_RUNTIMES=$folder/planted.conf
export YOKE_RUNTIMES
"$folder/yoke" runtime list >"$folder/out" 2>"$folder/err"
expect_line out "default: planted ($folder/planted.conf:2)" "a plain program"
expect_text out "planted    ready " "a plain program"
chown 65534 "$folder/yoke" && chmod 4755 "$folder/yoke"
if [ "$("$folder/yoke" version >/dev/null 2>&1; echo $?)" -eq 0 ]; then
    "$folder/yoke" runtime list >"$folder/out" 2>"$folder/err"
    expect_no_text out "$folder" "a set-user-ID program"
    expect_no_text out "planted" "a set-user-ID program"
    YOKE_RUNTIME=planted "$folder/yoke" runtime list >"$folder/out" 2>"$folder/err"
    expect_no_text out "planted" "a set-user-ID program"
else
    echo "not tried: a set-user-ID program does not run here"
fi

command -v setpriv >/dev/null || { echo "no setpriv"; finish; }
as_other() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@" >"$folder/out" 2>"$folder/err"
    status=$?
}
cp "$yoke" "$folder/plain"
chmod 755 "$folder/plain" "$folder/plugins"
unset YOKE_RUNTIMES

# Root's plugin is fine for another user; another user's is not fine for root, but for himself.
as_other "$folder/plain" runtime list --runtime planted
expect_text out "planted    ready " "root's plugin, another user"
chown 65534 "$folder/plugins/runtime_planted.so"
as_other "$folder/plain" runtime list --runtime planted
expect_text out "planted    ready " "his own plugin"
"$folder/plain" runtime list --runtime planted >"$folder/out" 2>"$folder/err"
expect_text out "planted    refused        $folder/plugins/runtime_planted.so belongs to user 65534; wanted is root \
or user 0, who runs this program" "another's plugin"
chown 4242 "$folder/plugins/runtime_planted.so"
as_other "$folder/plain" runtime list --runtime planted
expect_text out "belongs to user 4242; wanted is root or user 65534, who runs this program" "a third one's plugin"
chown 0 "$folder/plugins/runtime_planted.so"
chown 4242 "$folder/plugins"
as_other "$folder/plain" runtime list --runtime planted
expect_text out "$folder/plugins belongs to user 4242" "a third one's folder"

# A file that cannot be read is told, not passed over.
mkdir -p "$folder/home/.config/yoke"
cp "$folder/planted.conf" "$folder/home/.config/yoke/runtimes.conf"
chmod 711 "$folder/home" "$folder/home/.config" "$folder/home/.config/yoke"
chmod 600 "$folder/home/.config/yoke/runtimes.conf"
as_other "$folder/plain" config check
expect_status 1 "an unreadable file"
expect_line err "yoke config check: cannot read $folder/home/.config/yoke/runtimes.conf: Permission denied; \
--runtimes or YOKE_RUNTIMES can name another file" "an unreadable file"

finish
