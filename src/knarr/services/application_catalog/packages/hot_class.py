"""The MuranoPL class of a Heat.HOT package: what it is given, and how its stack comes and goes.

Parameters of the template become contracts of the property `templateParameters`; outputs are read from
`templateOutputs` once the stack is there. Where the package has environments of Heat, parameters are taken as
they come: a contract would put its own values before those of the environment.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.classfile import read_types
from knarr.services.application_catalog.language.dialect import dialect
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.model import (
    Argument,
    MethodScope,
    MuranoType,
    Package,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.model import Method as LanguageMethod
from knarr.services.application_catalog.language.source import Expression, Mapped, documents
from knarr.services.application_catalog.packages import hot
from knarr.services.application_catalog.packages.hot import Parameter

if TYPE_CHECKING:
    from knarr.services.application_catalog.packages.package import ApplicationPackage

METHODS = "hot_methods.yaml"
NUMBER = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"
WHOLE = r"\s*[-+]?\d+\s*"
# Words that Heat takes for true and false.
TRUE, FALSE = ("t", "true", "on", "y", "yes", "1"), ("f", "false", "off", "n", "no", "0")

# A value of each type as the template gets it: what a form gives as text is converted.
CONVERTED = {
    "string": "$.string()",
    "number": "switch($ = null => null, isString($) and $.matches({whole}) => int($), "
    "isString($) and $.matches({number}) => float($), true => $.check(isNumber($), {wrong}))",
    "boolean": "switch($ = null => null, "
    "isString($) => $.check($.toLower() in list({words}), {wrong}).toLower() in list({true}), "
    "true => $.bool())",
    "json": "$.check($ = null or isString($) or isDict($) or isList($), {wrong})",
    "comma_delimited_list": "$.check($ = null or isString($) or isList($), {wrong})",
}


def generate(source: ApplicationPackage, package: Package) -> MuranoType:
    """The class of a package. Raises PackageFault if its template is none."""
    template = source.hot_template()
    files_, environments = source.hot_files(), source.hot_environments()
    kind = _common(package)
    kind.name = source.manifest.full_name
    kind.position = template.body.position
    contract = Mapped(template.body.position)
    if not environments:
        for parameter in template.parameters.values():
            contract[parameter.name] = contract_of(parameter)
    outputs = Mapped(template.body.position)
    for name in template.outputs:
        outputs[name] = _expression("$", template.body.position)
    _add_property(kind, "templateParameters", contract, PropertyUsage.IN)
    _add_property(kind, "templateOutputs", outputs, PropertyUsage.OUT)
    _add_method(kind, "template", template.body)
    _add_method(kind, "nestedFiles", _nested(files_, template.body.position), "resources")
    return kind


def contract_of(parameter: Parameter) -> Expression:
    """The contract of a parameter: of its type, given unless it has a default, and as constraints want it."""
    words = {
        "whole": hot.literal(hot.anchored(WHOLE)),
        "number": hot.literal(hot.anchored(NUMBER)),
        "true": ", ".join(map(hot.literal, TRUE)),
        "words": ", ".join(map(hot.literal, (*TRUE, *FALSE))),
        "wrong": hot.literal(f"this is no {parameter.type}"),
    }
    text = CONVERTED[parameter.type].format(**words)
    if not parameter.has_default:
        text += ".notNull()"
    for constraint in parameter.constraints:
        wanted = hot.predicate(parameter, constraint)
        if wanted is not None:
            told = hot.literal(hot.message(parameter, constraint))
            text += f".check($ = null or ({wanted}), {told})"
    return _expression(text, parameter.position or Position(hot.TEMPLATE, 1))


@functools.cache
def _methods() -> str:
    return (files(__package__) / METHODS).read_text()


def _common(package: Package) -> MuranoType:
    [kind] = read_types(package, documents(_methods(), METHODS, dialect().parse), METHODS)
    return kind


def _expression(text: str, position: Position) -> Expression:
    return Expression(text, dialect().parse(text), position)


def _add_property(kind: MuranoType, name: str, contract: Mapped, usage: PropertyUsage) -> None:
    kind.properties[name] = Property(name, kind, contract, usage, Mapped(contract.position))


def _add_method(kind: MuranoType, name: str, result: Any, argument: str | None = None) -> None:
    body = Mapped(kind.position or Position(hot.TEMPLATE, 1))
    body["Return"] = result
    anything = _expression("$", body.position)
    arguments = (Argument(argument, anything),) if argument else ()
    kind.methods[name] = LanguageMethod(
        name, kind, arguments, [body], scope=MethodScope.SESSION, position=body.position
    )


def _nested(names: tuple[str, ...], position: Position) -> Mapped:
    """The files by their names, as expressions that read them."""
    made = Mapped(position)
    for name in names:
        made[name] = _expression(f"$resources.string({hot.literal(hot.FILES + name)})", position)
    return made
