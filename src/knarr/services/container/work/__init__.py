"""What happens after the 202: operations on containers, each a list of steps that may be run again.

Everything is found by names that derive from the container's id, so every step looks before it acts.
`Undone` work leaves nothing behind: a container that cannot be made ends in Error without ports, veth,
sandbox or half a container. A module for each kind of work; `steps` is what they have in common.
"""

from __future__ import annotations

from knarr.services.container.work import acting, creating, deleting, interfaces, rebuilding, resizing
from knarr.services.container.work.deleting import drop
from knarr.services.container.work.steps import change, hold, kind, load, refresh_after, settle, step, words

__all__ = ["OPERATIONS", "change", "drop", "hold", "kind", "load", "refresh_after", "settle", "step", "words"]

_MADE = (("prepare", creating.prepare), ("start", creating.start))

OPERATIONS = (
    kind("create", ("image", creating.fetch_image), *_MADE, failed=creating.undo_create, retries=3),
    kind("start", ("image", creating.fetch_image), *_MADE, failed=refresh_after, retries=3),
    kind("act", ("act", acting.act), failed=refresh_after, retries=2),
    kind(
        "rebuild",
        ("image", rebuilding.fetch), ("clear", rebuilding.clear), *_MADE,
        failed=rebuilding.failed, retries=3,
    ),
    kind("resize", ("resize", resizing.resize), failed=resizing.undo, retries=2),
    kind("network_attach", ("attach", interfaces.attach), failed=interfaces.not_attached, retries=3),
    kind("network_detach", ("detach", interfaces.detach), failed=refresh_after, retries=3),
    kind("groups", ("groups", interfaces.set_groups), failed=refresh_after, retries=3),
    kind(
        "delete",
        ("container", deleting.remove), ("network", deleting.unplug), ("row", deleting.forget),
        failed=deleting.undeleted, retries=10,
    ),
)  # fmt: skip
