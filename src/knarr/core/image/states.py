"""What may be done with an image's data in which state, as a table."""

from __future__ import annotations

from knarr.kernel.errors import Conflict, Forbidden, KnarrError

STATUSES = ("queued", "saving", "uploading", "importing", "active", "deactivated", "killed", "deleted")

UNDER_WAY = ("saving", "uploading", "importing")
"""Those in which data is on its way."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "upload": ("queued",),
    "stage": ("queued",),
    "glance-direct import": ("uploading",),
    "web-download import": ("queued",),
    "adding a location": ("queued",),
    "download": ("active",),
    "deactivate": ("active", "deactivated"),
    "reactivate": ("active", "deactivated"),
}

ERRORS: dict[str, type[KnarrError]] = {"deactivate": Forbidden, "reactivate": Forbidden}


def check(action: str, status: str, ident: str) -> None:
    """Raise Conflict (Forbidden where Glance does) unless the action is allowed in the state."""
    if status not in ALLOWED[action]:
        wanted = " or ".join(ALLOWED[action])
        kind = ERRORS.get(action, Conflict)
        raise kind(f"Image {ident} is in status '{status}': {action} needs {wanted}.")
