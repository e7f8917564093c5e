"""Policies by oslo.policy: the rules of each service under upstream's names, overridable by a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from knarr.kernel.context import RequestContext
from knarr.kernel.service import Service

# Decisions remembered for each service; more than that and all are forgotten.
REMEMBERED = 4096


class _Extensions(Mapping[str, Any]):
    """The kinds of checks that packages add to oslo.policy, each loaded when a rule uses it.

    oslo.policy would load them all at the first rule; its own ones ask a server over HTTP, and to import what
    they need costs as much as the rules of all services.
    """

    GROUP = "oslo.policy.rule_checks"

    def __init__(self) -> None:
        self._points = {point.name: point for point in entry_points(group=self.GROUP)}

    def __getitem__(self, kind: str) -> Any:
        return self._points[kind].load()

    def __contains__(self, kind: object) -> bool:
        return kind in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


def put_off_extensions() -> None:
    """Have oslo.policy load further kinds of checks only when a rule has one. Called before rules are
    made."""
    from oslo_policy import _checks

    checks: Any = _checks
    if checks.extension_checks is None:
        checks.extension_checks = _Extensions()


class PolicyBook:
    """The rules of all services. A file `<directory>/<service type>.yaml` overrides what it names."""

    def __init__(self, conf: Any, directory: Path, services: Iterable[Service] = ()) -> None:
        self._conf, self._directory = conf, directory
        self._rules: dict[str, _Rules] = {}
        for service in services:
            self.add(service)

    def add(self, service: Service) -> None:
        path = self._directory / f"{service.type}.yaml"
        self._rules[service.type] = _Rules(self._conf, path, service.policies)

    def allows(self, service: Service, rule: str, target: Mapping[str, Any], ctx: RequestContext) -> bool:
        """Whether the rule lets the caller do it. An unknown rule is a fault of ours and lets nobody."""
        return self._rules[service.type].allows(rule, target, ctx)


class _Rules:
    """One service's rules.

    A check costs oslo.policy 50 to 100 µs, most of it for looking at its own functions. Without a file the
    rules never change and are pure functions of target and caller, so their decisions are remembered.
    """

    def __init__(self, conf: Any, path: Path, defaults: Sequence[Any]) -> None:
        from oslo_policy import policy

        self._enforcer = policy.Enforcer(conf, policy_file=str(path))
        self._enforcer.register_defaults(defaults)
        self._enforcer.load_rules()
        # A file that is there is looked at again when it changes; one that is not costs nothing.
        self._enforcer.use_conf = path.exists()
        self._decisions: dict[Any, bool] = {}

    def allows(self, rule: str, target: Mapping[str, Any], ctx: RequestContext) -> bool:
        if self._enforcer.use_conf:
            return self._decide(rule, target, ctx)
        try:
            key = (rule, tuple(target.items()), _caller(ctx))
            known = self._decisions.get(key)
        except TypeError:  # a target with a list in it
            return self._decide(rule, target, ctx)
        if known is None:
            known = self._decide(rule, target, ctx)
            if len(self._decisions) >= REMEMBERED:
                self._decisions = {}
            self._decisions[key] = known
        return known

    def _decide(self, rule: str, target: Mapping[str, Any], ctx: RequestContext) -> bool:
        return bool(self._enforcer.enforce(rule, target, ctx, do_raise=False))


def _caller(ctx: RequestContext) -> tuple[Any, ...]:
    """All of a context that rules can name."""
    return (
        ctx.user_id,
        ctx.user_domain_id,
        ctx.project_id,
        ctx.project_domain_id,
        ctx.domain_id,
        ctx.system_scope,
        tuple(ctx.roles),
    )
