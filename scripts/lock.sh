#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml (needs uv, whose path may stand in UV). Run it after a
# change of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    "${UV:-uv}" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-header --no-emit-index-url --no-emit-find-links "$@"
}

# What installs Knarr itself is locked with the rest.
build=$(mktemp)
trap 'rm -f "$build"' EXIT
printf 'setuptools>=77\nwheel\n' >"$build"
compile pyproject.toml "$build" -o requirements.lock
compile --extra dev -c requirements.lock pyproject.toml "$build" -o requirements-dev.lock
compile tests/e2e/clients.in -o tests/e2e/clients.lock
