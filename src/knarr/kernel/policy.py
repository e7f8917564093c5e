"""Policies by oslo.policy: the rules of each service under upstream's names, overridable by a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from knarr.kernel.context import RequestContext
from knarr.kernel.service import Service


class PolicyBook:
    """The rules of all services. A file `<directory>/<service type>.yaml` overrides what it names."""

    def __init__(self, conf: Any, directory: Path, services: Iterable[Service]) -> None:
        from oslo_policy import policy

        self._enforcers: dict[str, Any] = {}
        for service in services:
            path = directory / f"{service.type}.yaml"
            enforcer = policy.Enforcer(conf, policy_file=str(path), fallback_to_json_file=False)
            enforcer.register_defaults(service.policies)
            enforcer.load_rules()
            # A file that is there is looked at again when it changes; one that is not costs nothing.
            enforcer.use_conf = path.exists()
            self._enforcers[service.type] = enforcer

    def allows(self, service: Service, rule: str, target: Mapping[str, Any], ctx: RequestContext) -> bool:
        """Whether the rule lets the caller do it. An unknown rule is a fault of ours and lets nobody."""
        enforcer = self._enforcers[service.type]
        return bool(enforcer.enforce(rule, target, ctx, do_raise=False))
