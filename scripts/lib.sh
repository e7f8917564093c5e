# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
CLIENTS_VENV=$ROOT/.venv-clients
USUAL_SOCKET=/var/run/docker.sock
DOCKER_SOCKET=${DOCKER_SOCKET:-$USUAL_SOCKET}
# More options of a dockerd that is started here (a second one needs a --data-root, --exec-root and --pidfile).
DOCKERD_OPTIONS=${DOCKERD_OPTIONS:-}
# Knarr reads options from the environment too: the engine that the scripts look for is the one that it uses.
[ "$DOCKER_SOCKET" = "$USUAL_SOCKET" ] || export OS_DOCKER__API_URL=${OS_DOCKER__API_URL:-unix://$DOCKER_SOCKET}

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

# As knarr.kernel.config has it.
default_state_dir() {
    if [ "$(id -u)" = 0 ]; then
        printf /var/lib/knarr
    else
        printf '%s' "${XDG_STATE_HOME:-$HOME/.local/state}/knarr"
    fi
}

# The address in a pid file of Knarr: PID START ADDRESS.
listen_of() { cut -d ' ' -f 3 "$1"; }

# The first Python that is new enough; nothing if there is none.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.11 python3.12 python3.13; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        command -v "$candidate"
        return 0
    done
    return 1
}

# Whether a Docker engine (or Podman's service) answers on the socket.
engine_answers() {
    [ -S "$DOCKER_SOCKET" ] || return 1
    "$(find_python)" - "$DOCKER_SOCKET" <<'PY' 2>/dev/null
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.settimeout(5)
    connection.connect(sys.argv[1])
    connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
    sys.exit(b" 200 " not in connection.recv(64))
PY
}

# When a process started, in clock ticks since boot: with its id this names one process for good.
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The name in brackets may hold blanks; what follows it is field 3 and on.
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    [ "$1" != Z ] || return 1
    printf '%s' "${20}"
}

# "PID START" of a file, if that very process still runs.
running_pid() {
    local pid started
    [ -f "$1" ] || return 1
    read -r pid started _ <"$1" || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] || return 1
    printf '%s' "$pid"
}

# stop_process FILE SECONDS NAME: end the process that the file names, and remove the file.
stop_process() {
    local pid tries
    if ! pid=$(running_pid "$1"); then
        rm -f "$1"
        return 1
    fi
    kill -TERM "$pid" 2>/dev/null || true
    for ((tries = $2 * 10; tries > 0; tries--)); do
        running_pid "$1" >/dev/null || break
        sleep 0.1
    done
    if running_pid "$1" >/dev/null; then
        say "$3 (pid $pid) did not end within $2 s: killing it"
        kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$1"
    say "$3 stopped (pid $pid)"
}

# start_engine FOLDER: start dockerd unless an engine answers. Its log and pid file go to the folder.
start_engine() {
    local folder=$1 pid tries
    engine_answers && return 0
    [ "$(id -u)" = 0 ] || die "No Docker engine answers on $DOCKER_SOCKET, and only root can start one." \
        "ENGINE=fake works as any user."
    have dockerd || die "There is no dockerd: run scripts/setup.sh as root, or install docker.io."
    mkdir -p "$folder"
    # shellcheck disable=SC2086
    PATH=$PATH:/usr/sbin:/sbin setsid dockerd --host "unix://$DOCKER_SOCKET" $DOCKERD_OPTIONS \
        >"$folder/dockerd.log" 2>&1 </dev/null &
    pid=$!
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$folder/dockerd.pid"
    for ((tries = 300; tries > 0; tries--)); do
        engine_answers && { say "started a Docker engine (pid $pid, log $folder/dockerd.log)"; return 0; }
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    stop_process "$folder/dockerd.pid" 10 dockerd || true
    tail -n 5 "$folder/dockerd.log" >&2
    die "The Docker engine did not start; its log is $folder/dockerd.log."
}

stop_engine() { stop_process "$1/dockerd.pid" 20 "Docker engine" || true; }
