"""Policy rules with their upstream names.

Upstream lets every role of a project write. Here a reader reads: who wants it otherwise says so in a
policy file.
"""

from __future__ import annotations

from oslo_policy.policy import RuleDefault

ADMIN = "rule:context_is_admin"
WRITER = "rule:admin_or_owner"
READER = "rule:admin_or_reader"
NOBODY = "rule:deny_everybody"

_BASE = (
    ("context_is_admin", "role:admin", "Who counts as an administrator"),
    (
        "admin_or_owner",
        "role:admin or (role:member and project_id:%(project_id)s)",
        "Who changes a project's things",
    ),
    (
        "admin_or_reader",
        "role:admin or (role:reader and project_id:%(project_id)s)",
        "Who sees a project's things",
    ),
    ("deny_everybody", "!", "Nobody"),
)

_WRITE = (
    "container:create", "container:delete", "container:update", "container:start", "container:stop",
    "container:reboot", "container:pause", "container:unpause", "container:kill", "container:rename",
    "container:execute",
)  # fmt: skip

_READ = (
    "container:get_one", "container:get_all", "container:logs", "container:top", "container:stats",
    "container:actions", "availability_zones:get_all", "quota:get", "quota:get_default",
)  # fmt: skip

_ADMIN = (
    "container:create:runtime", "container:create:image_pull_policy",
    "container:create:requested_destination",
    "container:delete_force", "container:delete_all_projects", "container:get_all_all_projects",
    "container:get_one_all_projects", "container:get_one:host", "container:get_one:image_pull_policy",
    "container:get_one:privileged", "container:get_one:runtime", "container:action:events",
    "host:get_all", "host:get", "zun-service:get_all", "zun-service:delete", "zun-service:enable",
    "zun-service:disable", "zun-service:force_down", "quota:update", "quota:delete", "quota_class:get",
    "quota_class:update", "network:attach_external_network",
)  # fmt: skip

_NOBODY = ("container:create:privileged",)

POLICIES: tuple[RuleDefault, ...] = (
    *(RuleDefault(name, check, description=text) for name, check, text in _BASE),
    *(
        RuleDefault(name, check)
        for check, names in ((WRITER, _WRITE), (READER, _READ), (ADMIN, _ADMIN), (NOBODY, _NOBODY))
        for name in names
    ),
)
