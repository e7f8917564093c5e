"""nftables: commands as text in one atomic transaction, the kernel's state back as JSON.

Through libnftables in this process (1-2 ms a transaction), or, where that library is missing, through the
`nft` program on its standard input. Commands are text because releases before 1.0.9 cannot declare typed maps
in JSON, and because a reader knows them from `nft list ruleset`.
"""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import threading
from typing import Any, Protocol

LIBRARY = "libnftables.so.1"
OUTPUT_JSON = 1 << 4
TIMEOUT_SECONDS = 30


class NftError(Exception):
    """nftables refused; the text is its own message."""


class _Runner(Protocol):
    def run(self, commands: str) -> str: ...

    def close(self) -> None: ...


class Nft:
    """Runs nftables commands in the network namespace of the thread that makes the instance.

    Threads take turns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runner: _Runner = _runner()

    def run(self, commands: list[str]) -> None:
        """Carries out all commands or none. Raises NftError."""
        if commands:
            with self._lock:
                self._runner.run("\n".join(commands) + "\n")

    def close(self) -> None:
        """Gives back what the instance holds; it is not used again."""
        with self._lock:
            self._runner.close()

    def list_table(self, family: str, table: str) -> list[dict[str, Any]]:
        """Objects of the table as nftables' JSON has them ({"chain":

        {…}}, {"rule": {…}}, …); empty without the table.
        """
        with self._lock:
            try:
                answer = self._runner.run(f"list table {family} {table}\n")
            except NftError as error:
                if "No such file" in str(error):
                    return []
                raise
        try:
            return list(json.loads(answer)["nftables"])
        except (ValueError, KeyError) as error:
            raise NftError(f"the listing of table {family} {table} cannot be read: {error}") from error


def available() -> str | None:
    """What nftables is reached through ("libnftables" or "nft"), or None."""
    try:
        return "libnftables" if isinstance(_runner(), _Library) else "nft"
    except NftError:
        return None


def _runner() -> _Runner:
    try:
        return _Library()
    except OSError:
        pass
    program = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin")
    if program is None:
        raise NftError("neither libnftables.so.1 nor the nft program is installed")
    return _Program(program)


class _Library:
    def __init__(self) -> None:
        library = ctypes.CDLL(LIBRARY)
        library.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            function = getattr(library, name)
            function.restype = ctypes.c_char_p
            function.argtypes = (ctypes.c_void_p,)
        for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
            getattr(library, name).argtypes = (ctypes.c_void_p,)
        library.nft_ctx_free.argtypes = (ctypes.c_void_p,)
        library.nft_ctx_free.restype = None
        library.nft_ctx_output_set_flags.argtypes = (ctypes.c_void_p, ctypes.c_uint)
        library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        self._library = library
        self._context = library.nft_ctx_new(0)
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def close(self) -> None:
        self._library.nft_ctx_free(self._context)

    def run(self, commands: str) -> str:
        # The JSON flag also makes the parser try JSON first, so it is on for listing only.
        wants_json = commands.startswith("list ")
        self._library.nft_ctx_output_set_flags(self._context, OUTPUT_JSON if wants_json else 0)
        failed = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
        output = self._library.nft_ctx_get_output_buffer(self._context) or b""
        error = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            raise NftError(error.decode(errors="replace").strip() or "nftables gave no reason")
        return str(output.decode())


class _Program:
    def __init__(self, program: str) -> None:
        self._program = program

    def close(self) -> None:
        pass

    def run(self, commands: str) -> str:
        # Listing takes its command as arguments: with -j the program would read its input as JSON.
        listing = commands.startswith("list ")
        arguments = ["-j", *commands.split()] if listing else ["-f", "-"]
        done = subprocess.run(
            [self._program, *arguments],
            input="" if listing else commands,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        if done.returncode:
            raise NftError(done.stderr.strip() or "nftables gave no reason")
        return done.stdout
