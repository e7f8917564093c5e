"""Streams between a host and the API: logs that are followed, archives.

A stream is read on its host by a thread of its own, and fetched piece by piece over the bus, so that it
crosses any bus, is never whole in memory, and waits for whoever reads it. What nobody fetches for a while is
closed.
"""

from __future__ import annotations

import base64
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from knarr.kernel.errors import KnarrError, NotFound, ServiceUnavailable
from knarr.services.container.drivers.base import EngineError, Pieces
from knarr.services.container.errors import from_engine

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

GROUP = "streams"
# Seconds that a fetch waits for something to come, and after which a stream that nobody fetches is closed.
PATIENCE, FORGOTTEN = 1.0, 60.0
PIECES_AHEAD = 8
LARGEST = 262144
RETRY_AFTER = "5"


def options() -> list[Any]:
    from oslo_config import cfg

    return [
        cfg.IntOpt(
            "max_streams",
            default=0,
            min=0,
            help="Answers that stream (followed logs, events) at once. 0: half as many as `threads`.",
        ),
        cfg.IntOpt("archive_max_mib", default=256, min=1, help="Largest archive, in or out."),
        cfg.IntOpt("log_tail_max", default=100_000, min=1, help="Most lines that `tail` gives."),
        cfg.FloatOpt("heartbeat", default=15.0, min=0.05, help="Seconds between signs of life of events."),
    ]


class Source:
    """A stream on its host."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._queue: queue.Queue[bytes | KnarrError | None] = queue.Queue(PIECES_AHEAD)
        self._closed = False
        self.fetched_at = time.monotonic()
        threading.Thread(target=self._fill, name="stream", daemon=True).start()

    @property
    def forgotten(self) -> bool:
        return time.monotonic() - self.fetched_at > FORGOTTEN

    def fetch(self) -> bytes | None:
        """The next piece; b"" if none came yet; None at the end. Raises KnarrError for what broke it."""
        self.fetched_at = time.monotonic()
        try:
            found = self._queue.get(timeout=PATIENCE)
        except queue.Empty:
            return b""
        if isinstance(found, KnarrError):
            raise found
        return found

    def close(self) -> None:
        self._closed = True
        with suppress(ValueError):  # a generator at work, which sees `_closed` with its next piece
            self._pieces.close()

    def _fill(self) -> None:
        last: KnarrError | None = None
        try:
            for piece in self._pieces:
                for at in range(0, len(piece), LARGEST):
                    if not self._put(piece[at : at + LARGEST]):
                        return
        except EngineError as error:
            last = from_engine(error)
        except Exception:  # the end of a thread: who fetches is told that nothing more comes
            LOG.exception("a stream broke")
            last = ServiceUnavailable("The stream broke.")
        finally:
            self._pieces.close()
        self._put(last)

    def _put(self, what: bytes | KnarrError | None) -> bool:
        while not (self._closed or self.forgotten):
            try:
                self._queue.put(what, timeout=PATIENCE)
            except queue.Full:
                continue
            return True
        return False


class Sources:
    """The open streams of a host."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._lock = threading.Lock()

    def open(self, pieces: Pieces) -> str:
        ident = uuid.uuid4().hex
        with self._lock:
            lost = [name for name, source in self._sources.items() if source.forgotten]
            gone = [self._sources.pop(name) for name in lost]
            self._sources[ident] = Source(pieces)
        for source in gone:
            source.close()
        return ident

    def fetch(self, ident: str) -> str | None:
        source = self._sources.get(ident)
        if source is None:
            raise NotFound("This stream has ended.")
        found = source.fetch()
        if found is None:
            self.close(ident)
            return None
        return base64.b64encode(found).decode()

    def close(self, ident: str) -> None:
        with self._lock:
            source = self._sources.pop(ident, None)
        if source:
            source.close()

    def close_all(self) -> None:
        for ident in list(self._sources):
            self.close(ident)


def sources_of(runtime: Runtime) -> Sources:
    return runtime.component("container.sources", Sources)


class Fetched:
    """The API's side of a stream: iterates over its bytes, b"" where nothing came for a second.

    An empty piece is sent to nobody, and tells the server whether the client is still there. What breaks the
    stream ends it without a word, or with `broken` raises.
    """

    def __init__(
        self,
        runtime: Runtime,
        host: str,
        ident: str,
        ended: Callable[[], None] = lambda: None,
        broken: bool = False,
    ) -> None:
        self._bus, self._host, self._ident = runtime.bus, host, ident
        self._ended: Callable[[], None] | None = ended
        self._broken = broken

    def __enter__(self) -> Fetched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ended is None:
            raise StopIteration
        try:
            found = self._bus.call(self._host, "container.stream_fetch", ident=self._ident)
        except KnarrError as error:
            if self._broken:
                raise
            LOG.warning("a stream broke: %s", error)
            found = None
        if found is None:
            self.close()
            raise StopIteration
        return base64.b64decode(found)

    def close(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
            with suppress(KnarrError):  # at the end of Knarr there is no bus
                self._bus.cast(self._host, "container.stream_close", ident=self._ident)

    __del__ = close


class Places:
    """How many answers may stream at once in this process."""

    def __init__(self, runtime: Runtime) -> None:
        most = runtime.conf[GROUP].max_streams
        self._most = most or max(1, runtime.conf.threads // 2)
        self._slots = threading.BoundedSemaphore(self._most)

    def take(self) -> Callable[[], None]:
        """A place; call the result to give it back. Raises ServiceUnavailable if all are taken."""
        if not self._slots.acquire(blocking=False):
            raise ServiceUnavailable(
                f"{self._most} answers are being streamed here, which is the most at once ([streams] "
                "max_streams): try again when one has ended.",
                code="TooManyStreams",
                headers={"Retry-After": RETRY_AFTER},
            )
        return self._slots.release


def places_of(runtime: Runtime) -> Places:
    return runtime.component("container.places", lambda: Places(runtime))
