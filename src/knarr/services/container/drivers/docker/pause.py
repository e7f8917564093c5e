"""The sandbox's image, made here: one static program of some hundred bytes, so that no registry is needed
for it.

The program holds a network namespace open. Started with an argument it first leaves the host's namespace
for a new one of its own (and ends with 1 if it may not, so that a sandbox is never in the host's), then
gives up all capabilities and sleeps for ever. That its effective capabilities are empty is the sign that
the namespace is the new one.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile

VERSION = 1
REPO = "knarr/sandbox"
PROGRAM = "pause"
OWN_NAMESPACE = "own-namespace"

BASE = 0x400000
ELF_HEAD, PROGRAM_HEAD = 64, 56

# The argument of capset: version 3 header for the caller itself, then the three empty sets in two halves.
CAPABILITIES = struct.pack("<II", 0x20080522, 0) + bytes(24)

X86_64 = bytes.fromhex(
    "48833c2401"  # cmp qword [rsp], 1      argument count
    "7410"  # je drop
    "b810010000"  # mov eax, 272            unshare(
    "bf00000040"  # mov edi, 0x40000000       CLONE_NEWNET)
    "0f05"  # syscall
    "85c0"  # test eax, eax
    "7522"  # jnz fail
    "b87e000000"  # drop: mov eax, 126      capset(
    "488d3d22000000"  # lea rdi, [rip+34]     header,
    "488d3523000000"  # lea rsi, [rip+35]     sets)
    "0f05"  # syscall
    "85c0"  # test eax, eax
    "7509"  # jnz fail
    "b822000000"  # sleep: mov eax, 34      pause()
    "0f05"  # syscall
    "ebf7"  # jmp sleep
    "b83c000000"  # fail: mov eax, 60       exit(
    "bf01000000"  # mov edi, 1                1)
    "0f05"  # syscall
)


def _words(*instructions: int) -> bytes:
    return struct.pack(f"<{len(instructions)}I", *instructions)


AARCH64 = _words(
    0xF94003E0,  # ldr x0, [sp]             argument count
    0xF100041F,  # cmp x0, #1
    0x540000A0,  # b.eq drop
    0xD2A80000,  # mov x0, #0x40000000      unshare(CLONE_NEWNET)
    0xD2800C28,  # mov x8, #97
    0xD4000001,  # svc #0
    0xB50001C0,  # cbnz x0, fail
    0x10000220,  # drop: adr x0, header     capset(header, sets)
    0x10000241,  # adr x1, sets
    0xD2800B68,  # mov x8, #91
    0xD4000001,  # svc #0
    0xB5000120,  # cbnz x0, fail
    0xD2800000,  # sleep: mov x0, #0        ppoll(NULL, 0, NULL, NULL)
    0xD2800001,  # mov x1, #0
    0xD2800002,  # mov x2, #0
    0xD2800003,  # mov x3, #0
    0xD2800928,  # mov x8, #73
    0xD4000001,  # svc #0
    0x17FFFFFA,  # b sleep
    0xD503201F,  # nop
    0xD2800020,  # fail: mov x0, #1         exit(1)
    0xD2800BA8,  # mov x8, #93
    0xD4000001,  # svc #0
    0xD503201F,  # nop
)

# Names as `uname -m` -> (the engine's name, ELF machine, code)
MACHINES = {"x86_64": ("amd64", 62, X86_64), "aarch64": ("arm64", 183, AARCH64)}


def image_ref() -> str:
    return f"{REPO}:{VERSION}"


def program(machine: str) -> bytes:
    """A static executable: one segment, headers, code and data."""
    _, elf_machine, code = MACHINES[machine]
    start = ELF_HEAD + PROGRAM_HEAD
    body = code + CAPABILITIES
    size = start + len(body)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    head = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, elf_machine, 1, BASE + start, ELF_HEAD, 0, 0, ELF_HEAD, PROGRAM_HEAD, 1, 64, 0, 0
    )
    load, read_execute, page = 1, 5, 0x10000
    segment = struct.pack("<IIQQQQQQ", load, read_execute, 0, BASE, BASE, size, size, page)
    return head + segment + body


def image_tar(machine: str) -> bytes:
    """The image as `docker save` writes it. The same bytes each time."""
    layer = _tar({PROGRAM: (program(machine), 0o755)})
    layer_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": MACHINES[machine][0],
            "os": "linux",
            "config": {"Entrypoint": [f"/{PROGRAM}"], "StopSignal": "SIGKILL"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_id}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image_ref()], "Layers": [f"{layer_id}/layer.tar"]}]
    return _tar(
        {
            config_name: (config, 0o644),
            f"{layer_id}/layer.tar": (layer, 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (data, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()
