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
    "add_image_location": OWNER,
    "fetch_image_location": f"{ADMIN} or role:service",
    "cache_list": ADMIN,
    "cache_image": ADMIN,
    "cache_delete": ADMIN,
    "get_task": READER,
    "tasks_api_access": ADMIN,
}

CHANGES = (
    "add_metadef_namespace",
    "modify_metadef_namespace",
    "delete_metadef_namespace",
    "add_metadef_object",
    "modify_metadef_object",
    "delete_metadef_object",
    "add_metadef_property",
    "modify_metadef_property",
    "remove_metadef_property",
    "add_metadef_tag",
    "add_metadef_tags",
    "modify_metadef_tag",
    "delete_metadef_tag",
    "delete_metadef_tags",
    "add_metadef_resource_type_association",
    "remove_metadef_resource_type_association",
)
"""Changes of metadata definitions, which upstream leaves to administrators unless a file says otherwise."""

LOOKS = (
    "get_metadef_namespace",
    "get_metadef_namespaces",
    "get_metadef_object",
    "get_metadef_objects",
    "get_metadef_property",
    "get_metadef_properties",
    "get_metadef_tag",
    "get_metadef_tags",
    "get_metadef_resource_type",
    "list_metadef_resource_types",
)

RULES |= dict.fromkeys(CHANGES, ADMIN) | dict.fromkeys(LOOKS, READER)


def policies() -> list[Any]:
    from oslo_policy import policy

    return [policy.RuleDefault(name, check) for name, check in RULES.items()]
