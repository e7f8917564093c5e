"""Where the agent, and the processes that run its plans, write down what they do."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path


def shorten(file: Path, limit: int) -> None:
    """Begin a new log if this one has more bytes; it stays as `<file>.1`. A limit of 0 is none."""
    try:
        if 0 < limit < file.stat().st_size:
            file.replace(file.with_name(f"{file.name}.1"))
    except OSError as error:
        logging.getLogger(__name__).warning("The log cannot be shortened: %s", error)


def configure(debug: bool, file: Path | None) -> None:
    """Log to the file, or else to standard error. The file may be moved away meanwhile. Raises OSError."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        handlers=[handler],
    )
