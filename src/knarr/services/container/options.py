"""Configuration options of the container service, in the group [container]; upstream's names where it has
them."""

from __future__ import annotations

from oslo_config import cfg, types

GROUP = "container"
# In the order in which a host passes them
FILTERS = (
    "AvailabilityZoneFilter", "ComputeFilter", "RuntimeFilter", "LabelFilter", "CpuSetFilter", "CPUFilter",
    "RamFilter", "DiskFilter",
)  # fmt: skip
IMAGE_DRIVERS = ("docker", "glance")

OPTIONS = [
    cfg.StrOpt(
        "default_image_pull_policy",
        default="ifnotpresent",
        choices=("ifnotpresent", "always", "never"),
        help="When an image is pulled if the request does not say. Upstream: always.",
    ),
    cfg.StrOpt("default_image_driver", default="docker", choices=IMAGE_DRIVERS, help="Where images are."),
    cfg.ListOpt(
        "image_driver_list",
        item_type=types.String(choices=list(IMAGE_DRIVERS)),
        default=list(IMAGE_DRIVERS),
        help="Where images may come from.",
    ),
    cfg.BoolOpt(
        "enable_image_validation",
        default=False,
        help="Whether a registry is asked for an image before the answer to a creation: one that cannot be "
        "had is then a 400 instead of a container in Error. Creations take as long as their registries.",
    ),
    cfg.FloatOpt("default_cpu", default=1.0, min=0.0, help="Cores of a container that names none."),
    cfg.FloatOpt("minimum_cpu", default=0.1, min=0.0, help="Fewest cores of a container."),
    cfg.FloatOpt("maximum_cpu", default=16.0, help="Most cores of a container."),
    cfg.IntOpt("default_memory", default=512, min=4, help="MiB of a container that names none."),
    cfg.IntOpt("minimum_memory", default=4, min=4, help="Least MiB of a container."),
    cfg.IntOpt("maximum_memory", default=8192, help="Most MiB of a container."),
    cfg.IntOpt("default_disk", default=10, min=0, help="GiB of a container where the host can limit it."),
    cfg.IntOpt("minimum_disk", default=1, min=1, help="Least GiB of a container."),
    cfg.IntOpt("maximum_disk", default=160, help="Most GiB of a container."),
    cfg.StrOpt(
        "unique_container_name_scope",
        default="",
        choices=("", "project", "global"),
        help="Within what a container's name must be the only one.",
    ),
    cfg.BoolOpt(
        "enable_cpu_pinning",
        default=False,
        help="Whether this host gives CPUs to containers of the cpu_policy dedicated.",
    ),
    cfg.StrOpt(
        "floating_cpu_set",
        regex=r"^\d+(-\d+)?(,\d+(-\d+)?)*$",
        help="The CPUs of this host that all other containers share, as in 0-1,4; without it, all of them. "
        "A host that pins CPUs takes no others unless this is set.",
    ),
    cfg.BoolOpt(
        "resume_container_state",
        default=True,
        help="Whether containers that ran when the engine of this host ended are started again.",
    ),
    cfg.IntOpt(
        "maximum_file_kib",
        default=256,
        min=1,
        max=700,
        help="Most KiB of a file that is given with a container (a mount of type bind).",
    ),
    cfg.StrOpt("default_availability_zone", default="nova", help="The zone of this host."),
    cfg.StrOpt("default_schedule_zone", help="The zone of containers that ask for none."),
    cfg.StrOpt(
        "scheduler_driver",
        default="filter_scheduler",
        choices=("filter_scheduler", "chance_scheduler"),
        help="How a host is chosen: by the filters, or any that is up and enabled.",
    ),
    cfg.ListOpt(
        "enabled_filters",
        item_type=types.String(choices=list(FILTERS)),
        default=list(FILTERS),
        help="The filters that a host must pass, in this order.",
    ),
    cfg.FloatOpt(
        "cpu_allocation_ratio", default=16.0, min=0.0, help="Cores given out for each one there is."
    ),
    cfg.FloatOpt("ram_allocation_ratio", default=1.5, min=0.0, help="MiB given out for each one there is."),
    cfg.FloatOpt("disk_allocation_ratio", default=1.0, min=0.0, help="GiB given out for each one there is."),
    cfg.IntOpt("reserved_host_memory_mb", default=512, min=0, help="MiB of the host that no container gets."),
    cfg.FloatOpt(
        "reserved_host_cpus", default=0.0, min=0.0, help="Cores of the host that no container gets."
    ),
    cfg.IntOpt(
        "reserved_host_disk_mb", default=0, min=0, help="MiB of the host's disk that no container gets."
    ),
    cfg.FloatOpt(
        "reserve_disk_for_image",
        default=0.2,
        min=0.0,
        max=1.0,
        help="Part of the host's disk that is for images, where the host can limit containers' disks.",
    ),
    cfg.IntOpt(
        "service_down_time", default=180, min=1, help="Seconds without a heartbeat until a host is down."
    ),
    cfg.IntOpt(
        "report_interval", default=60, min=1, help="Seconds between heartbeats, and between inventories."
    ),
    cfg.IntOpt("sync_interval", default=60, min=0, help="Seconds between full comparisons with the engine."),
    cfg.IntOpt("execute_timeout", default=5, min=1, help="Seconds that a command run by execute may take."),
    cfg.IntOpt("default_timeout", default=10, min=0, help="Seconds that a container gets to stop."),
    cfg.IntOpt("quota_containers", default=40, min=-1, help="Containers of a project; -1: no limit."),
    cfg.IntOpt("quota_memory", default=51200, min=-1, help="MiB of a project's containers."),
    cfg.IntOpt("quota_cpu", default=20, min=-1, help="Cores of a project's containers."),
    cfg.IntOpt("quota_disk", default=100, min=-1, help="GiB of a project's containers."),
    cfg.IntOpt(
        "quota_recount_interval",
        default=3600,
        min=0,
        help="Seconds between counts of what projects use in truth; 0: never.",
    ),
]
