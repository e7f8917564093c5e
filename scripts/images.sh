#!/usr/bin/env bash
# Make the images that the tests and the tour use, without any registry: busybox:latest from
# busybox-static, and with --debian a small debian:bookworm by mmdebstrap. What is there stays.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

make_busybox() {
    have_image busybox:latest && return 0
    local busybox tree
    busybox=$(command -v busybox) || die "There is no busybox: install busybox-static."
    tree=$(mktemp -d)
    mkdir -p "$tree/bin" "$tree/etc" "$tree/tmp" "$tree/root" "$tree/proc" "$tree/sys" "$tree/dev"
    chmod 1777 "$tree/tmp"
    cp "$busybox" "$tree/bin/busybox"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
    local applet
    "$busybox" --list | while read -r applet; do
        [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
    done
    tar -C "$tree" -c . | docker import --change 'CMD ["sh"]' - busybox:latest >/dev/null
    rm -rf "$tree"
    say "made busybox:latest"
}

make_debian() {
    have_image debian:bookworm && return 0
    have mmdebstrap || die "There is no mmdebstrap: apt-get install mmdebstrap."
    mmdebstrap --quiet --variant=minbase bookworm - | docker import --change 'CMD ["bash"]' - debian:bookworm >/dev/null
    say "made debian:bookworm"
}

engine_answers || die "No Docker engine answers on $DOCKER_SOCKET."
have docker || die "There is no docker program: install docker.io."
make_busybox
[ "${1:-}" != --debian ] || make_debian
