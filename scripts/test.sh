#!/usr/bin/env bash
# All tests, with a Docker engine if none answers; it is stopped at the end. Arguments go to pytest.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" --test
scratch=$(mktemp -d)
cleanup() {
    stop_engine "$scratch"
    rm -rf "$scratch"
}
trap cleanup EXIT
if [ "$(id -u)" = 0 ]; then
    start_engine "$scratch"
fi
unset PYTHONDONTWRITEBYTECODE
cd "$ROOT"
"$VENV/bin/python" -m pytest "${@:-tests}"
