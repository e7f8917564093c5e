"""Options of users, projects, domains and roles: how a body changes them, and what `immutable` forbids."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, structs

from knarr.core.identity.schemas import ResourceOptions, UserOptions
from knarr.kernel.errors import Forbidden

IMMUTABLE = "immutable"


def merged(options: dict[str, Any], asked: UserOptions | ResourceOptions | UnsetType) -> dict[str, Any]:
    """The options with those of a body; null takes one back."""
    if isinstance(asked, UnsetType):
        return options
    given = {name: value for name, value in structs.asdict(asked).items() if value is not UNSET}
    return {name: value for name, value in {**options, **given}.items() if value is not None}


def check_may_change(what: str, row: Any, body: Any) -> None:
    """Raise Forbidden if the row is immutable and the body does more than to take that back."""
    if not row.options.get(IMMUTABLE):
        return
    given = [name for name, value in structs.asdict(body).items() if value is not UNSET and name != "extra"]
    frees = given == ["options"] and not body.extra and body.options.immutable in (False, None)
    if not frees:
        raise Forbidden(
            f"The {what} {row.id} is immutable: first set its option {IMMUTABLE} to false, by itself."
        )


def check_may_delete(what: str, row: Any) -> None:
    """Raise Forbidden if the row is immutable."""
    if row.options.get(IMMUTABLE):
        raise Forbidden(f"The {what} {row.id} is immutable: first set its option {IMMUTABLE} to false.")
