#!/usr/bin/env bash
# All tests, with a Docker engine if none answers; it is stopped at the end. Arguments go to pytest.
#
# Some tests have clocks: of packets, of sessions at a terminal, of programs that are killed. On a machine that
# does something else meanwhile one may run out. So up to three tests that failed are run again, by themselves
# and in plain sight; what fails again fails the run, and so does any larger number.
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
code=0
"$VENV/bin/python" -m pytest "${@:-tests}" || code=$?
failed=.pytest_cache/v/cache/lastfailed
if [ "$code" = 1 ] && [ -f "$failed" ] && [ "$(grep -c '": true' "$failed")" -le 3 ]; then
    echo "Again, by themselves, the tests that failed above:"
    code=0
    "$VENV/bin/python" -m pytest --last-failed --last-failed-no-failures none "${@:-tests}" || code=$?
fi
exit "$code"
