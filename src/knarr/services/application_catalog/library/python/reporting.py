"""What applications tell: StatusReporter, InstanceNotifier, Logger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yaql.language import specs

from knarr.services.application_catalog.language.errors import InvalidArguments
from knarr.services.application_catalog.language.formatting import formatted
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.values import Reference
from knarr.services.application_catalog.library.outside import outside

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

APPLICATION, MACHINE = 100, 200
LOG_PREFIX = "applications."


@murano_class("io.murano.system.StatusReporter")
class StatusReporter:
    """The story of a deployment. `environment` is the object or its id."""

    def __init__(self, this: MuranoObject, session: Session, environment: Any) -> None:
        self._session = session
        self._environment = environment.real.id if isinstance(environment, Reference) else str(environment)

    def report(self, instance: Any, msg: str) -> None:
        """Tell something of the object; without one, of the environment."""
        self._report(instance, msg, "info")

    @specs.name("report_error")
    def report_error(self, instance: Any, msg: str) -> None:
        self._report(instance, msg, "error")

    def _report(self, instance: Any, text: str, level: str) -> None:
        entity = instance.real.id if isinstance(instance, Reference) else self._environment
        outside(self._session).reports.report(self._environment, entity, str(text), level)


@murano_class("io.murano.system.InstanceNotifier")
class InstanceNotifier:
    """The account of what runs."""

    def __init__(self, this: MuranoObject, session: Session, environment: Any) -> None:
        self._session = session
        self._environment = environment.real.id if isinstance(environment, Reference) else str(environment)

    def track_application(self, instance: Any, title: Any = None, unit_count: Any = None) -> None:
        self._track(instance, APPLICATION, title, unit_count)

    def untrack_application(self, instance: Any) -> None:
        self._untrack(instance, APPLICATION)

    def track_cloud_instance(self, instance: Any) -> None:
        self._track(instance, MACHINE, None, 1)

    def untrack_cloud_instance(self, instance: Any) -> None:
        self._untrack(instance, MACHINE)

    def _track(self, instance: Any, kind: int, title: str | None, units: int | None) -> None:
        one = _object(instance)
        statistics = outside(self._session).statistics
        statistics.track(self._environment, one.id, kind, one.kind.name, title, units)

    def _untrack(self, instance: Any, kind: int) -> None:
        outside(self._session).statistics.untrack(self._environment, _object(instance).id, kind)


def _object(instance: Any) -> MuranoObject:
    if not isinstance(instance, Reference):
        raise InvalidArguments(f"an object is needed, not {instance!r}")
    return instance.real


@murano_class("io.murano.system.Logger")
class Logger:
    """A log of applications: what `logger(name)` gives. Messages are formats with `{0}` and `{name}`."""

    def __init__(self, this: MuranoObject, session: Session, logger_name: str | None = None) -> None:
        self._session = session
        self._name = LOG_PREFIX + str(logger_name)

    def trace(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("trace", message, args, kwargs)

    def debug(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("debug", message, args, kwargs)

    def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("info", message, args, kwargs)

    def warning(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("warning", message, args, kwargs)

    def error(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("error", message, args, kwargs)

    def critical(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log("critical", message, args, kwargs)

    def exception(self, exc: Any, message: str, *args: Any, **kwargs: Any) -> None:
        """An error, with where it came from."""
        error = self._session.store.error_of(exc)
        text = self._formatted(message, args, kwargs)
        self._write("error", f"{text}\n{error.trace()}" if error is not None else text)

    def _log(self, level: str, message: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._write(level, self._formatted(message, args, kwargs))

    def _formatted(self, message: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The message with its values; as it is if they do not fit, for a log ends no deployment."""
        try:
            return formatted(message, args, kwargs)
        except InvalidArguments:
            self._write("warning", f"Can not format string: {message}")
            return message

    def _write(self, level: str, text: str) -> None:
        outside(self._session).logs.log(self._name, level, text)
