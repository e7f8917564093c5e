"""The process that runs one plan: `python -m knarr_agent.worker <folder> <attempt> <limits>`.

A process of its own, since a plan may do what it likes: end the program, change folders, use up all memory.
It goes on when the agent stops, and the agent that is started next waits for it: it holds the plan's lock.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from knarr_agent import plan, results, runner
from knarr_agent.config import Limits
from knarr_agent.errors import AgentError
from knarr_agent.store import Stored

BUSY = 75  # exit code: another process runs this plan


def main(arguments: list[str]) -> int:
    """Run the plan in the folder and leave its answer there."""
    stored, attempt, limits = (
        Stored(Path(arguments[0])),
        int(arguments[1]),
        Limits(**json.loads(arguments[2])),
    )
    logging.basicConfig(
        level=logging.DEBUG if "--debug" in arguments else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    with stored.held() as mine:
        if not mine:
            return BUSY
        if stored.result is None:
            stored.begin(attempt, os.getpid())
            run(stored, limits)
    return 0


def run(stored: Stored, limits: Limits) -> None:
    message = stored.message
    try:
        parsed = plan.parse(runner.read(message))
        answer = runner.run(parsed, stored.folder / "work", limits)
    except AgentError as error:
        answer = results.failure(message.id, error)
    stored.finish(results.encode(answer, limits.result))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
