"""io.murano.system.HeatStack: a template that is put together, and the stack that is made of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import InvalidArguments, MuranoPlError
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.source import plain
from knarr.services.application_catalog.language.values import frozen, thawed
from knarr.services.application_catalog.library.outside import (
    Absent,
    Busy,
    OutsideFault,
    StackRequest,
    Stacks,
    StackState,
    outside,
)

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

VERSION_KEY = "heat_template_version"
VERSION = "2013-05-23"
# Seconds until a push in the background begins, so that several in a row become one; and between attempts
# while something else goes on with the stack.
DELAY = 1.0
PAUSE = 3.0


class HeatStackError(OutsideFault):
    upstream = "murano.engine.system.heat_stack.HeatStackError"


class UnexpectedState(OutsideFault):
    """The stack ended in a state that it should not be in."""

    upstream = "builtins.OSError"


@murano_class("io.murano.system.HeatStack")
class HeatStack:
    """`_template` (frozen) is None until it was read; `_applied` tells whether the stack is what it says."""

    def __init__(
        self,
        this: MuranoObject,
        session: Session,
        name: str,
        description: str | None = None,
        region_name: str | None = None,
    ) -> None:
        self._session = session
        self._name = name
        self._description = description
        self._region = region_name or ""
        self._template: Mapping[str, Any] | None = None
        self._parameters: dict[str, Any] = {}
        self._files: dict[str, str] = {}
        self._environment: dict[str, Any] = {}
        self._applied = True
        self._mutex = threading.RLock()  # one change of the stack after the other
        self._later: threading.Timer | None = None
        self._fault: MuranoPlError | None = None
        self._ends_with_session = False
        # Resources as they were pushed last: as they stood in the template, and as plain data
        self._plain: dict[str, tuple[Any, Any]] = {}

    # What it is to become

    def current(self) -> Any:
        """The template, read from the stack if nothing was set yet; {} if there is no stack."""
        return self._known()

    def parameters(self) -> Any:
        self._known()
        return frozen(self._parameters)

    def reload(self) -> Any:
        """Forget what was not pushed."""
        self._template = None
        self._parameters = {}
        return self.current()

    def set_template(self, template: Any) -> None:
        self._template = frozen(template)
        self._parameters = {}
        self._applied = False

    def set_parameters(self, parameters: Any) -> None:
        self._parameters = thawed(parameters)
        self._applied = False

    def set_files(self, files: Any) -> None:
        self._files = thawed(files)
        self._applied = False

    def set_hot_environment(self, hot_environment: Any) -> None:
        """An environment of Heat: a mapping, or its text as YAML."""
        found = hot_environment
        if isinstance(found, str):
            found = plain(found, "environment")
        if found is not None and not isinstance(found, Mapping):
            raise InvalidArguments("an environment of Heat is a mapping: parameters, resource_registry, …")
        self._environment = thawed(found or {})
        self._applied = False

    def update_template(self, template: Any) -> None:
        """Merge a template into this one. Raises HeatStackError for another version than 2013-05-23."""
        given = template.get(VERSION_KEY, VERSION)
        if given != VERSION:
            raise HeatStackError(f"Currently only {VERSION_KEY} {VERSION} is supported, not {given}")
        before = self._known()
        self._template = frozen(merged(before, frozen(template)))
        self._applied = self._applied and self._template == before

    # What there is

    def output(self) -> Any:
        """The outputs of the stack once nothing goes on with it."""
        with self._waiting():
            self._wait_for_push()
            state = self._settled()
        return frozen(state.outputs) if state is not None else frozen({})

    def push(self, is_async: bool = False, **more: Any) -> None:
        """Have the stack become what the template says; `async` does not wait for it.

        A template without resources deletes the stack. Raises UnexpectedState, OutsideFault.
        """
        if self._applied or self._template is None:
            return
        usual = {VERSION_KEY: VERSION} | ({"description": self._description} if self._description else {})
        self._template = frozen(usual | dict(self._template))
        self._cancel_push()
        if is_async or more.get("async"):
            self._push_later()
            return
        with self._waiting():
            if not self._applied:
                self._push()

    def delete(self) -> None:
        """Delete the stack and wait until it is gone. One that is not there is no error."""
        self._cancel_push()
        with self._waiting():
            self._delete()

    # Inside

    @property
    def _stacks(self) -> Stacks:
        return outside(self._session).stacks(self._region)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._session.turns.waiting(), self._mutex:
            yield

    def _settled(self) -> StackState | None:
        return self._stacks.settled(self._name, self._session.limits)

    def _known(self) -> Mapping[str, Any]:
        if self._template is None:
            with self._session.turns.waiting():
                state = self._stacks.get(self._name)
            self._applied = True
            self._template = frozen(state.template if state is not None else {})
            given = state.parameters if state is not None else {}
            self._parameters = {key: value for key, value in given.items() if not key.startswith("OS::")}
        return self._template

    def _push(self) -> None:
        template = self._template
        request = StackRequest(
            self._name,
            self._thawed(template),
            thawed(self._parameters),
            thawed(self._files),
            thawed(self._environment),
            tuple(outside(self._session).config("heat", "stack_tags") or ()),
        )
        while not self._accepted(request):
            self._session.limits.sleep(PAUSE)
        self._applied = self._template == template

    def _thawed(self, template: Any) -> dict[str, Any]:
        """The template as plain data. Of its resources, which grow in number with each application, those
        that are as they were at the last push are not made again."""
        resources = template.get("resources")
        if not isinstance(resources, Mapping):
            return dict(thawed(template))
        before = self._plain
        self._plain = {
            name: before[name] if name in before and before[name][0] is body else (body, thawed(body))
            for name, body in resources.items()
        }
        plain = {name: body for name, (_, body) in self._plain.items()}
        return {key: plain if key == "resources" else thawed(value) for key, value in template.items()}

    def _accepted(self, request: StackRequest) -> bool:
        """Whether the change could be made and went well."""
        resources = request.template.get("resources", request.template.get("Resources"))
        before = self._settled()
        try:
            if resources is None:
                if before is not None:
                    self._delete()
                return True
            (self._stacks.create if before is None else self._stacks.update)(request)
        except (Busy, Absent):
            return False
        wanted = "CREATE_COMPLETE" if before is None else "UPDATE_COMPLETE"
        state = self._settled()
        if state is None or state.status != wanted:
            what = f"{state.status}: {state.reason}" if state is not None else "NOT_FOUND"
            raise UnexpectedState(f"Unexpected stack state {what}")
        return True

    def _delete(self) -> None:
        while True:
            state = self._settled()
            try:
                if state is not None:
                    self._stacks.delete(self._name)
                    state = self._settled()
            except Busy:
                self._session.limits.sleep(PAUSE)
                continue
            except Absent:
                state = None
            if state is not None and state.status != "DELETE_COMPLETE":
                raise UnexpectedState(f"Unexpected stack state {state.status}: {state.reason}")
            break
        self._template = frozen({})
        self._parameters = {}
        self._applied = True

    # In the background

    def _push_later(self) -> None:
        if not self._ends_with_session:
            self._ends_with_session = True
            self._session.on_finish(self._finish)
        self._later = threading.Timer(DELAY, self._push_quietly)
        self._later.daemon = True
        self._later.start()

    def _push_quietly(self) -> None:
        with self._mutex:
            try:
                if not self._applied:
                    self._push()
            except MuranoPlError as error:
                self._fault = error

    def _cancel_push(self) -> None:
        """End what was to begin; wait for what has begun."""
        if self._later is not None:
            self._later.cancel()
            with self._session.turns.waiting():
                self._later.join()
            self._later = None

    def _wait_for_push(self) -> None:
        """Have what was to begin done now, and tell how it went."""
        if self._later is not None:
            later, self._later = self._later, None
            later.cancel()
            if not self._applied:
                self._push()
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    def _finish(self) -> None:
        with self._mutex:
            self._wait_for_push()


def merged(one: Any, other: Any) -> Any:
    """Both templates as one: mappings are merged, lists joined without what is there already; else the other
    wins, unless it is null."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        found = dict(one)
        for key, value in other.items():
            found[key] = merged(one[key], value) if key in one else value
        return found
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        both = [*one, *other]
        return [item for index, item in enumerate(both) if item not in both[:index]]
    return one if other is None else other
