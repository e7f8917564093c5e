#!/usr/bin/env bash
# Stop what scripts/up.sh started: Knarr, then the Docker engine if it is ours. STATE_DIR as there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

STATE_DIR=${STATE_DIR:-$(default_state_dir)}
stop_process "$STATE_DIR/knarr.pid" 20 Knarr || say "Knarr does not run on $STATE_DIR."
stop_engine "$STATE_DIR"
