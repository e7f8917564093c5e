#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml (needs uv). Run it after a change of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --no-emit-find-links "$@"
}
compile pyproject.toml -o requirements.lock
compile --extra dev --extra postgresql --extra mariadb pyproject.toml -o requirements-dev.lock
compile tests/e2e/clients.in -o tests/e2e/clients.lock
