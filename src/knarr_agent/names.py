"""Names of the queues between engine and agents, as the agents of the field have them configured."""

from __future__ import annotations

import re

_QUEUE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}", re.ASCII)
# Milliseconds after which a queue that nobody reads goes away (the broker's `x-expires`): one day.
QUEUE_EXPIRES = 86_400_000


def agent_queue(environment_id: str, host_id: str) -> str:
    """The queue on which the plans for one machine arrive."""
    return f"e{environment_id}-h{host_id}".lower()


def results_queue(name: str) -> str:
    """The queue on which the engine hears from the agents of a region (or of an environment)."""
    return f"-execution-results-{name}".lower()


def is_queue(name: str) -> bool:
    """Whether a queue may be called so, whatever the transport."""
    return _QUEUE.fullmatch(name) is not None
