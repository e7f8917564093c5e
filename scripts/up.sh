#!/usr/bin/env bash
# Start Knarr in the background, with a Docker engine if none answers. A second call changes nothing.
# STATE_DIR, LISTEN, ENGINE, CONFIG_FILE: as `knarr up` takes them. DOCKER_SOCKET, DOCKERD_OPTIONS: see lib.sh.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

STATE_DIR=${STATE_DIR:-$(default_state_dir)}
LISTEN=${LISTEN:-127.0.0.1:9140}
ENGINE=${ENGINE:-docker}
WAIT=${WAIT:-120}

pid_file=$STATE_DIR/knarr.pid
log=$STATE_DIR/knarr.log

if pid=$(running_pid "$pid_file"); then
    say "Knarr runs already (pid $pid) on http://$(listen_of "$pid_file"); nothing was changed."
    exit 0
fi

"$ROOT/scripts/setup.sh"
mkdir -p -m 700 "$STATE_DIR"
[ "$ENGINE" != docker ] || start_engine "$STATE_DIR"

unset PYTHONDONTWRITEBYTECODE
arguments=(--state-dir "$STATE_DIR" --listen "$LISTEN" --engine "$ENGINE")
[ -z "${CONFIG_FILE:-}" ] || arguments+=(--config-file "$CONFIG_FILE")
setsid "$VENV/bin/knarr" up "${arguments[@]}" >>"$log" 2>&1 </dev/null &
pid=$!

for ((tries = WAIT * 10; tries > 0; tries--)); do
    "$VENV/bin/python" -c '
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10)
' "http://$LISTEN/healthcheck" 2>/dev/null && break
    if ! kill -0 "$pid" 2>/dev/null; then
        tail -n 5 "$log" >&2
        stop_engine "$STATE_DIR"
        die "Knarr did not start; its log is $log."
    fi
    sleep 0.1
done
[ "$tries" -gt 0 ] || die "Knarr is not healthy after $WAIT s; its log is $log."

option=
[ "$STATE_DIR" = "$(default_state_dir)" ] || option=" --state-dir $STATE_DIR"
say "Knarr listens on http://$LISTEN (pid $pid, log $log). Try:"
if [ -x "$CLIENTS_VENV/bin/openstack" ]; then
    say "    export PATH=$CLIENTS_VENV/bin:\$PATH"
elif ! command -v openstack >/dev/null 2>&1; then
    say "    make -C $ROOT clients    # once: the official clients"
    say "    export PATH=$CLIENTS_VENV/bin:\$PATH"
fi
cat <<TEXT
    eval "\$($VENV/bin/knarr openrc$option)"
    openstack token issue
    openstack appcontainer run --name hello busybox sleep 600
TEXT
