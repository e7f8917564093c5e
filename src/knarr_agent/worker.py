"""The process that runs one plan; its arguments are the plan's folder, attempt, limits, `debug` and log file.

A process of its own, since a plan may do what it likes: end the program, change folders, use up all memory.
It goes on when the agent stops, and the agent that is started next waits for it: it holds the plan's lock.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from knarr_agent import logs, plan, results, runner
from knarr_agent.config import Limits
from knarr_agent.store import Stored

BUSY = 75  # exit code: another process runs this plan


def main(arguments: list[str]) -> int:
    """Run the plan in the folder and leave its answer there."""
    folder, attempt, limits, debug, log_file = arguments
    logs.configure(debug == "debug", Path(log_file) if log_file else None)
    stored = Stored(Path(folder))
    with stored.held() as mine:
        if not mine:
            return BUSY
        if stored.result is None:
            stored.begin(int(attempt), os.getpid())
            run(stored, Limits(**json.loads(limits)))
    return 0


def run(stored: Stored, limits: Limits) -> None:
    message = stored.message
    try:
        parsed = plan.parse(runner.read(message))
        answer = runner.run(parsed, stored.folder / "work", limits)
    except Exception as error:
        answer = results.failure(message.id, error)
    stored.finish(results.encode(answer, limits.result))


def program() -> NoReturn:
    sys.exit(main(sys.argv[1:]))
