#!/usr/bin/env bash
# Install what Knarr needs: missing system packages (as root), and .venv with the locked dependencies.
# With --test also what the tests and linters need, with --clients the official clients in .venv-clients (for
# the tests they are needed too). A second run finds everything there and does nothing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

with_tests=no
with_clients=no
for argument in "$@"; do
    case $argument in
        --test) with_tests=yes with_clients=yes ;;
        --clients) with_clients=yes ;;
        *) die "usage: scripts/setup.sh [--test] [--clients]" ;;
    esac
done

# Some machines switch bytecode off; without it every start of Knarr would compile all modules anew.
unset PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK=1

missing_packages() {
    local python
    if python=$(find_python); then
        "$python" -c 'import ensurepip' 2>/dev/null || "$python" -c \
            'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")'
    else
        printf '%s\n' python3.11 python3.11-venv
    fi
    have nft || echo nftables
    have iptables || echo iptables
    have ip || echo iproute2
    have dockerd || engine_answers || echo docker.io
    [ $with_tests = yes ] || return 0
    { have busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; } || echo busybox-static
    have mmdebstrap || have debootstrap || echo mmdebstrap
    have docker-registry || echo docker-registry
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        say "Not root, so these packages are left out: ${packages[*]} (the fake engine works without them)"
        return 0
    fi
    say "Installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    # docker.io's own start would fail where no init runs, and docker-registry must not run on its own.
    local policy=/usr/sbin/policy-rc.d made=no
    if [ ! -d /run/systemd/system ] && [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        made=yes
    fi
    local failed=no
    apt-get install -q -y --no-install-recommends "${packages[@]}" >/dev/null || failed=yes
    [ $made = no ] || rm -f $policy
    [ $failed = no ] || die "apt-get could not install: ${packages[*]}"
}

# Whether the stamp of a virtual environment says that these files were installed into it.
stamp_of() { cat "$@" "$ROOT/pyproject.toml" | sha256sum | cut -d ' ' -f 1; }
is_stamped() { [ -x "$1/bin/python" ] && [ "$(cat "$1/.stamp-$2" 2>/dev/null)" = "$3" ]; }

make_venv() {
    local venv=$1
    [ -x "$venv/bin/pip" ] && "$venv/bin/python" -c '' 2>/dev/null && return 0
    rm -rf "$venv"
    "$(find_python)" -m venv "$venv" || die "Python could not make a virtual environment at $venv."
}

install_locked() {
    local venv=$1 lock=$2
    "$venv/bin/python" -m pip install -qq --no-compile --require-hashes -r "$lock"
}

compile() { "$@" || say "some modules could not be compiled; they are compiled when they are used"; }

install_knarr() {
    local name=runtime locks=("$ROOT/requirements.lock") stamp
    [ $with_tests = no ] || { name=test; locks+=("$ROOT/requirements-dev.lock"); }
    stamp=$(stamp_of "${locks[@]}")
    is_stamped "$VENV" $name "$stamp" && return 0
    say "Installing Knarr and its dependencies into $VENV"
    make_venv "$VENV"
    install_locked "$VENV" "${locks[-1]}"
    "$VENV/bin/python" -m pip install -qq --no-deps --no-build-isolation --editable "$ROOT"
    compile "$VENV/bin/python" -m compileall -q -j 0 "$VENV/lib" "$ROOT/src" >/dev/null
    printf '%s\n' "$stamp" >"$VENV/.stamp-$name"
    # What the tests need holds all that a user needs.
    [ $with_tests = no ] || stamp_of "$ROOT/requirements.lock" >"$VENV/.stamp-runtime"
}

install_clients() {
    local lock=$ROOT/tests/e2e/clients.lock stamp
    stamp=$(stamp_of "$lock")
    is_stamped "$CLIENTS_VENV" clients "$stamp" && return 0
    say "Installing the official clients into $CLIENTS_VENV"
    make_venv "$CLIENTS_VENV"
    install_locked "$CLIENTS_VENV" "$lock"
    compile "$CLIENTS_VENV/bin/python" -m compileall -q -j 0 "$CLIENTS_VENV/lib" >/dev/null
    printf '%s\n' "$stamp" >"$CLIENTS_VENV/.stamp-clients"
}

install_packages
find_python >/dev/null || die "Knarr needs Python 3.11 or later."
install_knarr
[ $with_clients = no ] || install_clients
# Sources that changed since; quick when nothing did.
compile "$VENV/bin/python" -m compileall -q "$ROOT/src" >/dev/null
