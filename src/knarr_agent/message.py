"""What travels: a text with an id, a place to answer to, and possibly a signature of the text."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """`body` is JSON text, signed as it stands; `id` is the plan's, or for a result that of its plan."""

    body: str
    id: str = ""
    reply_to: str = ""
    signature: bytes = b""

    def pack(self) -> bytes:
        """For a transport that carries bytes only."""
        return json.dumps(
            {
                "id": self.id,
                "reply_to": self.reply_to,
                "signature": base64.b64encode(self.signature).decode("ascii"),
                "body": self.body,
            }
        ).encode("utf-8")

    @classmethod
    def unpack(cls, data: bytes) -> Message:
        """The reverse of `pack`. Raises ValueError that says what is wrong."""
        try:
            parts: Any = json.loads(data.decode("utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise ValueError(f"not a message: {error}") from error
        names = ("id", "reply_to", "signature", "body")
        if not isinstance(parts, dict) or not all(isinstance(parts.get(name, ""), str) for name in names):
            raise ValueError(f"not a message: an object with the texts {', '.join(names)} is expected")
        if "body" not in parts:
            raise ValueError("not a message: it has no body")
        try:
            signature = base64.b64decode(parts.get("signature", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("not a message: signature must be base64") from error
        return cls(parts["body"], parts.get("id", ""), parts.get("reply_to", ""), signature)
