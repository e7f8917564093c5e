#!/usr/bin/env bash
# Make what Knarr needs on this machine: system packages, .venv from the lock file, compiled bytecode.
# With --test also what the tests need. A second run finds everything done and says nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

TESTS=no
[ "${1:-}" = "--test" ] && TESTS=yes

say() { printf 'setup: %s\n' "$*"; }

# command or file that shows that a package is there : the package
RUN_PACKAGES="nft:nftables iptables:iptables ip:iproute2"
TEST_PACKAGES="busybox:busybox-static docker-registry:docker-registry"

has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

engine_answers() { [ -S /var/run/docker.sock ] && curl -fsS --max-time 5 --unix-socket /var/run/docker.sock \
    http://localhost/_ping >/dev/null 2>&1; }

missing_packages() {
    local wanted="$RUN_PACKAGES" pair
    [ "$TESTS" = yes ] && wanted="$wanted $TEST_PACKAGES"
    for pair in $wanted; do
        has "${pair%%:*}" || echo "${pair#*:}"
    done
    has dockerd || engine_answers || echo docker.io
    python_of_choice >/dev/null 2>&1 && "$(python_of_choice)" -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

python_of_choice() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if has "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or later is needed and was not found" >&2
    return 1
}

install_packages() {
    local packages
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        say "not root: these packages are missing and were not installed:" $packages >&2
        return 0
    fi
    say "installing" $packages
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # Services are not started by the packages: Knarr starts the engine itself, and stops what it started.
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }

# environment folder, lock file, what else belongs to its stamp
make_venv() {
    local venv=$1 lock=$2 stamp
    shift 2
    stamp="$(fingerprint "$lock" "$@") $PWD"
    [ -f "$venv/.stamp" ] && [ "$(cat "$venv/.stamp")" = "$stamp" ] && return 0
    say "making $venv from $lock"
    [ -x "$venv/bin/python" ] || "$(python_of_choice)" -m venv "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r "$lock"
    if [ "$venv" = .venv ]; then
        "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
    fi
    # Some machines forbid bytecode to be written on import, which would cost seconds at each start.
    env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -m compileall -q "$venv/lib" >/dev/null 2>&1 || true
    echo "$stamp" >"$venv/.stamp"
}

install_packages
LOCK=requirements.lock
# The environment of the tests holds all of the other one: it is not made smaller again by a later `make up`.
if [ "$TESTS" = yes ] || [ -f .venv/.tests ]; then LOCK=requirements-dev.lock; fi
make_venv .venv "$LOCK" pyproject.toml
if [ "$TESTS" = yes ]; then
    touch .venv/.tests
    make_venv .venv-clients tests/e2e/clients.lock
fi
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q src >/dev/null
