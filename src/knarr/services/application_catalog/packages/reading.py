"""YAML files of packages, read for those that look for keys in them."""

from __future__ import annotations

from typing import Any

from knarr.services.application_catalog.language.errors import Position, SyntaxFault
from knarr.services.application_catalog.language.source import Mapped, Parse, documents, no_expression
from knarr.services.application_catalog.packages.faults import PackageFault


def mapping(data: bytes, file: str, told: str, parse: Parse = no_expression) -> Mapped:
    """The one mapping that the file is. Raises PackageFault, saying `told` if it is something else."""
    try:
        found: list[Any] = documents(data.decode(), file, parse)
    except UnicodeDecodeError:
        raise PackageFault("the file is not UTF-8", Position(file, 1)) from None
    except SyntaxFault as error:
        raise PackageFault.of(error) from None
    if len(found) != 1 or not isinstance(found[0], Mapped):
        raise PackageFault(told, Position(file, 1))
    return found[0]
