"""io.murano.system.Resources: files of packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.contexts import session_of
from knarr.services.application_catalog.language.errors import InvalidArguments, MuranoPlError, SyntaxFault
from knarr.services.application_catalog.language.pythonclass import CALLER, RECEIVER, murano_class
from knarr.services.application_catalog.language.source import plain
from knarr.services.application_catalog.language.values import Reference, frozen

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.model import Package
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject


class NoResource(MuranoPlError):
    """A file that the package has not."""

    upstream = "builtins.FileNotFoundError"


@murano_class("io.murano.system.Resources")
class Resources:
    """An object has the files of the package whose code made it; without one, of the code that asks."""

    def __init__(self, this: MuranoObject, session: Session) -> None:
        caller = CALLER.get()
        self.package = caller.package if caller is not None else None

    @staticmethod
    def string(name: str, context: Any, owner: Any = None, binary: bool = False) -> Any:
        """The file's text, or its bytes. `owner` is a class of the package that has it."""
        data = _data(name, context, owner)
        if binary:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise InvalidArguments(f"{name} is no text in UTF-8: ask for it as binary") from None

    @staticmethod
    def yaml(name: str, context: Any, owner: Any = None) -> Any:
        """The file as YAML; dates stay texts."""
        try:
            return frozen(plain(_data(name, context, owner).decode(), name))
        except SyntaxFault as error:
            raise InvalidArguments(f"{name} is no YAML: {error}") from None
        except UnicodeDecodeError:
            raise InvalidArguments(f"{name} is no YAML: it is no text in UTF-8") from None

    @staticmethod
    def json(name: str, context: Any, owner: Any = None) -> Any:
        try:
            return json.loads(_data(name, context, owner))
        except (ValueError, RecursionError) as error:
            raise InvalidArguments(f"{name} is no JSON: {error}") from None

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        if self.package is None:
            raise FileNotFoundError(name)
        return self.package.resource(name)


def _data(name: str, context: Any, owner: Any) -> bytes:
    """The bytes of a file of the package that is meant. Raises NoResource."""
    package = _package(context, owner)
    try:
        return package.resource(name)
    except FileNotFoundError:
        raise NoResource(f"package {package.name} has no file Resources/{name}") from None


def _package(context: Any, owner: Any) -> Package:
    session, receiver, caller = session_of(context), RECEIVER.get(), CALLER.get()
    if owner is not None:
        return session.resolve_type(owner, caller).package
    if isinstance(receiver, Reference):
        for kind in receiver.real.kind.mro:
            found = session.store.python_of(receiver.real, kind) if kind.python is Resources else None
            if found is not None and found.package is not None:
                return found.package
    if caller is None:
        raise InvalidArguments("no package is meant: name one of its classes as owner")
    return caller.package
