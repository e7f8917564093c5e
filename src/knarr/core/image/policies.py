"""Policy rules under Glance's names. Targets carry project_id, the owner of the image."""

from __future__ import annotations

from typing import Any

ADMIN = "role:admin"
OWNER = f"{ADMIN} or (role:member and project_id:%(project_id)s)"
READER = f"{ADMIN} or role:reader or role:service"
SIGNED_IN = "get_images"

RULES: dict[str, str] = {
    "add_image": OWNER,
    "get_images": READER,
    "get_image": READER,
    "modify_image": OWNER,
    "delete_image": OWNER,
    "upload_image": OWNER,
    "download_image": READER,
    "publicize_image": ADMIN,
    "communitize_image": OWNER,
    "deactivate": OWNER,
    "reactivate": OWNER,
    "add_member": OWNER,
    "delete_member": OWNER,
    "get_members": READER,
    "get_member": READER,
    "modify_member": f"{ADMIN} or role:member",
    "stores_info_detail": ADMIN,
    "get_task": READER,
    "tasks_api_access": ADMIN,
}


def policies() -> list[Any]:
    from oslo_policy import policy

    return [policy.RuleDefault(name, check) for name, check in RULES.items()]
