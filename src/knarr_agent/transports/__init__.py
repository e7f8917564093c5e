"""How plans reach the agent and answers leave it.

The queues' names are those of the field's message broker (see `names`); what carries them may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from knarr_agent.message import Message

if TYPE_CHECKING:
    from knarr_agent.config import Config


class TransportError(Exception):
    """The other side cannot be reached, or refuses; to be tried again."""


class Refused(TransportError):  # noqa: N818  the name says it
    """The other side will never take this."""


@dataclass(frozen=True)
class Delivery:
    """A message that came. It comes again unless its receipt is acknowledged.

    `message` is None for one that is too large or is none at all: `problem` says which, `id` whose it may be.
    """

    receipt: str
    message: Message | None
    id: str = ""
    problem: str = ""


def delivered(receipt: str, data: bytes, ident: str, limit: int) -> Delivery:
    """What came as these bytes, at most `limit` characters of text; `ident` is whose it seems to be."""
    if len(data) > longest(limit):
        return Delivery(receipt, None, ident, f"it has {len(data)} bytes; at most {limit} are accepted")
    try:
        message = Message.unpack(data)
    except ValueError as error:
        return Delivery(receipt, None, ident, str(error))
    if len(message.body) > limit:
        problem = f"it has {len(message.body)} characters; at most {limit} are accepted"
        return Delivery(receipt, None, message.id or ident, problem)
    return Delivery(receipt, message, message.id)


def longest(limit: int) -> int:
    """Bytes of the longest packed message: each character as an escape of six, and the rest."""
    return 6 * limit + 4096


class Transport(Protocol):
    """One side's end of the queues. Every method raises TransportError."""

    def receive(self, queue: str, timeout: float) -> Delivery | None:
        """The oldest message of the queue; None if there is none within so many seconds."""

    def acknowledge(self, queue: str, receipt: str) -> None:
        """The message is in safe hands: it does not come again. One that is gone is no error."""

    def send(self, queue: str, message: Message) -> None:
        """Put a message into the queue. When this returns, it is safe with the transport."""

    def close(self) -> None:
        """Give up connections."""


def create(config: Config) -> Transport:
    """The transport that the configuration asks for."""
    if config.transport == "http":
        from knarr_agent.transports.http import HttpTransport

        return HttpTransport(
            config.url, config.input_queue, config.token, limit=config.limits.message, ca_file=config.ca_file
        )
    from knarr_agent.transports.folder import FolderTransport

    assert config.folder is not None
    return FolderTransport(config.folder, limit=config.limits.message)
