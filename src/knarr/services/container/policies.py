"""Policy rules with their upstream names and defaults.

As upstream has it, what a container is asked for is for the members of its project, whatever their role, and
for administrators. Whoever wants readers to read only overrides one line, for all writing rules go through
`admin_or_owner` and all reading ones through `admin_or_reader`.
"""

from __future__ import annotations

from oslo_policy.policy import RuleDefault

ADMIN = "rule:context_is_admin"
WRITER = "rule:admin_or_owner"
READER = "rule:admin_or_reader"
NOBODY = "rule:deny_everybody"

# A token without a project has None there, and so would whatever it made.
_OWNER = "role:admin or (project_id:%(project_id)s and not None:%(project_id)s)"

_BASE = (
    ("context_is_admin", "role:admin", "Who counts as an administrator"),
    ("admin_or_owner", _OWNER, "Who changes a project's things"),
    ("admin_or_reader", _OWNER, "Who sees a project's things"),
    ("deny_everybody", "!", "Nobody"),
)

_WRITE = (
    "container:create", "container:delete", "container:update", "container:start", "container:stop",
    "container:reboot", "container:pause", "container:unpause", "container:kill", "container:rename",
    "container:execute", "container:execute_resize", "container:attach", "container:resize",
    "container:resize_container", "container:rebuild", "container:commit", "container:put_archive",
    "container:add_security_group", "container:remove_security_group", "container:network_attach",
    "container:network_detach",
    "registry:create", "registry:update", "registry:delete",
)  # fmt: skip

_READ = (
    "container:get_one", "container:get_all", "container:logs", "container:top", "container:stats",
    "container:get_archive", "container:network_list", "container:actions", "availability_zones:get_all",
    "quota:get", "quota:get_default", "image:search", "registry:get_all", "registry:get_one",
)  # fmt: skip

_ADMIN = (
    "container:create:runtime", "container:create:image_pull_policy",
    "container:create:requested_destination",
    "container:delete_force", "container:delete_all_projects", "container:get_all_all_projects",
    "container:get_one_all_projects", "container:get_one:host", "container:get_one:image_pull_policy",
    "container:get_one:privileged", "container:get_one:runtime", "container:action:events",
    "registry:get_all_all_projects",
    "image:pull", "image:get_all", "image:get_one", "image:delete",
    "host:get_all", "host:get", "zun-service:get_all", "zun-service:delete", "zun-service:enable",
    "zun-service:disable", "zun-service:force_down", "quota:update", "quota:delete", "quota_class:get",
    "quota_class:update", "network:create", "network:delete", "network:attach_external_network",
    "fake_engine:get", "fake_engine:change",
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
